"""What every runner does, whatever it runs k6 on. A runner's own test module subclasses `RunnerContract`."""

import json
import time
from collections.abc import Iterator

import pytest

from loadtests.k6.command import local_command
from loadtests.k6.plan import RunPlan, StagePlan
from loadtests.k6.script import SUMMARY_MARK, build_script
from loadtests.runners import LaunchSpec, Runner, RunnerError
from loadtests.tests.conftest import Target, run_plan, scenario, wait_until

JOB = "k6-0123abcd"
NOWHERE = "http://127.0.0.1:9/ingest/7/write"


def spec_of(plan: RunPlan, job_name: str = JOB, script: str = "") -> LaunchSpec:
    """What is launched for a plan; its numbers are pushed to where nobody listens."""
    arguments, environment = local_command("7", "1", NOWHERE, "secret-token")
    return LaunchSpec(job_name, f"{job_name}.js", script or build_script(plan), arguments, environment)


def requests_counted(output: str) -> int:
    """k6's own count of requests, from the summary line."""
    line = next(line for line in output.splitlines() if line.startswith(SUMMARY_MARK))
    return int(json.loads(line.removeprefix(SUMMARY_MARK))["metrics"]["http_reqs"]["values"]["count"])


class RunnerContract:
    """Subclasses give the fixture `bare_runner`."""

    @pytest.fixture
    def runner(self, bare_runner: Runner) -> Iterator[Runner]:
        yield bare_runner
        bare_runner.cleanup(JOB)

    def launch(self, runner: Runner, url: str, seconds: float = 1, script: str = "") -> None:
        plan = run_plan(scenario(url=url, stages=(StagePlan(seconds, 2),)))
        runner.launch(spec_of(plan, script=script))

    def finish(self, runner: Runner) -> int | None:
        wait_until(lambda: runner.poll(JOB).phase == "finished", 15)
        return runner.poll(JOB).exit_code

    def test_it_runs_a_load_to_its_end(self, runner: Runner, target: Target) -> None:
        assert runner.poll(JOB).phase == "absent"
        self.launch(runner, target.url)
        assert runner.poll(JOB).phase in {"waiting", "running"}
        wait_until(lambda: runner.poll(JOB).ready == 1)
        assert self.finish(runner) == 0
        assert target.count > 0
        assert requests_counted(runner.logs(JOB).output) == target.count

    def test_it_counts_the_requests_in_flight_at_the_end(self, runner: Runner, target: Target) -> None:
        self.launch(runner, f"{target.url}/slow")
        assert self.finish(runner) == 0
        assert requests_counted(runner.logs(JOB).output) == target.count

    def test_a_second_launch_starts_no_second_load(self, runner: Runner, target: Target) -> None:
        self.launch(runner, target.url)
        self.launch(runner, target.url)
        assert self.finish(runner) == 0
        self.launch(runner, target.url)
        assert runner.poll(JOB).phase == "finished"
        assert requests_counted(runner.logs(JOB).output) == target.count

    def test_it_stops_a_load_and_keeps_the_summary(self, runner: Runner, target: Target) -> None:
        self.launch(runner, target.url, seconds=60)
        wait_until(lambda: target.count > 0)
        runner.stop(JOB)
        runner.stop(JOB)
        assert self.finish(runner) == 105
        assert 0 <= target.count - requests_counted(runner.logs(JOB).output) <= 2

    def test_stopping_what_is_over_or_unknown_changes_nothing(self, runner: Runner, target: Target) -> None:
        runner.stop(JOB)
        assert runner.poll(JOB).phase == "absent"
        self.launch(runner, target.url)
        self.finish(runner)
        runner.stop(JOB)
        assert runner.poll(JOB).exit_code == 0

    def test_it_tells_crossed_thresholds(self, runner: Runner, target: Target) -> None:
        runner.launch(spec_of(run_plan(scenario(url=f"{target.url}/fail", error_rate_target=1.0))))
        assert self.finish(runner) == 99
        assert "thresholds" in runner.logs(JOB).log

    def test_it_tells_a_script_that_fails(self, runner: Runner) -> None:
        self.launch(runner, "", script="throw new Error('소리 없는 오류');")
        assert self.finish(runner) == 107
        assert "소리 없는 오류" in runner.logs(JOB).log
        assert runner.poll(JOB).failed == 1

    def test_a_target_that_refuses_leaves_a_bounded_log(self, runner: Runner) -> None:
        self.launch(runner, "http://127.0.0.1:9/")
        assert self.finish(runner) == 0
        log = runner.logs(JOB).log
        assert "connection refused" in log
        assert 10_000 < len(log) < 270_000

    def test_it_forgets_a_job_and_kills_what_lives_of_it(self, runner: Runner, target: Target) -> None:
        self.launch(runner, target.url, seconds=60)
        wait_until(lambda: target.count > 0)
        runner.cleanup(JOB)
        assert runner.poll(JOB).phase == "absent"
        wait_until(lambda: self.is_still(target))
        assert runner.logs(JOB).output == ""
        runner.cleanup(JOB)

    def is_still(self, target: Target) -> bool:
        before = target.count
        time.sleep(0.1)
        return target.count == before

    @pytest.mark.parametrize("name", ["", "../up", "a/b", "A", "a b", "-a", "a" * 64, "a\n"])
    def test_it_refuses_odd_job_names(self, runner: Runner, name: str) -> None:
        with pytest.raises(RunnerError) as refusal:
            runner.poll(name)
        assert refusal.value.permanent
