import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from metricvault.supervise.leftovers import end_load, kill_all, members
from metricvault.supervise.place import Place
from metricvault.supervise.programs import MARK


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(8123, tmp_path.resolve())


@contextmanager
def process(*command: str, **environ: str) -> Iterator[psutil.Process]:
    env = {**os.environ, **environ}
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, start_new_session=True) as child:
        try:
            yield psutil.Process(child.pid)
        finally:
            child.kill()


def pids(place: Place) -> set[int]:
    return {found.pid for found in members(place)}


def test_it_finds_what_carries_the_mark_of_this_copy_only(place: Place, tmp_path: Path) -> None:
    with process("sleep", "60", **{MARK: str(place.data_dir)}) as mine, process("sleep", "60", **{MARK: "/other"}):
        assert pids(place) == {mine.pid}


def test_it_finds_load_that_the_runner_started_without_the_mark(place: Place) -> None:
    waits = ("sh", "-c", "read never", "mv-run")
    with process(*waits, f"{place.data_dir}/runs/k6-1") as load, process(*waits, f"{place.data_dir}-2/runs/k6-1"):
        assert pids(place) == {load.pid}


def test_it_leaves_alone_who_only_looks_at_a_file_of_a_run(place: Place) -> None:
    with process(sys.executable, "-c", "import time; time.sleep(60)", f"{place.data_dir}/runs/k6-1/stdout"):
        assert pids(place) == set()


def test_it_kills_children_and_their_children(place: Place) -> None:
    with process("sh", "-c", "sleep 61 & sleep 62", **{MARK: str(place.data_dir)}) as parent:
        until(lambda: len(parent.children()) == 2)
        children = parent.children()
        assert kill_all(place) == []
        until(lambda: not any(child.is_running() for child in children))


def test_k6_is_asked_before_it_is_killed(place: Place) -> None:
    script = Path(place.data_dir) / "runs" / "k6-1"
    script.mkdir(parents=True)
    k6 = script / "k6"
    shutil.copy(shutil.which("sleep") or "", k6)
    mark = {MARK: str(place.data_dir)}
    with process(str(k6), "60", **mark), process("sleep", "60", **mark) as other:
        assert end_load(place, 5) == 1
        assert pids(place) == {other.pid}


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
