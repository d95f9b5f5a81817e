"""How long an iteration takes, from the last try or the last run."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from history.models import ScenarioHistory, StepHistory, TestHistory
from loadtests.iteration_time import iteration_seconds, measured
from loadtests.models import Plan, Scenario, Step, Try
from loadtests.tests.journey import make_journey

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(alice: User) -> Plan:
    return make_journey(alice, "http://127.0.0.1:9")


def tried(plan: Plan, *durations: float, state: str = "passed", ago: float = 0) -> Try:
    keys = [step.pk for step in Step.objects.filter(scenario__plan=plan)]
    result: list[dict[str, Any]] = [
        {"key": key, "response": {"duration": duration}} for key, duration in zip(keys, durations, strict=False)
    ]
    row = Try.objects.create(project=plan.project, plan=plan, state=state, result=result)
    Try.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(minutes=ago))
    return row


def ran(plan: Plan, *averages: float | None, ago: float = 0, **columns: Any) -> TestHistory:
    run = TestHistory.objects.create(
        **{"status": "completed", "total_requests": 9, **columns}, plan=plan, project=plan.project,
        completed_at=timezone.now() - timedelta(minutes=ago), job_name=f"k6-{TestHistory.objects.count()}",
    )  # fmt: skip
    scenario = ScenarioHistory.objects.create(test_history=run, name="Order", scenario_tag="s01", avg_response_time=50)
    for at, (step, average) in enumerate(zip(Step.objects.filter(scenario__plan=plan), averages, strict=False)):
        StepHistory.objects.create(scenario=scenario, position=at, endpoint=step.endpoint, avg_response_time=average)
    return run


def test_nothing_is_known_of_a_new_plan(plan: Plan) -> None:
    assert measured(plan) == {}


def test_a_try_counts_with_the_think_time(plan: Plan) -> None:
    tried(plan, 100, 200, 300)
    assert iteration_seconds(plan) == {0: pytest.approx(0.5 + 0.6)}


def test_a_run_counts_by_the_averages_of_its_steps(plan: Plan) -> None:
    ran(plan, 100, 200, None)
    assert iteration_seconds(plan) == {0: pytest.approx(0.5 + 0.35)}


def test_the_newer_one_counts(plan: Plan) -> None:
    tried(plan, 100, 200, 300, ago=5)
    ran(plan, 10, 20, 30, ago=3)
    assert measured(plan)[0].source == "run"
    tried(plan, 100, 200, 300, ago=1)
    assert measured(plan)[0].source == "try"


def test_one_that_failed_counts_for_nothing(plan: Plan) -> None:
    tried(plan, 100, 200, 300, state="failed")
    ran(plan, 1, 1, 1, status="failed")
    ran(plan, 1, 1, 1, total_requests=0)
    assert measured(plan) == {}


def test_what_is_sent_once_for_each_user_is_no_part_of_it(plan: Plan) -> None:
    Step.objects.filter(position=0).update(once=True)
    tried(plan, 1000, 200, 300)
    assert iteration_seconds(plan) == {0: pytest.approx(1.0)}


def test_steps_that_are_sent_at_once_take_as_long_as_the_slowest(plan: Plan) -> None:
    Scenario.objects.update(load={"batch": True})
    tried(plan, 100, 200, 300)
    assert iteration_seconds(plan) == {0: pytest.approx(0.8)}


def test_a_step_that_is_new_since_then_is_unknown(plan: Plan) -> None:
    tried(plan, 100, 200)
    ran(plan, 100, 200)
    assert measured(plan) == {}


def test_a_scenario_that_was_moved_is_known_all_the_same(plan: Plan) -> None:
    tried(plan, 100, 200, 300)
    Scenario.objects.create(plan=plan, name="First", position=-0)
    Scenario.objects.filter(name="Order").update(position=5, name="Renamed")
    assert list(measured(plan)) == [1]
