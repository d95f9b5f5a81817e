"""Several k6 share one load: together they are what one of them would have been. With the real k6."""

import functools
import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from loadtests.k6.command import pod_command
from loadtests.k6.curves import most_generators
from loadtests.k6.plan import StagePlan
from loadtests.k6.script import SUMMARY_MARK, build_script
from loadtests.tests.conftest import Target, run_plan, scenario

Inspected = Callable[[int], list[dict[str, Any]]]
EVENING = run_plan(
    scenario(0, "Browse", stages=(StagePlan(1, 7),), response_time_target=500.0, error_rate_target=1.0),
    scenario(1, "Ramp", executor="ramping-vus", stages=(StagePlan(1, 20), StagePlan(1, 3)), think_time=0.1),
    scenario(2, "Steps", stages=(StagePlan(1, 2), StagePlan(1, 5))),
)


def inspected(k6: str, path: Path, generator: int) -> dict[str, Any]:
    """What generator makes of the script."""
    command = [k6, "inspect", "--execution-requirements", "--env", f"GENERATOR={generator}", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


@pytest.fixture(scope="module")
def all_inspected(k6: str, tmp_path_factory: pytest.TempPathFactory) -> Inspected:
    """What so many generators make of their script; each asked once."""

    @functools.cache
    def of(generators: int) -> list[dict[str, Any]]:
        path = tmp_path_factory.mktemp("script") / "script.js"
        path.write_text(build_script(replace(EVENING, generators=generators)), encoding="utf-8")
        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(lambda at: inspected(k6, path, at), range(generators)))

    return of


@pytest.mark.parametrize("generators", range(1, 8))
def test_the_users_of_all_generators_are_those_of_the_plan(all_inspected: Inspected, generators: int) -> None:
    (alone,) = all_inspected(1)
    found = all_inspected(generators)
    assert sum(one["maxVUs"] for one in found) == alone["maxVUs"] == 7 + 20 + 5
    assert all(one["maxVUs"] >= 1 for one in found)
    assert max(one["maxVUs"] for one in found) - min(one["maxVUs"] for one in found) <= 3  # one a scenario


@pytest.mark.parametrize("generators", range(2, 8))
def test_the_parts_cover_the_whole_and_overlap_nowhere(all_inspected: Inspected, generators: int) -> None:
    found = all_inspected(generators)
    edges = [tuple(Fraction(edge) for edge in one["executionSegment"].split(":")) for one in found]
    assert edges == [(Fraction(at, generators), Fraction(at + 1, generators)) for at in range(generators)]
    assert len({one["executionSegmentSequence"] for one in found}) == 1
    sequence = found[0]["executionSegmentSequence"].split(",")
    assert [Fraction(edge) for edge in sequence] == [Fraction(at, generators) for at in range(generators + 1)]


def test_one_generator_takes_no_part(all_inspected: Inspected) -> None:
    (alone,) = all_inspected(1)
    assert alone["executionSegment"] is None
    assert '"generators"' not in build_script(EVENING)


def test_a_generator_judges_no_target_by_itself(all_inspected: Inspected) -> None:
    (alone,) = all_inspected(1)
    first, _second = all_inspected(2)
    assert rules(alone) == {"count>=0", "max>=0", "rate>=0", "p(95)<=500", "rate<=0.01"}
    assert rules(first) == {"count>=0", "max>=0", "rate>=0"}
    assert set(first["thresholds"]) == set(alone["thresholds"])  # what is in the summary stays the same


def rules(options: dict[str, Any]) -> set[str]:
    """All thresholds of a script; k6 shows each as text or as an object."""
    listed = [rule for rules in options["thresholds"].values() for rule in rules]
    return {rule if isinstance(rule, str) else rule["threshold"] for rule in listed}


def test_most_generators_is_the_largest_scenario() -> None:
    assert most_generators(EVENING) == 20


def test_generators_together_send_what_was_asked(k6: str, tmp_path: Path, target: Target) -> None:
    """Three real k6, not paused: each counts its part, the target counts the sum."""
    plan = run_plan(scenario(url=target.url, stages=(StagePlan(1, 7),), think_time=0.1, response_time_target=0.001))
    path = tmp_path / "script.js"
    path.write_text(build_script(replace(plan, generators=3)), encoding="utf-8")
    arguments, environment = pod_command("7", "http://127.0.0.1:9/ingest/7/write", "token")

    def run(at: int) -> dict[str, Any]:
        named = [part.replace("{instance}", str(at)) for part in arguments]
        kept = [part for part in named if part not in ("--paused", "--address", "0.0.0.0:6565")]
        command = [k6, *kept, "--address", "", str(path)]
        push = {**os.environ, **environment, "K6_PROMETHEUS_RW_PUSH_INTERVAL": "1h"}
        answer = subprocess.run(command, env=push, capture_output=True, text=True, check=False, timeout=60)
        assert answer.returncode == 0, answer.stderr  # the target of 1 µs is not judged here
        line = next(line for line in answer.stdout.splitlines() if line.startswith(SUMMARY_MARK))
        found: dict[str, Any] = json.loads(line.removeprefix(SUMMARY_MARK))["metrics"]
        return found

    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(run, range(3)))
    assert sum(one["vus_max"]["values"]["max"] for one in found) == 7
    assert sum(one["http_reqs"]["values"]["count"] for one in found) == target.count
    assert all(f"http_req_duration{{scenario_tag:{plan.scenarios[0].tag}}}" in one for one in found)
