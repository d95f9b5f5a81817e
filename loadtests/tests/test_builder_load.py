"""The load of a scenario in the builder: what it reaches, stages as rows and as text, profiles, curve and totals."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from loadtests import arranging, planning
from loadtests.k6.plan import StagePlan
from loadtests.models import Plan, Scenario, Step
from loadtests.tests.shop import make_endpoint, make_plan, make_project

HTMX = {"HX-Request": "true"}


@pytest.fixture
def scenario(alice: User) -> Scenario:
    """The only scenario of alice's plan: 5 users for 30 s."""
    project = make_project(alice)
    found = make_plan(project, make_endpoint(project)).scenarios.first()
    assert found is not None
    return found


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


def send(page: Client, view: str, *keys: Any, **typed: Any) -> str:
    answer = page.post(reverse(f"loadtests:{view}", args=keys), typed, headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def stages(scenario: Scenario) -> list[tuple[float, int]]:
    return list(scenario.stages.values_list("duration", "target"))


def executor(scenario: Scenario) -> str:
    scenario.refresh_from_db()
    return scenario.executor


def show(page: Client, scenario: Scenario) -> str:
    return page.get(reverse("loadtests:plan", args=[scenario.plan_id])).content.decode()


@pytest.mark.parametrize(
    ("goal", "way", "name"),
    [
        ("rate", "lines", "ramping-arrival-rate"),
        ("rate", "levels", "constant-arrival-rate"),
        ("users", "lines", "ramping-vus"),
        ("users", "levels", "constant-vus"),
        ("iterations", "shared", "shared-iterations"),
        ("iterations", "each", "per-vu-iterations"),
        ("rate", "shared", "constant-arrival-rate"),
        ("iterations", "levels", "shared-iterations"),
    ],
)
def test_what_it_should_reach_decides_the_executor(
    page: Client, scenario: Scenario, goal: str, way: str, name: str
) -> None:
    send(page, "scenario-save", scenario.pk, goal=goal, way=way)
    assert executor(scenario) == name
    assert f"k6: {name}" in show(page, scenario)


def test_users_at_work_come_with_a_warning_of_slow_answers(page: Client, scenario: Scenario) -> None:
    assert "slow answers will lower the load" in show(page, scenario)
    send(page, "scenario-save", scenario.pk, goal="rate", way="levels")
    assert "slow answers will lower the load" not in show(page, scenario)


def test_a_rate_shows_how_many_users_it_needs_and_why(page: Client, scenario: Scenario) -> None:
    text = send(page, "scenario-save", scenario.pk, goal="rate", way="levels")
    assert 'placeholder="5"' in text
    assert "5/s × 0.5 s × 2 = 5 users." in text
    stage = scenario.stages.get()
    text = send(page, "scenario-save", scenario.pk, **{f"stage.{stage.pk}.target": "25"})
    assert re.search(r'id="f-pre-allocated-vus"[^>]*placeholder="25"[^>]*hx-swap-oob', text)
    assert "25/s × 0.5 s × 2 = 25 users." in text
    send(page, "scenario-save", scenario.pk, pre_allocated_vus="7", max_vus="9")
    plan = planning.review(Plan.objects.get()).scenarios[0]
    assert (plan.load.pre_allocated_vus, plan.load.max_vus) == (7, 9)


def test_a_rate_of_journeys_says_how_many_requests_that_is(page: Client, scenario: Scenario) -> None:
    for _number in range(3):
        Step.objects.create(scenario=scenario, position=9, endpoint=scenario.steps.all()[0].endpoint)
    text = send(page, "scenario-save", scenario.pk, goal="rate", way="levels")
    assert "5 iterations/s of 4 requests each: 20 requests/s at the peak." in text


def test_iterations_have_one_stage_of_the_most_users(page: Client, scenario: Scenario) -> None:
    arranging.set_stages(scenario, [StagePlan(60, 10), StagePlan(60, 40)], "ramping-vus")
    text = send(page, "scenario-save", scenario.pk, goal="iterations", way="lines")
    assert stages(scenario) == [(600, 40)]
    assert "Iterations in all" in text
    send(page, "scenario-save", scenario.pk, iterations="300")
    built = planning.review(Plan.objects.get()).built
    assert built is not None
    assert built.plan.scenarios[0].load.iterations == 300
    assert '<span class="value">300</span>' in show(page, scenario)


def test_text_becomes_rows_and_the_way(page: Client, scenario: Scenario) -> None:
    kept = scenario.stages.get().pk
    text = send(page, "scenario-save", scenario.pk, stages_text="2m to 50, hold 10m, 30s to 0", stages_was="30s at 5")
    assert stages(scenario) == [(120, 50), (600, 50), (30, 0)]
    assert executor(scenario) == "ramping-vus"
    assert scenario.stages.filter(pk=kept).exists()
    assert 'id="stages" hx-swap-oob="true"' in text
    assert 'id="f-stages-text"' not in text  # what is being typed stays as it is
    assert 'name="stages_was" value="2m to 50, hold 10m, 30s to 0"' in text


def test_rows_become_text(page: Client, scenario: Scenario) -> None:
    stage = scenario.stages.get()
    typed = {f"stage.{stage.pk}.target": "9", "stages_text": "30s at 5", "stages_was": "30s at 5"}
    text = send(page, "scenario-save", scenario.pk, **typed)
    assert stages(scenario) == [(30, 9)]
    assert "30s at 9</textarea>" in text
    assert f'id="f-stage-{stage.pk}-target"' not in text.replace(f'id="f-stage-{stage.pk}-target-note"', "")


def test_text_that_cannot_be_read_is_kept_and_the_plan_does_not_run(page: Client, scenario: Scenario) -> None:
    text = send(page, "scenario-save", scenario.pk, stages_text="2m to 50, hmm", stages_was="30s at 5")
    assert "“hmm” is no stage." in text
    assert stages(scenario) == [(30, 5)]
    assert "2m to 50, hmm</textarea>" in show(page, scenario)
    assert planning.review(Plan.objects.get()).built is None
    stage = scenario.stages.get()
    typed = {f"stage.{stage.pk}.target": "6", "stages_text": "2m to 50, hmm", "stages_was": "2m to 50, hmm"}
    text = send(page, "scenario-save", scenario.pk, **typed)
    assert "30s at 6</textarea>" in text
    assert planning.review(Plan.objects.get()).built is not None


def test_rows_are_moved_copied_and_put_in_order(page: Client, scenario: Scenario) -> None:
    arranging.set_stages(scenario, [StagePlan(1, 1), StagePlan(2, 2), StagePlan(3, 3)], "ramping-vus")
    one, two, three = scenario.stages.values_list("pk", flat=True)
    send(page, "stage-move", scenario.pk, one, "down")
    assert stages(scenario) == [(2, 2), (1, 1), (3, 3)]
    send(page, "stage-move", scenario.pk, two, "up")
    assert stages(scenario) == [(2, 2), (1, 1), (3, 3)]
    send(page, "stages-order", scenario.pk, order=[three, "x", 999, one], **{f"stage.{one}.target": "oops"})
    assert stages(scenario) == [(3, 3), (1, 1), (2, 2)]
    assert 'value="oops"' in show(page, scenario)
    send(page, "stage-duplicate", scenario.pk, one)
    assert stages(scenario) == [(3, 3), (1, 1), (1, 1), (2, 2)]


@pytest.mark.parametrize("direction", ["sideways", "UP"])
def test_other_directions_are_not_found(page: Client, scenario: Scenario, direction: str) -> None:
    address = reverse("loadtests:stage-move", args=[scenario.pk, scenario.stages.get().pk, direction])
    assert page.post(address, headers=HTMX).status_code == 404


def test_a_profile_shapes_the_stages_by_two_numbers(page: Client, scenario: Scenario) -> None:
    send(page, "profile", scenario.pk, profile="load", peak="80", minutes="10", name="Kept")
    assert stages(scenario) == [(60, 80), (480, 80), (60, 0)]
    assert executor(scenario) == "ramping-vus"
    assert (scenario.name, scenario.plan.profile) == ("Kept", "load")


def test_breakpoint_needs_a_target_and_ends_soon_after_it_is_missed(page: Client, scenario: Scenario) -> None:
    text = send(page, "profile", scenario.pk, profile="breakpoint", peak="100", minutes="10")
    assert executor(scenario) == "constant-arrival-rate"
    assert [target for _time, target in stages(scenario)] == list(range(10, 101, 10))
    assert "Set a target for response times or errors." in text
    send(page, "save", scenario.plan_id, error_rate_target="1")
    plan = Plan.objects.get()
    assert (plan.profile, plan.abort_after) == ("breakpoint", 10)
    assert planning.review(plan).built is not None


@pytest.mark.parametrize("typed", [{"profile": "none"}, {"peak": "0"}, {"peak": "many"}, {"minutes": "nan"}])
def test_a_profile_that_cannot_be_made_is_refused(page: Client, scenario: Scenario, typed: dict[str, str]) -> None:
    asked = {"profile": "load", "peak": "5", "minutes": "1", **typed}
    answer = page.post(reverse("loadtests:profile", args=[scenario.pk]), asked, headers=HTMX)
    assert answer.status_code == 422
    assert stages(scenario) == [(30, 5)]


def test_users_and_rates_have_curves_of_their_own(page: Client, scenario: Scenario) -> None:
    other = Scenario.objects.create(plan=scenario.plan, position=1, name="Rate", executor="constant-arrival-rate")
    Step.objects.create(scenario=other, endpoint=scenario.steps.all()[0].endpoint)
    other.stages.create(duration=60, target=20)
    text = show(page, scenario)
    assert "Users over time" in text
    assert "Iterations per second" in text
    assert '<span class="value">20</span><span class="unit">/s</span>' in text
    assert "known after a run or a try" in text
    scenario.delete()
    text = show(page, other)
    assert "Users over time" not in text
    assert '<span class="value">1,200</span>' in text


def test_what_is_rare_stands_under_more_and_is_kept(page: Client, scenario: Scenario) -> None:
    typed = {"goal": "rate", "way": "levels", "start_time": "1m", "graceful_stop": "5s", "time_unit": "1m"}
    send(page, "scenario-save", scenario.pk, **typed)
    load = planning.review(Plan.objects.get()).scenarios[0].load
    assert (load.start_time, load.graceful_stop, load.time_unit) == (60, 5, 60)
    text = show(page, scenario)
    assert "<details open><summary>More about the load" in text
    assert ">01:30<" in text
    assert "5 /min" in re.sub(r"\s*<[^>]+>\s*", " ", text) or "/min" in text
