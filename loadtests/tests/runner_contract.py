"""What every runner does, whatever it runs k6 on. A runner's own test module subclasses `RunnerContract`."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from history.failures import read
from history.metrics.summary import find
from loadtests.dashboards.upstream import events, fetch
from loadtests.k6.command import local_command
from loadtests.k6.dashboard import dashboard_environment, is_stop, shown_report
from loadtests.k6.plan import RunPlan, Secret, SecretPlan, StagePlan, TablePlan, Take
from loadtests.k6.script import SUMMARY_MARK, build_script
from loadtests.runners import Door, LaunchSpec, Progress, Runner, RunnerError
from loadtests.tests.conftest import Target, run_plan, scenario, wait_until

JOB = "k6-0123abcd"
TOKEN = "secret-token"
NOWHERE = "http://127.0.0.1:9/ingest/7/write"


def spec_of(plan: RunPlan, job_name: str = JOB, script: str = "") -> LaunchSpec:
    """What is launched on this machine for a plan; its numbers are pushed to where nobody listens."""
    return LaunchSpec(
        job_name, f"{job_name}.js", script or build_script(plan), *local_command("7", "1", NOWHERE, TOKEN, plan)
    )


def requests_counted(output: str) -> int:
    """k6's own count of requests, from the summary line."""
    line = next(line for line in output.splitlines() if line.startswith(SUMMARY_MARK))
    return int(json.loads(line.removeprefix(SUMMARY_MARK))["metrics"]["http_reqs"]["values"]["count"])


class RunnerContract:
    """Subclasses give the fixture `bare_runner`, and what differs: how k6 is called, how a target is reached from where
    k6 runs, what k6 answers to a stop, and how long a generator may take to be up."""

    stopped = 105
    patience = 15.0
    instance, pods = "1", False

    def spec(self, plan: RunPlan, script: str = "") -> LaunchSpec:
        return spec_of(plan, script=script)

    def reach(self, url: str) -> str:
        return url

    @pytest.fixture
    def runner(self, bare_runner: Runner) -> Iterator[Runner]:
        yield bare_runner
        bare_runner.cleanup(JOB)

    def launch(self, runner: Runner, url: str, seconds: float = 1, script: str = "") -> None:
        plan = run_plan(scenario(url=self.reach(url), stages=(StagePlan(seconds, 2),)))
        runner.launch(self.spec(plan, script))

    def look(self, runner: Runner) -> Progress:
        """As supervision does: lets the load begin once everything is ready."""
        progress = runner.poll(JOB)
        if progress.phase == "ready":
            runner.begin(JOB)
        return progress

    def finish(self, runner: Runner) -> int | None:
        wait_until(lambda: self.look(runner).phase == "finished", self.patience)
        return runner.poll(JOB).exit_code

    def until_load(self, runner: Runner, target: Target) -> None:
        wait_until(lambda: self.look(runner).phase in {"running", "finished"}, self.patience)
        wait_until(lambda: target.count > 0)

    def test_it_runs_a_load_to_its_end(self, runner: Runner, target: Target) -> None:
        assert runner.poll(JOB).phase == "absent"
        self.launch(runner, target.url)
        assert runner.poll(JOB).phase in {"waiting", "running"}
        wait_until(lambda: self.look(runner).ready == 1, self.patience)
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
        self.until_load(runner, target)
        runner.stop(JOB)
        runner.stop(JOB)
        assert self.finish(runner) == self.stopped
        assert 0 <= target.count - requests_counted(runner.logs(JOB).output) <= 2

    def test_stopping_what_is_over_or_unknown_changes_nothing(self, runner: Runner, target: Target) -> None:
        runner.stop(JOB)
        assert runner.poll(JOB).phase == "absent"
        self.launch(runner, target.url)
        self.finish(runner)
        runner.stop(JOB)
        assert runner.poll(JOB).exit_code == 0

    def test_a_script_finds_its_data_beside_it_and_its_secrets_in_the_environment(
        self, runner: Runner, target: Target
    ) -> None:
        url = (f"{self.reach(target.url)}/", Take("users.name", "url"))
        one = scenario(url=url, headers=(("X-Key", (Secret("MV_S1", "header"),)),), think_time=0.2)
        table = TablePlan("users", ("name",), "sequential", 1, "users.json")
        plan = replace(run_plan(one), tables=(table,), secrets=(SecretPlan("MV_S1", "credential:key"),))
        spec = self.spec(plan)
        secret = {"MV_S1": "geheim"}
        files = {"users.json": json.dumps([["한국"]])}
        runner.launch(replace(spec, files=files, environment={**spec.environment, **secret}))
        assert self.finish(runner) == 0
        assert target.last[1] == "/%ED%95%9C%EA%B5%AD"
        assert target.last[2]["X-Key"] == "geheim"
        assert "geheim" not in spec.script + " ".join(spec.arguments)

    def test_it_tells_crossed_thresholds(self, runner: Runner, target: Target) -> None:
        plan = run_plan(scenario(url=self.reach(f"{target.url}/fail"), error_rate_target=1.0))
        runner.launch(self.spec(plan))
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

    def test_failed_requests_and_the_log_are_there_while_the_load_lasts(self, runner: Runner, target: Target) -> None:
        plan = run_plan(
            scenario(url=self.reach(f"{target.url}/fail"), stages=(StagePlan(60, 1),), think_time=0.1),
            scenario(1, url="http://127.0.0.1:9/", stages=(StagePlan(60, 1),), think_time=0.1),
        )
        runner.launch(self.spec(plan))
        self.until_load(runner, target)
        wait_until(lambda: {"500", "0:1212"} <= {one.kind for one in read(runner.logs(JOB).output)}, self.patience)
        wait_until(lambda: any(one.response and one.response["body"] == "ok" for one in read(runner.logs(JOB).output)))
        assert "connection refused" in runner.log_tail(JOB)
        assert "METRICVAULT" not in runner.logs(JOB).log + runner.log_tail(JOB)
        runner.stop(JOB)
        assert self.finish(runner) == self.stopped
        assert len(find(runner.logs(JOB).output)) == 1

    def test_a_dashboard_that_is_looked_at_lets_the_load_end(self, runner: Runner, target: Target) -> None:
        plan = run_plan(scenario(url=self.reach(target.url), stages=(StagePlan(4, 2),)))
        asked = dashboard_environment(replace(plan, k6_dashboard=True), pod=self.pods)
        spec = self.spec(plan)
        runner.launch(replace(spec, environment={**spec.environment, **asked}))
        self.until_load(runner, target)
        door = runner.dashboard(JOB, self.instance)
        assert b"k6 dashboard" in (fetch(door, "ui/") or b"")
        assert fetch(door, "ui/nothing.js") is None
        assert asyncio.run(self.watch_to_the_end(door)) > 3
        assert self.finish(runner) == 0
        logs = runner.logs(JOB)
        assert requests_counted(logs.output) == target.count
        assert shown_report(logs.reports[self.instance])

    async def watch_to_the_end(self, door: Door) -> int:
        count = 0
        async with aclosing(events(door, "events", "")) as told:
            async for event in told:
                count += 1
                if is_stop(event):
                    return count
        return 0

    def test_without_a_load_there_is_no_dashboard_and_without_asking_no_report(
        self, runner: Runner, target: Target
    ) -> None:
        with pytest.raises(RunnerError):
            runner.dashboard(JOB, self.instance)
        self.launch(runner, target.url)
        assert self.finish(runner) == 0
        assert runner.logs(JOB).reports == {}

    def test_it_forgets_a_job_and_kills_what_lives_of_it(self, runner: Runner, target: Target) -> None:
        self.launch(runner, target.url, seconds=60)
        self.until_load(runner, target)
        runner.cleanup(JOB)
        assert runner.poll(JOB).phase == "absent"
        wait_until(lambda: self.is_still(target))
        wait_until(lambda: runner.logs(JOB).output == "", self.patience)
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
