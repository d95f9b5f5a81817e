"""k6 as a process of this machine."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from loadtests.k6.plan import StagePlan
from loadtests.k6.script import build_script
from loadtests.runners import LocalRunner, RunnerError
from loadtests.runners.local import this_machine
from loadtests.tests.conftest import Target, run_plan, scenario, wait_until
from loadtests.tests.runner_contract import JOB, RunnerContract, requests_counted, spec_of

# A worker that ignores signals as Celery's children do, starts a load and waits to be killed.
_LAUNCHER = """
    import signal, sys, time
    from pathlib import Path
    from loadtests.runners.local import LocalRunner
    from loadtests.runners.base import LaunchSpec
    from loadtests.k6.command import local_command
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    script, data_dir, k6, job = sys.argv[1:]
    arguments, environment = local_command("7", "1", "http://127.0.0.1:9/", "secret-token")
    spec = LaunchSpec(job, job + ".js", Path(script).read_text("utf-8"), arguments, environment)
    LocalRunner(Path(data_dir), k6).launch(spec)
    print("launched", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def bare_runner(tmp_path: Path, k6: str) -> LocalRunner:
    return LocalRunner(tmp_path / "data", k6)


class TestLocalRunner(RunnerContract):
    """The contract, and what only a process can do."""

    def pids(self, runner: LocalRunner) -> list[int]:
        folder = runner._folder(JOB)
        wait_until((folder / "pids").exists)
        return [int(part) for part in (folder / "pids").read_text().split()[:2]]

    def launch_elsewhere(self, tmp_path: Path, k6: str, url: str, seconds: float) -> subprocess.Popen[str]:
        script = tmp_path / "script.js"
        plan = run_plan(scenario(url=url, stages=(StagePlan(seconds, 2),)))
        script.write_text(build_script(plan), encoding="utf-8")
        command = [sys.executable, "-c", textwrap.dedent(_LAUNCHER), str(script), str(tmp_path / "data"), k6, JOB]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "metricvault.settings"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        assert process.stdout.readline() == "launched\n"
        return process

    def test_the_load_outlives_the_worker_that_launched_it(
        self, runner: LocalRunner, target: Target, tmp_path: Path, k6: str
    ) -> None:
        with self.launch_elsewhere(tmp_path, k6, target.url, 2) as worker:
            wait_until(lambda: target.count > 0)
            worker.send_signal(signal.SIGKILL)
        assert runner.poll(JOB).phase == "running"
        assert self.finish(runner) == 0
        assert requests_counted(runner.logs(JOB).output) == target.count

    def test_another_worker_stops_a_load_whose_launcher_ignored_signals(
        self, runner: LocalRunner, target: Target, tmp_path: Path, k6: str
    ) -> None:
        with self.launch_elsewhere(tmp_path, k6, target.url, 60) as worker:
            wait_until(lambda: target.count > 0)
            worker.send_signal(signal.SIGKILL)
        runner.stop(JOB)
        assert self.finish(runner) == 105

    def test_a_k6_that_does_not_end_is_killed_after_the_grace(
        self, runner: LocalRunner, target: Target, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("loadtests.runners.local.GRACE", 0.3)
        self.launch(runner, target.url, seconds=60)
        wait_until(lambda: target.count > 0)
        k6_pid, _wrapper = self.pids(runner)
        psutil.Process(k6_pid).suspend()  # SIGTERM stays pending
        runner.stop(JOB)
        assert self.finish(runner) == 137

    def test_it_tells_a_k6_that_was_killed(self, runner: LocalRunner, target: Target) -> None:
        self.launch(runner, target.url, seconds=60)
        os.kill(self.pids(runner)[0], signal.SIGKILL)
        assert self.finish(runner) == 137

    def test_after_a_restart_of_the_machine_the_job_is_over_without_an_exit_code(
        self, runner: LocalRunner, target: Target
    ) -> None:
        self.launch(runner, target.url, seconds=60)
        _k6, wrapper = self.pids(runner)
        os.killpg(wrapper, signal.SIGKILL)
        assert self.finish(runner) is None
        assert "no exit code" in runner.poll(JOB).message
        # The number is given to somebody else meanwhile: it is neither watched nor killed.
        (runner._folder(JOB) / "pids").write_text(f"{os.getpid()} {os.getpid()} {this_machine()}")
        runner.stop(JOB)
        assert runner.poll(JOB).phase == "finished"

    def test_a_worker_that_died_before_it_started_k6_leaves_no_run_waiting(
        self, runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = runner._folder(JOB)
        folder.mkdir(parents=True)
        (folder / "launched").touch()
        assert runner.poll(JOB).phase == "waiting"
        monkeypatch.setattr("loadtests.runners.local._START_PATIENCE", 0)
        assert runner.poll(JOB).phase == "finished"

    def test_the_pulse_ends_with_k6_also_where_nobody_waits_for_it(self, runner: LocalRunner, target: Target) -> None:
        self.launch(runner, target.url, seconds=60)
        k6_pid, wrapper = self.pids(runner)
        os.kill(wrapper, signal.SIGKILL)
        os.kill(k6_pid, signal.SIGKILL)
        wait_until(lambda: not living(runner._folder(JOB)))
        assert runner.poll(JOB).phase == "finished"

    def test_secrets_are_in_no_command_line_and_no_file(self, runner: LocalRunner, target: Target) -> None:
        self.launch(runner, target.url)
        k6_pid, _wrapper = self.pids(runner)
        process = psutil.Process(k6_pid)
        assert not any("secret-token" in part for part in process.cmdline())
        environment = process.environ()
        assert environment["K6_PROMETHEUS_RW_BEARER_TOKEN"] == "secret-token"
        assert {name for name in environment if not name.startswith(("K6_", "SSL_CERT_"))} <= {
            "PATH",
            "HOME",
            "PWD",
            "GOGC",
            "GOMEMLIMIT",
        }
        self.finish(runner)
        for path in runner._folder(JOB).iterdir():
            assert path.is_fifo() or b"secret-token" not in path.read_bytes()

    @pytest.mark.parametrize("binary", ["", "/nowhere/k6", __file__])
    def test_without_k6_it_says_so_and_leaves_nothing(self, tmp_path: Path, binary: str) -> None:
        runner = LocalRunner(tmp_path, binary)
        with pytest.raises(RunnerError, match="k6|program") as refusal:
            runner.launch(spec_of(run_plan()))
        assert refusal.value.permanent
        assert runner.poll(JOB).phase == "absent"

    def test_a_folder_that_cannot_be_written_may_be_tried_again(self, tmp_path: Path, k6: str) -> None:
        (tmp_path / "runs").write_text("in the way")
        with pytest.raises(RunnerError, match="cannot be written") as refusal:
            LocalRunner(tmp_path, k6).launch(spec_of(run_plan()))
        assert not refusal.value.permanent


class TestLocalRunnerInAnotherContainer:
    """Web and worker share the data folder but see no process of each other's."""

    @pytest.fixture
    def here(self, tmp_path: Path, k6: str) -> Iterator[LocalRunner]:
        runner = LocalRunner(tmp_path / "data", k6, "here")
        yield runner
        runner.cleanup(JOB)

    @pytest.fixture
    def afar(self, here: LocalRunner, tmp_path: Path, k6: str, target: Target) -> LocalRunner:
        """Looks at a load that goes on here."""
        here.launch(spec_of(run_plan(scenario(url=target.url, stages=(StagePlan(60, 2),)))))
        wait_until(lambda: target.count > 0)
        wait_until((here._folder(JOB) / "pids").exists)  # written beside k6, not before it
        return LocalRunner(tmp_path / "data", k6, "afar")

    def test_it_sees_the_load(self, afar: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("loadtests.runners.local.SILENCE", 0.8)
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            assert (afar.poll(JOB).phase, afar.poll(JOB).ready) == ("running", 1)
            time.sleep(0.05)

    def test_it_stops_the_load(self, here: LocalRunner, afar: LocalRunner) -> None:
        afar.stop(JOB)
        wait_until(lambda: afar.poll(JOB).phase == "finished")
        assert afar.poll(JOB) == here.poll(JOB)
        assert afar.poll(JOB).exit_code == 105
        assert requests_counted(afar.logs(JOB).output) > 0

    def test_it_ends_the_load_by_forgetting_the_job(self, afar: LocalRunner) -> None:
        folder = afar._folder(JOB)
        afar.cleanup(JOB)
        wait_until(lambda: not living(folder))

    def test_it_sees_that_the_machine_is_gone(
        self, here: LocalRunner, afar: LocalRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        os.killpg(int((here._folder(JOB) / "pids").read_text().split()[1]), signal.SIGKILL)
        assert afar.poll(JOB).phase == "running"
        monkeypatch.setattr("loadtests.runners.local.SILENCE", 0.1)
        wait_until(lambda: afar.poll(JOB).phase == "finished")
        assert afar.poll(JOB).exit_code is None
        assert "no exit code" in afar.poll(JOB).message


def living(folder: Path) -> list[psutil.Process]:
    """The processes whose command line names the folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and any(str(folder) in part for part in process.cmdline()):
                found.append(process)
    return found
