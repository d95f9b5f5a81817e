"""Runs beside each other: which endpoints are the same, what changed, and what is new or gone."""

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import DjangoAssertNumQueries

from history.comparing import Comparison, Row, compare
from history.comparing_seconds import Seconds
from history.models import ScenarioHistory, StepHistory, TestHistory
from history.states import Outcome, Status
from history.tests.sample_runs import project_of, run_of, scenario_of
from history.tests.simulated_runs import simulated_run
from projects.models import Project

A, B, C = "GET /a", "GET /b/{id}", "POST /c"


@pytest.fixture
def project(alice: User) -> Project:
    return project_of(alice)


def two(project: Project, **second: float) -> Comparison:
    """A {a, b} and B {b, c}; b of the second run as `second` says."""
    return compare(
        [
            simulated_run(project, {A: {}, B: {}}, seed=1),
            simulated_run(project, {B: second, C: {}}, seed=2),
        ]
    )


def row(found: Comparison, request: str) -> Row:
    return next(one for one in found.rows if one.request == request)


def test_an_endpoint_of_both_is_compared_one_of_either_is_new_or_removed(project: Project) -> None:
    found = two(project)
    assert [one.request for one in found.rows] == [B, A, C]
    assert [row(found, one).mark(1, "p95") for one in (A, B, C)] == ["removed", "noise", "new"]
    assert row(found, A).parts[1] is None
    assert row(found, C).parts[0] is None


def test_its_numbers_are_the_columns_of_the_steps(project: Project) -> None:
    found = two(project)
    base, other = row(found, B).parts
    first, second = (StepHistory.objects.get(scenario__test_history=run, request_name=B) for run in found.runs)
    assert base
    assert other
    assert (base.numbers.p95, base.numbers.requests) == (first.p95_response_time, first.total_requests)
    change = other.changes["p95"]
    assert (change.base, change.value) == (first.p95_response_time, second.p95_response_time)
    assert change.percent == pytest.approx(100 * (change.value / change.base - 1))


def test_fifteen_percent_more_are_a_real_change_for_the_worse(project: Project) -> None:
    found = two(project, factor=1.15)
    verdict = row(found, B).verdict(1)
    assert verdict
    assert (verdict.mark, verdict.worse) == ("real", True)


def test_fifteen_percent_less_are_a_real_change_for_the_better(project: Project) -> None:
    verdict = row(two(project, factor=0.85), B).verdict(1)
    assert verdict
    assert (verdict.mark, verdict.worse) == ("real", False)


def test_less_throughput_is_worse(project: Project) -> None:
    change = row(two(project, rate=60), B).parts[1].changes["tps"]  # type: ignore[union-attr]
    assert (change.mark, change.worse) == ("real", True)


def test_failures_are_compared_in_points(project: Project) -> None:
    change = row(two(project, errors=0.05), B).parts[1].changes["errors"]  # type: ignore[union-attr]
    assert (change.mark, change.worse, change.percent) == ("real", True, None)
    assert change.difference == pytest.approx(5, abs=1)


def test_few_requests_are_not_judged(project: Project) -> None:
    found = two(project, rate=2, factor=5)
    assert row(found, B).mark(1, "p95") == "few"


def test_runs_without_seconds_are_not_judged(project: Project) -> None:
    found = compare([run_of(project), run_of(project, p95_response_time=900.0)])
    assert found.total.mark(1, "p95") == "few"
    assert found.total.parts[1].changes["p95"].value == 900.0  # type: ignore[union-attr]


def test_ramps_of_the_same_load_are_compared_second_by_second(project: Project) -> None:
    ramp = {"scenarios": [scenario_of("s01", "ramping-vus", ((30, 20),))]}
    runs = [simulated_run(project, {A: {"factor": factor}}, seed=7) for factor in (1.0, 1.15)]
    TestHistory.objects.update(plan_snapshot=ramp)
    for run in runs:
        run.refresh_from_db()
    first, second = compare(runs).seconds
    assert not first.steady
    assert first.pairs_with(second)
    assert not first.pairs_with(Seconds(second.columns, asked=[(0.0, 0.0), (30.0, 99.0)]))


def test_the_first_run_is_the_base(project: Project) -> None:
    found = two(project, factor=1.15)
    turned = compare([found.runs[1], found.runs[0]])
    verdict = row(turned, B).verdict(1)
    assert verdict
    assert verdict.worse is False
    assert [row(turned, one).mark(1, "p95") for one in (A, C)] == ["new", "removed"]


def test_the_worst_endpoint_comes_first(project: Project) -> None:
    first = simulated_run(project, {A: {}, B: {}, C: {}}, seed=1)
    second = simulated_run(project, {A: {}, B: {"factor": 0.5}, C: {"factor": 1.3}}, seed=2)
    assert [one.request for one in compare([first, second]).rows] == [C, B, A]


def test_older_runs_without_steps_are_matched_by_their_scenarios(project: Project) -> None:
    first, second = run_of(project), simulated_run(project, {"GET /products": {}})
    assert not StepHistory.objects.filter(scenario__test_history=first).exists()
    (only,) = compare([first, second]).rows
    assert only.request == "GET /products"
    assert only.parts[0]
    assert only.parts[0].numbers.p95 == 236.7


def with_steps(project: Project, **names: list[str]) -> TestHistory:
    """A run whose scenarios have steps of these names, all sending the same request."""
    run = run_of(project, plan_snapshot={"scenarios": []})
    for position, (scenario, steps) in enumerate(names.items()):
        row = ScenarioHistory.objects.create(
            test_history=run, name=scenario, scenario_tag=scenario, position=position, executor="constant-vus"
        )
        for at, step in enumerate(steps):
            StepHistory.objects.create(scenario=row, position=at, name=step, request_name=A, p95_response_time=at)
    return run


def test_a_request_of_several_steps_is_matched_by_their_names(project: Project) -> None:
    found = compare(
        [
            with_steps(project, browse=["list"], buy=["list", "again"]),
            with_steps(project, browse=["list"], buy=["again", "more"]),
        ]
    )
    told = {one.name: one.mark(1, "p95") for one in found.rows}
    assert told == {"browse · list": "few", "buy · again": "few", "buy · list": "removed", "buy · more": "new"}


def test_steps_of_one_name_are_matched_in_their_order(project: Project) -> None:
    found = compare([with_steps(project, buy=["look", "look"]), with_steps(project, buy=["look", "look"])])
    assert sorted(one.name for one in found.rows) == ["buy · look", "buy · look (2)"]
    assert all(one.parts[0] and one.parts[1] for one in found.rows)


@pytest.mark.parametrize(
    ("columns", "doubt"),
    [
        ({}, ""),
        ({"outcome": Outcome.TARGETS_MISSED}, ""),
        ({"outcome": Outcome.INVALID}, "invalid"),
        ({"outcome": Outcome.ERROR}, "error"),
        ({"status": Status.STOPPED, "outcome": ""}, "stopped"),
        ({"status": Status.RUNNING, "outcome": ""}, "active"),
    ],
)
def test_it_says_whose_numbers_prove_nothing(project: Project, columns: dict, doubt: str) -> None:
    found = compare([run_of(project), run_of(project, **columns)])
    assert found.doubts == ("", doubt)


def test_earlier_runs_of_the_plan_say_what_noise_is(project: Project, alice: User) -> None:
    from loadtests.models import Plan

    plan = Plan.objects.create(project=project, title="Evening")
    for number in range(8):
        run_of(project, outcome=Outcome.PASSED, plan=plan, p95_response_time=100.0 if number % 2 else 120.0)
    quiet, noisy = (simulated_run(project, {A: {}}, seed=1, plan=owner) for owner in (None, plan))
    other = simulated_run(project, {A: {"factor": 1.15}}, seed=2)
    assert compare([quiet, other]).between["p95"] == 0.03
    assert compare([noisy, other]).between["p95"] > 0.15
    assert compare([noisy, other]).total.mark(1, "p95") == "noise"


def test_it_asks_the_database_as_often_for_five_runs_as_for_two(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    runs = [simulated_run(project, {A: {}, B: {}, C: {}}, seed=seed) for seed in range(5)]
    for some in (runs[:2], runs):
        with django_assert_num_queries(4):  # seconds of short and of long runs, scenarios, steps
            compare(some)
