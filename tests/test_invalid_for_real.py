"""Each reason that makes a result invalid, brought about with the real k6; and that nothing does where all is well.

All runs go on beside each other, so that the module takes as long as the longest of them.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User

from history.live import feed
from history.models import TestHistory
from history.reasons import explain
from history.states import Outcome
from history.verdict import exit_code_of
from loadtests.k6.plan import ExtractPlan, ScenarioPlan
from loadtests.runners import find_k6
from projects.models import Project
from tests.as_asked import scenario_on, single
from tests.needs import skip_or_fail
from tests.spoilt import COSTLY, Quick, Spoilt, clock_set, standing_still

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]


# Whether k6 may be given a core of its own, whatever else the machine does.
CAN_COME_FIRST = hasattr(os, "sched_setaffinity") and os.geteuid() == 0


def planned(base: str) -> dict[str, Spoilt]:
    """The runs by name."""
    few = {"pre_allocated_vus": 2, "max_vus": 2}
    many = {"pre_allocated_vus": 20, "max_vus": 40}

    def users(seconds: float) -> ScenarioPlan:
        return scenario_on(base, 0, "Users", "constant-vus", [(seconds, 3)], think=0.05)

    rate = scenario_on(base, 1, "Rate", "constant-arrival-rate", [(4, 5)], endpoint="GET /rate", **many)
    starved = scenario_on(base, 0, "Starved", "constant-arrival-rate", [(4, 40)], endpoint="GET /slow", **few)
    # A quarter of an iteration a minute, for four seconds: it asks for none.
    never = scenario_on(
        base, 1, "Never", "ramping-arrival-rate", [(4, 1)], endpoint="GET /never", time_unit=60.0, **many
    )
    runs = {
        "as asked": Spoilt(single(replace(users(4), response_time_target=10_000.0), rate)),
        "few users": Spoilt(single(replace(starved, response_time_target=1.0))),
        "pushes lost": Spoilt(single(users(8)), arrives=lambda seconds: seconds < 3),
        "nothing to send": Spoilt(single(users(4), replace(never, response_time_target=500.0))),
        "k6 stopped": Spoilt(single(users(9)), touch=standing_still(7)),
        "web away": Spoilt(single(users(10)), arrives=lambda seconds: not 0.5 < seconds < 7.6),
    }
    if CAN_COME_FIRST:
        runs["one core"] = Spoilt(single(_heavy(base)), core=min(os.sched_getaffinity(0)))
    return runs


def _heavy(base: str) -> ScenarioPlan:
    """Users without a pause, whose answers cost k6 far more than the target: it always has some to look at."""
    one = scenario_on(base, 0, "Heavy", "constant-vus", [(5, 16)])
    return replace(one, steps=(replace(one.steps[0], extracts=(ExtractPlan("found", "regex", COSTLY),)),))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Spoilt]]:
    k6 = find_k6() or skip_or_fail("k6")
    server = Quick()
    planned_ones = planned(server.url)
    with ThreadPoolExecutor(len(planned_ones)) as threads:
        over = [threads.submit(one.run, k6, tmp_path_factory.mktemp("k6")) for one in planned_ones.values()]
        for one in over:
            one.result()
    yield planned_ones
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(alice: User, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(feed, "publish", lambda message, readers: None)
    return Project.objects.create(title="Demo shop", owner=alice)


def bad(run: TestHistory) -> dict[str, dict[str, Any]]:
    """What is not as it should be: code to numbers."""
    return {one["code"]: one["params"] for one in run.reasons if not one["good"]}


def test_where_all_is_well_nothing_is_invalid(runs: dict[str, Spoilt], project: Project) -> None:
    run = runs["as asked"].judged(project)
    assert (bad(run), run.outcome, exit_code_of(run)) == ({}, Outcome.PASSED, 0)


def test_users_that_are_too_few_for_a_rate(runs: dict[str, Spoilt], project: Project) -> None:
    run = runs["few users"].judged(project)
    found = bad(run)
    assert (run.outcome, exit_code_of(run)) == (Outcome.INVALID, 2)
    assert list(found)[:2] == ["dropped_over_budget", "rate_not_reached"]
    assert found["dropped_over_budget"]["count"] == run.dropped_iterations
    assert found["dropped_over_budget"]["share"] > 40
    assert found["rate_not_reached"]["asked"] == 160
    assert found["rate_not_reached"]["begun"] == run.iterations < 80
    assert found["p95_missed"]["since"] < 4  # the missed target is told all the same
    assert found["p95_missed"]["by"] > 10_000


def test_a_budget_of_everything_still_wants_the_rate(runs: dict[str, Spoilt], project: Project, settings: Any) -> None:
    settings.METRICVAULT_DROPPED_BUDGET = 100.0
    found = bad(runs["few users"].judged(project))
    assert "dropped_over_budget" not in found
    assert {"dropped", "rate_not_reached"} <= set(found)


@pytest.mark.skipif(not CAN_COME_FIRST, reason="only root may give k6 a core of its own")
def test_a_k6_that_has_too_little_of_a_processor(runs: dict[str, Spoilt], project: Project) -> None:
    run = runs["one core"].judged(project)
    assert run.outcome == Outcome.INVALID
    found = bad(run)["generator_busy"]
    assert found["cores"] == 1
    assert 90 < found["share"] <= 100
    assert found["seconds"] >= 3
    assert run.generators[0]["memory"] > 1_000_000


def test_pushes_that_were_lost_at_the_end(runs: dict[str, Spoilt], project: Project) -> None:
    run = runs["pushes lost"].judged(project)
    assert run.outcome == Outcome.INVALID
    found = bad(run)["counts_differ"]
    assert found["k6"] == run.total_requests > found["stored"] > 0
    assert found["share"] > 20


def test_a_target_of_a_scenario_that_sent_nothing(runs: dict[str, Spoilt], project: Project) -> None:
    run = runs["nothing to send"].judged(project)
    assert run.outcome == Outcome.INVALID
    assert bad(run) == {"target_without_samples": {"request": "GET /never"}}


def test_a_k6_that_stood_still(runs: dict[str, Spoilt], project: Project) -> None:
    run = runs["k6 stopped"].judged(project)
    assert run.outcome == Outcome.INVALID
    found = bad(run)
    assert 7 <= found["generator_silent"]["seconds"] < 10
    assert found["generator_silent"]["since"] < 3
    assert not {"clock_jumped", "counts_differ"} & set(found)


def test_pushes_that_did_not_arrive_for_a_while(runs: dict[str, Spoilt], project: Project) -> None:
    run = runs["web away"].judged(project)
    assert run.outcome == Outcome.INVALID
    found = bad(run)
    assert set(found) == {"generator_silent"}
    assert 7 <= found["generator_silent"]["seconds"] < 10
    assert [one["code"] for one in run.reasons if one["good"]] == ["counts_agree"]


@pytest.mark.parametrize("by", [20.0, -20.0])
def test_a_clock_that_is_set_while_k6_runs(runs: dict[str, Spoilt], project: Project, by: float) -> None:
    run = runs["as asked"].judged(project, clock_set(by, after=1.5))
    assert run.outcome == Outcome.INVALID
    found = bad(run)["clock_jumped"]
    assert found["seconds"] == pytest.approx(by, abs=3)


def test_each_of_them_is_told_in_a_sentence(runs: dict[str, Spoilt], project: Project) -> None:
    for name, spoilt in runs.items():
        for one in explain(spoilt.judged(project).reasons):
            assert "%" not in one["message"].replace("\u00a0%", ""), name
            assert one["message"].endswith("."), name
