"""Tests in forked processes (tests/forked.py) count and fail as in one process, also where a process dies."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough
_ROOT = Path(__file__).resolve().parent.parent
# Every test a unit of its own; a worker notes its end, as fixtures of a session do.
_HOW = """
import pytest
from tests import forked

def pytest_runtestloop(session):
    units = lambda items: {str(place): [place] for place, item in enumerate(items)}
    if session.config.option.workers:
        return forked.run(session, forked.Forking(units, lambda units, worker: next(iter(units)), lambda *it: None))

@pytest.fixture(scope="session")
def whole(tmp_path_factory, request):
    yield tmp_path_factory.getbasetemp()
    print("ended", file=open(f"ended-{request.config.workerinput['workerid']}", "w"))
"""


def _pytest(folder: Path, tests: str, *options: str) -> str:
    """What pytest says of these tests."""
    (folder / "how.py").write_text(_HOW)
    (folder / "test_them.py").write_text(tests)
    plugins = ["no:django", "no:hypothesispytest", "no:cacheprovider", "tests.forked", "how"]
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", ".", *options]
    for plugin in plugins:
        command += ["-p", plugin]
    environ = {**os.environ, "PYTHONPATH": f"{_ROOT}:{folder}", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,  # as by a terminal: Ctrl-C reaches all of it
        preexec_fn=lambda: (
            signal.signal(signal.SIGINT, signal.SIG_DFL) and None
        ),  # shells take it from what runs beside
    )
    return f"{done.stdout}{done.stderr}\nexit code {done.returncode}"


def _hears_ctrl_c() -> None:
    """A shell takes that from what it runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _counted(said: str) -> str:
    return re.search(r"=+ ([^=]*) in [\d.]+s", said)[1] if " in " in said else said


def test_results_are_those_of_one_process_and_fixtures_end(tmp_path: Path) -> None:
    tests = """
import os, pytest

@pytest.mark.parametrize("number", range(20))
def test_passes(whole, number, tmp_path): assert os.path.commonpath([whole, tmp_path]) == str(whole)
def test_fails(): print("what it printed"); assert 1 == 2
def test_error(no_such_fixture): pass
def test_skipped(): pytest.skip("for a reason")
@pytest.mark.xfail(strict=True)
def test_unlucky(): assert False
"""
    alone, together = (_pytest(tmp_path, tests, *options) for options in (["-k", "not passes"], ["--workers", "3"]))
    assert _counted(alone) == "1 failed, 1 skipped, 20 deselected, 1 xfailed, 1 error"
    assert _counted(together) == "1 failed, 20 passed, 1 skipped, 1 xfailed, 1 error"
    assert "assert 1 == 2" in together
    assert together.count("what it printed") == alone.count("what it printed")
    assert "exit code 1" in together
    assert list(tmp_path.glob("ended-gw*"))


def test_a_process_that_dies_fails_its_test_and_the_others_run(tmp_path: Path) -> None:
    tests = """
import os, pytest

def test_dies(): os.kill(os.getpid(), 9)
def test_leaves(): os._exit(0)
@pytest.mark.parametrize("number", range(9))
def test_passes(number): pass
"""
    said = _pytest(tmp_path, tests, "--workers", "2")
    assert _counted(said) == "2 failed, 9 passed"
    assert "ended with -9" in said
    assert "exit code 1" in said


@pytest.mark.parametrize(("options", "failures"), [(["-x"], 1), (["--maxfail", "2"], 2)])
def test_after_so_many_failures_it_stops(tmp_path: Path, options: list[str], failures: int) -> None:
    tests = """
import pytest

@pytest.mark.parametrize("number", range(200))
def test_fails(number): assert False
"""
    said = _pytest(tmp_path, tests, "--workers", "2", *options)
    assert f"stopping after {failures} failures" in said
    assert int(re.search(r"(\d+) failed", said)[1]) < 20


def test_what_cannot_be_collected_is_an_error(tmp_path: Path) -> None:
    said = _pytest(tmp_path, "import no_such_module", "--workers", "2")
    assert "1 error" in said
    assert "exit code 2" in said


def test_ctrl_c_ends_all_processes_and_their_fixtures(tmp_path: Path) -> None:
    tests = """
import os, signal, time, pytest

@pytest.mark.parametrize("number", range(2))
def test_waits(whole, number):
    open(f"pid-{os.getpid()}", "w").close()
    if number:
        while len([name for name in os.listdir() if name.startswith("pid-")]) < 2: time.sleep(0.05)
        os.killpg(0, signal.SIGINT)
    time.sleep(30)
"""
    said = _pytest(tmp_path, tests, "--workers", "2")
    assert "KeyboardInterrupt" in said
    assert "exit code 2" in said
    for noted in tmp_path.glob("pid-*"):
        assert not Path("/proc", noted.name.removeprefix("pid-")).exists()
