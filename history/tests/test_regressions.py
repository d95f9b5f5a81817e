"""What got worse: over the baseline, or over what it was, twice in a row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from history.models import Baseline, StepHistory, TestHistory
from history.regressions import Regression, found, is_worse, worst
from history.states import Outcome, Status
from history.tests.sample_runs import plan_of, project_of, run_of, scenario_of
from loadtests.models import Plan
from projects.models import Membership, Project

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIST = "GET /products"


@pytest.fixture
def project(alice: User) -> Project:
    return project_of(alice)


@pytest.fixture
def plan(project: Project) -> Plan:
    return Plan.objects.create(project=project, title="Evening peak")


def runs(plan: Plan, *p95: float, day: int = 0, **columns: Any) -> list[TestHistory]:
    """Passed runs of the plan, one a day, with these p95; the endpoint's is always the same."""
    values = {"plan": plan, "outcome": Outcome.PASSED, **columns}
    made = []
    for at, value in enumerate(p95):
        when = START + timedelta(days=day + at)
        made.append(run_of(plan.project, **{"tested_at": when, "p95_response_time": value, **values}))
    return made


def told(user: User) -> list[tuple[str, str]]:
    return [(one.request, one.measure) for one in found(user)]


def only(user: User) -> Regression:
    (one,) = found(user)
    return one


def test_over_the_baseline_by_ten_percent_twice_in_a_row(plan: Plan, alice: User) -> None:
    base, *_rest, before, last = runs(plan, 100, 90, 112, 115)
    Baseline.objects.create(project=plan.project, plan=plan, test_history=base)
    one = only(alice)
    assert (one.title, one.request, one.measure) == ("Evening peak", "", "p95")
    assert (one.value, one.baseline, one.base_run) == (115, 100, base.pk)
    assert one.change == pytest.approx(15)
    assert one.runs[-2:] == (before.pk, last.pk)
    assert one.link == {"plan": str(plan.pk), "measure": "p95"}


@pytest.mark.parametrize(
    "p95",
    [
        (100, 90, 80, 115),  # once
        (100, 90, 115, 80),  # not any more
        (100, 90, 109, 115),  # the first by less than 10 %
        (100, 115),  # nothing twice since the baseline
    ],
)
def test_everything_else_is_no_regression(plan: Plan, alice: User, p95: tuple[float, ...]) -> None:
    base, *_rest = runs(plan, *p95)
    Baseline.objects.create(project=plan.project, plan=plan, test_history=base)
    assert found(alice) == []


def test_less_than_a_millisecond_is_no_regression() -> None:
    assert not is_worse("p95", 2.4, 2.0)
    assert is_worse("p95", 3.1, 2.0)


def test_a_new_baseline_waits_for_two_runs(plan: Plan, alice: User) -> None:
    *_rest, base, _last = runs(plan, 50, 50, 50, 100, 130)
    Baseline.objects.create(project=plan.project, plan=plan, test_history=base)
    assert found(alice) == []


def test_without_a_baseline_the_median_of_ten_passed_runs_is_what_it_was(plan: Plan, alice: User) -> None:
    runs(plan, *[500] * 5, *[100, 102] * 5, 130, 131)
    one = only(alice)
    assert (one.baseline, one.base_run) == (101, None)
    assert len(one.runs) == 12


def test_three_passed_runs_before_are_enough_two_are_not(plan: Plan, alice: User) -> None:
    runs(plan, 100, 100, 130, 130)
    assert found(alice) == []
    runs(plan, 100, day=-5)
    assert told(alice) == [("", "p95")]


def test_runs_that_missed_their_targets_are_not_what_it_was(plan: Plan, alice: User) -> None:
    runs(plan, *[130] * 8, outcome=Outcome.TARGETS_MISSED)
    runs(plan, 100, 100, 100, day=8)
    runs(plan, 131, 131, day=11, outcome=Outcome.TARGETS_MISSED)
    assert only(alice).baseline == 100


@pytest.mark.parametrize(
    "columns",
    [
        {"outcome": Outcome.INVALID},
        {"outcome": Outcome.ERROR},
        {"status": Status.STOPPED, "outcome": ""},
        {"status": Status.RUNNING, "outcome": ""},
        {"total_requests": 99},
        {"deleted_at": START},
    ],
)
def test_runs_that_prove_nothing_do_not_count(plan: Plan, alice: User, columns: dict) -> None:
    runs(plan, 100, 100, 100, 130)
    runs(plan, 900, 900, day=4, **columns)
    assert found(alice) == []
    runs(plan, 131, day=9)
    assert told(alice) == [("", "p95")]


def test_errors_by_more_than_a_point(plan: Plan, alice: User) -> None:
    runs(plan, 100, 100, 100, avg_error_rate=0.2)
    runs(plan, 100, 100, day=3, avg_error_rate=1.1)
    assert found(alice) == []
    runs(plan, 100, 100, day=5, avg_error_rate=1.3)
    one = only(alice)
    assert (one.measure, one.change) == ("errors", pytest.approx(1.1))
    assert one.shown_change.startswith("+1.10")


def test_less_throughput_of_the_same_load(plan: Plan, alice: User) -> None:
    runs(plan, 100, 100, 100, avg_tps=100.0)
    runs(plan, 100, 100, day=3, avg_tps=85.0)
    one = only(alice)
    assert (one.measure, one.value, one.baseline) == ("tps", 85.0, 100.0)


def test_less_throughput_of_less_load_is_what_was_asked_for(plan: Plan, alice: User) -> None:
    runs(plan, 100, 100, 100, avg_tps=100.0)
    less = plan_of(scenario_of(stages=((10, 5), (50, 5))))
    runs(plan, 100, 100, day=3, avg_tps=25.0, plan_snapshot=less)
    assert found(alice) == []


def test_an_endpoint_of_a_plan_has_a_verdict_of_its_own(plan: Plan, alice: User) -> None:
    for run, value in zip(runs(plan, *[100] * 5), (40, 40, 40, 60, 61), strict=True):
        scenario = run.scenarios.get()
        for request, p95 in ((LIST, value), ("POST /orders", 80)):
            StepHistory.objects.create(
                scenario=scenario, request_name=request, p95_response_time=p95, total_requests=500
            )
    one = only(alice)
    assert (one.request, one.value, one.baseline) == (LIST, 61, 40)
    assert one.link == {"project": str(plan.project_id), "request": LIST, "measure": "p95"}
    assert one.shown_measure == "p95, GET /products"


def test_an_endpoint_with_few_requests_is_not_judged(plan: Plan, alice: User) -> None:
    for run, value in zip(runs(plan, *[100] * 5), (40, 40, 40, 60, 61), strict=True):
        StepHistory.objects.create(
            scenario=run.scenarios.get(), request_name=LIST, p95_response_time=value, total_requests=99
        )
    assert found(alice) == []


def test_runs_without_a_plan_belong_together_by_their_endpoints(project: Project, alice: User) -> None:
    for number, value in enumerate((100, 100, 100, 130, 131)):
        when = START + timedelta(days=number)
        columns = {"tested_at": when, "outcome": Outcome.PASSED, "title": "From CI"}
        run_of(project, p95_response_time=value, endpoint_set="a", **columns)
        run_of(project, p95_response_time=50, endpoint_set="b", **columns)
        run_of(project, p95_response_time=1000 * number, endpoint_set="", **columns)
    one = only(alice)
    assert (one.title, one.plan_id, one.value) == ("From CI", None, 131)


def test_the_worst_comes_first(plan: Plan, alice: User) -> None:
    other = Plan.objects.create(project=plan.project, title="Night batch")
    runs(plan, 100, 100, 100, 130, 130)
    runs(other, 100, 100, 100, 200, 200)
    assert [one.title for one in found(alice)] == ["Night batch", "Evening peak"]
    assert [one.title for one in worst(alice, 1)] == ["Night batch"]


def test_everybody_sees_what_got_worse_in_their_projects(plan: Plan, alice: User, bob: User, charlie: User) -> None:
    runs(plan, 100, 100, 100, 130, 130)
    Membership.objects.create(project=plan.project, user=bob)
    assert len(found(bob)) == 1
    assert found(charlie) == []
    assert found(alice, [plan.project_id])
    assert found(alice, [plan.project_id + 1]) == []


def test_it_asks_the_database_as_often_for_many_plans_as_for_one(
    plan: Plan, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    runs(plan, 100, 100, 100, 130, 130, avg_tps=100.0)
    with django_assert_num_queries(4):  # runs, baselines, steps, scenarios; a fifth and sixth where they are needed
        found(alice)
    for number in range(5):
        more = Plan.objects.create(project=plan.project, title=f"Plan {number}")
        runs(more, 100, 100, 100, 130, 130, avg_tps=100.0)
    with django_assert_num_queries(4):
        assert len(found(alice)) == 6


def test_programs_ask_for_it(client: Client, plan: Plan, alice: User, charlie: User) -> None:
    runs(plan, 100, 100, 100, 130, 131)
    client.force_login(alice)
    answer = client.get("/test-history/regressions", {"project_id": plan.project_id})
    assert answer.status_code == 200
    (item,) = answer.json()["items"]
    assert (item["plan_id"], item["measure"], item["value"], item["baseline"]) == (plan.pk, "p95", 131, 100)
    assert item["baseline_run"] is None
    client.force_login(charlie)
    assert client.get("/test-history/regressions").json() == {"items": [], "count": 0}
    assert client.get("/test-history/regressions", {"project_id": plan.project_id}).status_code == 404
    error = client.get("/test-history/regressions", {"limit": 0}).json()["error"]
    assert error["details"][0]["field"] == "limit"
