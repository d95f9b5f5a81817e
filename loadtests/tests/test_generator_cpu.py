"""The CPU time of a local k6: what the runner tells of it, and when so much of it makes a result worth nothing."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest
from django.contrib.auth.models import User

from history.models import TestHistory
from history.states import Status
from history.tests.sample_runs import project_of, run_of
from loadtests import fleet
from loadtests.k6.plan import StagePlan
from loadtests.runners import Generator, LocalRunner, Progress
from loadtests.runners.cpu import ended
from loadtests.tests.conftest import Target, run_plan, scenario, wait_until
from loadtests.tests.runner_contract import JOB, spec_of

CORES = 2.0


def watched(*samples: tuple[float, float]) -> dict:
    """The row of a k6 that may use two cores, after these samples: (clock, seconds of CPU time)."""
    row: dict = {}
    for clock, used in samples:
        one = Generator("1", "k6", "running", cpu_seconds=used, clock=clock, cpu_limit=CORES)
        row = fleet._row(one, row)
    return row


def doubts(row: dict) -> list:
    return fleet.doubts(TestHistory(generators=[row]))


def test_what_is_busy_all_along_has_measured_itself() -> None:
    (why,) = doubts(watched((100, 1), (104, 8.9), (108, 16.5)))
    assert why["code"] == "generator_busy"
    assert why["params"] == {"share": 98.8, "cores": 2.0, "seconds": 8}


def test_one_core_of_two_is_not_all_of_them() -> None:
    assert doubts(watched((100, 1), (104, 5), (108, 9))) == []


def test_a_short_burst_of_a_long_run_is_none() -> None:
    calm = [(104.0 + t, 8.0 + t / 2) for t in range(0, 150, 15)]
    assert doubts(watched((100, 0), *calm)) == []


def test_a_tenth_of_the_run_is_no_burst() -> None:
    assert doubts(watched((100, 0), (115, 10), (130, 20), (145, 49)))


def test_samples_that_follow_at_once_are_taken_together() -> None:
    """k6 compiling its script takes a core or two for a moment."""
    row = watched((100, 0), (100.5, 1), (101, 2), (103, 2.2), (106, 3.1))
    assert row["sample"] == [106, 3.1]
    assert row["cpu"] == pytest.approx(2.2 / 3)
    assert doubts(row) == []


@pytest.mark.django_db
def test_what_k6_does_before_the_load_begins_does_not_count(alice: User) -> None:
    """A thousand users and large tables are made with all the cores there are."""
    run = run_of(project_of(alice), Status.STARTING)
    for status, clock, used in ((Status.STARTING, 100, 1), (Status.STARTING, 108, 17), (Status.RUNNING, 112, 18)):
        run.status = status
        one = Generator("1", "k6", "running", cpu_seconds=used, clock=clock, cpu_limit=CORES)
        fleet.note(run, Progress("running", None, 1, 1, 0, "", generators=(one,)))
    (row,) = TestHistory.objects.get(pk=run.pk).generators
    assert (row["watched"], row["busy"], row["cpu"]) == (4, 0, 0.25)


def test_of_a_k6_that_was_never_watched_nothing_is_said() -> None:
    one = Generator("1", "k6", "finished", exit_code=0, cpu_seconds=60.0, clock=130.0)
    assert doubts(fleet._row(one, {})) == []


def test_what_is_known_stays_when_the_last_word_is_missing() -> None:
    row = watched((100, 1), (104, 8.9))
    after = fleet._row(Generator("1", "k6", "finished", exit_code=None), row)
    assert {name: after[name] for name in ("sample", "busy", "watched", "cpu", "cpu_limit")} == {
        name: row[name] for name in ("sample", "busy", "watched", "cpu", "cpu_limit")
    }


def test_pods_are_judged_by_what_the_cluster_measures() -> None:
    pod = Generator("0", "k6-0", "running", cpu=0.95, cpu_limit=1.0)
    assert [one["params"] for one in doubts(fleet._row(pod, {}))] == [{"pod": "k6-0", "share": 95.0}]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells the time")
def test_a_local_k6_tells_what_it_uses_and_what_it_used(tmp_path: Path, k6: str, target: Target) -> None:
    runner = LocalRunner(tmp_path / "data", k6)
    runner.launch(spec_of(run_plan(scenario(url=target.url, stages=(StagePlan(2, 2),)))))
    wait_until(lambda: target.count > 0)
    (first,) = runner.poll(JOB).generators
    assert first.cpu_limit == len(os.sched_getaffinity(0)) or first.cpu_limit < psutil.cpu_count()
    assert 0 < first.cpu_seconds < 60
    assert first.memory > 1_000_000
    found: list[Progress] = []
    wait_until(lambda: found.append(runner.poll(JOB)) or found[-1].phase == "finished")
    (last,) = found[-1].generators
    assert (last.phase, last.exit_code) == ("finished", 0)
    assert last.cpu_seconds > first.cpu_seconds
    assert 1 < last.clock - first.clock < 30
    assert abs(last.clock - time.clock_gettime(time.CLOCK_BOOTTIME)) < 30


def test_a_wrapper_that_left_no_word_of_it_is_no_error(tmp_path: Path) -> None:
    assert ended("1", tmp_path, 0).cpu_seconds is None
    (tmp_path / "cpu").write_text("0m0.01s 0m0.00s\nnonsense\n")
    assert ended("1", tmp_path, 0).cpu_seconds is None
    (tmp_path / "cpu").write_text("0m0.010000s 0m0.000000s\n1m2.500000s 0m3.250000s\n25060.61 11726.93\n")
    assert (ended("1", tmp_path, 0).cpu_seconds, ended("1", tmp_path, 0).clock) == (65.75, 25060.61)
