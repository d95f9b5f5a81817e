"""The builder: what is typed is saved, kept, and judged by the rules of the API."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from loadtests import planning
from loadtests.models import Plan, Scenario, Step
from loadtests.tests.shop import ORDER_TEXT, body, make_endpoint, make_plan, make_project, make_shop, parameter
from projects.models import Endpoint, Membership

HTMX = {"HX-Request": "true"}


@pytest.fixture
def plan(alice: User, bob: User) -> Plan:
    """Alice's plan with a list, a detail and an order."""
    project, endpoints = make_shop(alice, bob)
    plan = make_plan(project, *endpoints)
    orders = Step.objects.filter(scenario__plan=plan, endpoint=endpoints[2])
    orders.update(body=ORDER_TEXT, content_type="application/json")
    return plan


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


def first(plan: Plan) -> Scenario:
    scenario = plan.scenarios.first()
    assert scenario is not None
    return scenario


def type_into(page: Client, scenario: Scenario, /, **typed: Any) -> str:
    """What HTMX sends while one types, and what comes back."""
    answer = page.post(reverse("loadtests:scenario-save", args=[scenario.pk]), typed, headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def press(page: Client, name: str, /, *keys: int, **typed: Any) -> str:
    """A button of the form, with all that stands in it."""
    answer = page.post(reverse(f"loadtests:{name}", args=keys), typed, headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def show(page: Client, plan: Plan, scenario: Scenario | None = None) -> str:
    address = reverse("loadtests:plan", args=[plan.pk]) + (f"?scenario={scenario.pk}" if scenario else "")
    answer = page.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def stage_of(scenario: Scenario) -> Any:
    return scenario.stages.get()


def step_of(scenario: Scenario) -> Step:
    return scenario.steps.get()


def in_step(scenario: Scenario, **typed: str) -> dict[str, str]:
    """The names of the fields of the only step, with its key, as its form sends them."""
    step = step_of(scenario)
    return {"open": str(step.pk), **{f"step.{step.pk}.{name}": text for name, text in typed.items()}}


def test_it_shows_scenarios_load_and_what_is_missing(page: Client, plan: Plan) -> None:
    text = show(page, plan)
    assert text.count('class="pick-item"') == 3
    assert "needs a value for path parameter productId" in text
    assert '<span class="value">15</span>' in text
    assert '<span class="value">00:30</span>' in text


def test_it_chooses_a_scenario_and_shows_its_body(page: Client, plan: Plan) -> None:
    order = plan.scenarios.get(name="POST /orders")
    text = show(page, plan, order)
    assert "&quot;productId&quot;: &quot;p-1&quot;" in text
    assert "Filled in from the document." in text


def test_htmx_gets_the_scenarios_and_what_follows_without_the_page(page: Client, plan: Plan) -> None:
    answer = page.get(reverse("loadtests:plan", args=[plan.pk]), headers=HTMX)
    text = answer.content.decode()
    assert "<html" not in text
    assert 'id="scenarios"' in text
    assert 'id="load" hx-swap-oob="true"' in text


def test_it_saves_what_is_typed_and_leaves_the_controls_alone(page: Client, plan: Plan) -> None:
    scenario = first(plan)
    stage = stage_of(scenario)
    typed = {
        "name": "둘러보기",
        "goal": "users",
        "way": "lines",
        "think_time": "1.5s",
        "response_time_target": "250",
        "error_rate_target": "0.5",
        f"stage.{stage.pk}.duration": "2m",
        f"stage.{stage.pk}.target": "40",
        f"step.{step_of(scenario).pk}.value.query.limit": "20",
    }
    page.post(reverse("loadtests:scenario-save", args=[scenario.pk]), {"goal": "users", "way": "lines"}, headers=HTMX)
    text = type_into(page, scenario, **typed)
    assert f'id="f-stage-{stage.pk}-duration"' not in text
    assert "둘러보기" in text
    scenario.refresh_from_db()
    stage.refresh_from_db()
    assert (scenario.name, scenario.executor, scenario.think_time) == ("둘러보기", "ramping-vus", 1.5)
    assert (scenario.response_time_target, scenario.error_rate_target) == (250, 0.5)
    assert (stage.duration, stage.target) == (120, 40)
    assert step_of(scenario).values["query"] == {"limit": "20"}


def test_what_cannot_be_read_is_kept_as_typed_and_keeps_the_plan_from_running(page: Client, plan: Plan) -> None:
    scenario = first(plan)
    stage = stage_of(scenario)
    text = type_into(page, scenario, **{f"stage.{stage.pk}.duration": "10x", "error_rate_target": "many"})
    assert "“10x” is not a duration." in text
    assert "Write a number." in text
    stage.refresh_from_db()
    assert stage.duration == 30
    again = show(page, plan, scenario)
    assert 'value="10x"' in again
    assert 'value="many"' in again
    answer = page.post(reverse("loadtests:run", args=[plan.pk]))
    assert answer.headers["Location"] == reverse("loadtests:plan", args=[plan.pk])
    assert plan.test_histories.count() == 0
    type_into(page, scenario, **{f"stage.{stage.pk}.duration": "10", "error_rate_target": ""})
    stage.refresh_from_db()
    assert stage.duration == 10
    assert 'value="10x"' not in show(page, plan, scenario)


def test_adding_a_stage_loses_nothing_that_is_typed(page: Client, plan: Plan) -> None:
    scenario = first(plan)
    stage = stage_of(scenario)
    text = press(page, "stage-add", scenario.pk, **{f"stage.{stage.pk}.duration": "oops", "name": "New name"})
    assert scenario.stages.count() == 2
    assert 'value="oops"' in text
    assert 'value="New name"' in text
    scenario.refresh_from_db()
    assert scenario.name == "New name"


def test_a_stage_is_removed_but_never_the_last(page: Client, plan: Plan) -> None:
    scenario = first(plan)
    press(page, "stage-add", scenario.pk)
    one, two = scenario.stages.values_list("pk", flat=True)
    press(page, "stage-delete", scenario.pk, one, **{f"stage.{one}.duration": "bad", f"stage.{two}.target": "9"})
    assert list(scenario.stages.values_list("pk", "target")) == [(two, 9)]
    scenario.refresh_from_db()
    assert scenario.drafts == {}
    press(page, "stage-delete", scenario.pk, two)
    assert scenario.stages.count() == 1


def test_rules_of_the_load_are_told_at_their_field(page: Client, plan: Plan) -> None:
    scenario = first(plan)
    stage = stage_of(scenario)
    assert "At most 10,000 users are allowed. Your administrator can raise that." in type_into(
        page, scenario, **{f"stage.{stage.pk}.target": "1000000"}
    )
    assert "There is never a user." in type_into(page, scenario, **{f"stage.{stage.pk}.target": "0"})
    assert "A duration cannot be negative." in type_into(page, scenario, **{f"stage.{stage.pk}.duration": "-5"})


def test_a_body_of_5_mb_is_refused_and_the_stored_one_stays(page: Client, plan: Plan) -> None:
    order = plan.scenarios.get(name="POST /orders")
    address = reverse("loadtests:scenario-save", args=[order.pk])
    answer = page.post(address, in_step(order, body="x" * 5_000_000), headers=HTMX)
    assert answer.status_code == 413
    assert "1 MB at most" in answer.content.decode()
    assert step_of(order).body == ORDER_TEXT


def test_json_that_is_none_is_a_remark_at_the_body(page: Client, plan: Plan) -> None:
    order = plan.scenarios.get(name="POST /orders")
    text = type_into(page, order, **in_step(order, body="{"))
    assert f'class="hint careful" id="f-step-{step_of(order).pk}-body-note"' in text


def test_start_over_brings_the_example_back(page: Client, plan: Plan) -> None:
    order = plan.scenarios.get(name="POST /orders")
    type_into(page, order, **in_step(order, body="{}"))
    press(page, "step-reset", order.pk, step_of(order).pk, **in_step(order, body="{}"))
    assert step_of(order).body == ORDER_TEXT


def test_another_content_type_brings_its_own_example_unless_the_body_was_written(page: Client, alice: User) -> None:
    form = {"media_type": "application/x-www-form-urlencoded", "value": {}, "text": "a=1", "source": "schema"}
    request_body = body()
    request_body["content"].append(form)
    project = make_project(alice)
    endpoint = make_endpoint(project, "POST", "/a", request_body=request_body)
    page.post(reverse("loadtests:new"), {"project": project.pk, "endpoint": endpoint.pk})
    scenario = Scenario.objects.get()
    assert step_of(scenario).body == ORDER_TEXT
    changed = type_into(page, scenario, **in_step(scenario, body=ORDER_TEXT, content_type=form["media_type"]))
    assert "<textarea" in changed
    step = step_of(scenario)
    assert (step.body, step.content_type) == ("a=1", form["media_type"])
    type_into(page, scenario, **in_step(scenario, body="my own", content_type="application/json"))
    step = step_of(scenario)
    assert (step.body, step.content_type) == ("my own", "application/json")


def test_scenarios_are_duplicated_and_removed(page: Client, plan: Plan) -> None:
    scenario = first(plan)
    press(page, "scenario-duplicate", scenario.pk, name="Twice")
    assert list(plan.scenarios.values_list("name", flat=True)) == ["Twice", *_names(plan)[1:3], "Twice"]
    copy = plan.scenarios.last()
    assert copy is not None
    assert (copy.stages.count(), copy.steps.count()) == (1, 1)
    press(page, "scenario-delete", scenario.pk)
    assert plan.scenarios.count() == 3
    for one in plan.scenarios.all():
        text = press(page, "scenario-delete", one.pk)
    assert "No scenarios" in text


def _names(plan: Plan) -> list[str]:
    return list(plan.scenarios.values_list("name", flat=True))


def test_title_and_target_are_saved(page: Client, plan: Plan) -> None:
    address = reverse("loadtests:save", args=[plan.pk])
    text = page.post(address, {"title": "Morning", "target_tps": "12.5", "description": "d"}, headers=HTMX)
    assert "Morning" in text.content.decode()
    plan.refresh_from_db()
    assert (plan.title, plan.target_tps, plan.description) == ("Morning", 12.5, "d")
    assert "Write a title." in page.post(address, {"title": " "}, headers=HTMX).content.decode()


def test_saving_the_title_leaves_the_open_scenario_open(page: Client, plan: Plan) -> None:
    last = plan.scenarios.get(name="POST /orders")
    typed = {"title": "Morning", "chosen": str(last.pk)}
    answer = page.post(reverse("loadtests:save", args=[plan.pk]), typed, headers=HTMX)
    assert answer.context["chosen"] == last


def test_a_scenario_without_stages_can_be_given_one(page: Client, plan: Plan) -> None:
    scenario = first(plan)
    scenario.stages.all().delete()
    assert "Add at least one stage." in show(page, plan, scenario)
    press(page, "stage-add", scenario.pk, name="x")
    assert scenario.stages.count() == 1


def test_the_script_is_shown_before_the_run(page: Client, plan: Plan) -> None:
    address = reverse("loadtests:script", args=[plan.pk])
    assert "No script yet" in page.get(address).content.decode()
    plan.scenarios.filter(name="GET /products/{productId}").delete()
    text = page.get(address).content.decode()
    assert "<b>const</b> PLAN = {" in text
    assert "https://api.example.com/v1/orders" in text
    file = page.get(f"{address}?download")
    assert file.headers["Content-Disposition"] == f'attachment; filename="evening-peak-{plan.pk}.js"'


def test_a_plan_whose_endpoint_is_gone_says_so(page: Client, plan: Plan) -> None:
    Endpoint.objects.filter(path="/products", method="GET").delete()
    text = show(page, plan)
    assert "its endpoint is gone" in text
    assert "Choose an endpoint." in text


def test_parameters_outside_of_the_document_keep_their_place(page: Client, alice: User) -> None:
    project = make_project(alice)
    names = ['a"b', "filter[x]", "a.b"]
    endpoint = make_endpoint(project, parameters=[parameter(name, "query", "v") for name in names])
    page.post(reverse("loadtests:new"), {"project": project.pk, "endpoint": endpoint.pk})
    scenario = Scenario.objects.get()
    assert step_of(scenario).values["query"] == dict.fromkeys(names, "v")
    type_into(page, scenario, **in_step(scenario, **{f"value.query.{name}": f"<{name}>" for name in names}))
    assert step_of(scenario).values["query"] == {name: f"<{name}>" for name in names}
    assert 'value="&lt;a&quot;b&gt;"' in show(page, scenario.plan)


@pytest.mark.parametrize("person", ["reader", "stranger"])
@pytest.mark.parametrize(
    "name",
    ["save", "add", "run", "delete", "scenario-save", "scenario-duplicate", "scenario-delete", "profile",
     "stage-add", "stage-delete", "stage-duplicate", "stage-move", "stages-order", "step-add", "step-delete",
     "step-duplicate", "step-move", "steps-order", "step-reset", "row-add", "row-delete"],
)  # fmt: skip
def test_readers_may_look_and_strangers_see_nothing(
    client: Client, bob: User, charlie: User, plan: Plan, person: str, name: str
) -> None:
    Membership.objects.update(role=Membership.Role.READER)
    client.force_login(bob if person == "reader" else charlie)
    scenario = first(plan)
    stage, step = stage_of(scenario).pk, step_of(scenario).pk
    more: dict[str, list[Any]] = {
        "stage-delete": [stage], "stage-duplicate": [stage], "stage-move": [stage, "up"],
        "step-delete": [step], "step-duplicate": [step], "step-move": [step, "up"], "step-reset": [step],
        "row-add": [step, "check"], "row-delete": [step, "check", 0],
    }  # fmt: skip
    keys = [plan.pk] if name in ("save", "add", "run", "delete") else [scenario.pk, *more.get(name, [])]
    answer = client.post(reverse(f"loadtests:{name}", args=keys), {"title": "x", "name": "x"})
    assert answer.status_code == (403 if person == "reader" else 404)
    plan.refresh_from_db()
    scenario.refresh_from_db()
    assert (plan.title, scenario.name, plan.scenarios.count()) == ("Evening peak", "GET /products", 3)


def test_a_reader_sees_the_plan_without_its_buttons(client: Client, bob: User, charlie: User, plan: Plan) -> None:
    Membership.objects.update(role=Membership.Role.READER)
    client.force_login(bob)
    text = show(client, plan)
    assert "hx-post" not in text
    assert "<fieldset" in text
    assert "disabled" in text
    client.force_login(charlie)
    for name in ("plan", "script"):
        assert client.get(reverse(f"loadtests:{name}", args=[plan.pk])).status_code == 404


def test_it_rejects_get_where_something_changes(page: Client, plan: Plan) -> None:
    for name in ("save", "run", "delete"):
        assert page.get(reverse(f"loadtests:{name}", args=[plan.pk])).status_code == 405


def test_an_edit_of_a_large_plan_takes_a_constant_number_of_queries(
    page: Client, alice: User, django_assert_max_num_queries: Any
) -> None:
    project = make_project(alice)
    endpoints = [make_endpoint(project, path=f"/p{number}") for number in range(20)]
    plan = make_plan(project, *endpoints)
    scenario = first(plan)
    type_into(page, scenario, name="w")  # the first edit also keeps for the audit how the plan was
    with django_assert_max_num_queries(31):
        type_into(page, scenario, name="x", **{f"stage.{stage_of(scenario).pk}.target": "7"})


def test_k6s_own_report_is_asked_for_per_plan(page: Client, plan: Plan, settings: Settings) -> None:
    address = reverse("loadtests:save", args=[plan.pk])
    box = re.compile(r'id="f-k6-dashboard"[^>]* checked')
    assert not box.search(show(page, plan))
    settings.METRICVAULT_K6_DASHBOARD = True
    assert box.search(show(page, plan))
    page.post(address, {"k6_dashboard": ["off", "on"]}, headers=HTMX)
    settings.METRICVAULT_K6_DASHBOARD = False
    assert box.search(show(page, plan))
    assert planning.from_plan(Plan.objects.get(pk=plan.pk))["k6_dashboard"] is True
    page.post(address, {"k6_dashboard": ["off"]}, headers=HTMX)
    settings.METRICVAULT_K6_DASHBOARD = True
    assert not box.search(show(page, plan))
    page.post(address, {"title": "Another"}, headers=HTMX)
    assert Plan.objects.get(pk=plan.pk).k6_dashboard is False
