"""Steps of a scenario in the builder: order, request, checks, values to take, and what may be filled in."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from loadtests import planning
from loadtests.models import Plan, Scenario, Step
from loadtests.tests.shop import body, make_endpoint, make_plan, make_project, parameter
from projects.models import DataFile, Environment

HTMX = {"HX-Request": "true"}


@pytest.fixture
def scenario(alice: User) -> Scenario:
    """A scenario of alice's that logs in and makes an order."""
    project = make_project(alice)
    login = make_endpoint(project, "POST", "/login", request_body=body())
    order = make_endpoint(project, "GET", "/orders/{id}", parameters=[parameter("id", "path", "o-1")])
    found = make_plan(project, login).scenarios.get()
    found.steps.update(body="{}")
    Step.objects.create(scenario=found, position=1, endpoint=order, values={"path": {"id": "o-1"}})
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


def show(page: Client, scenario: Scenario, step: Step | None = None) -> str:
    query = f"?scenario={scenario.pk}" + (f"&step={step.pk}" if step else "")
    return page.get(reverse("loadtests:plan", args=[scenario.plan_id]) + query).content.decode()


def steps(scenario: Scenario) -> list[Step]:
    return list(scenario.steps.all())


def test_one_step_is_open_and_the_others_are_a_line(page: Client, scenario: Scenario) -> None:
    login, order = steps(scenario)
    text = show(page, scenario, order)
    assert f'name="step.{order.pk}.value.path.id"' in text
    assert f'name="step.{login.pk}.' not in text
    assert f'id="step-row-{login.pk}"' in text
    assert f"step.{login.pk}.body" in show(page, scenario)


def test_steps_are_added_from_the_endpoints_of_the_project(page: Client, scenario: Scenario) -> None:
    address = reverse("loadtests:step-add", args=[scenario.pk])
    endpoints = [step.endpoint for step in steps(scenario)]
    assert "Add steps" in page.get(address).content.decode()
    answer = page.post(address, {"endpoint": [one.pk for one in endpoints if one]})
    made = steps(scenario)[2]
    assert answer.headers["Location"].endswith(f"?scenario={scenario.pk}&step={made.pk}")
    assert [step.endpoint for step in steps(scenario)] == [*endpoints, *endpoints]
    assert page.post(address).status_code == 422


def test_steps_are_moved_copied_ordered_and_removed_but_never_the_last(page: Client, scenario: Scenario) -> None:
    login, order = steps(scenario)
    send(page, "step-move", scenario.pk, order.pk, "up")
    assert steps(scenario) == [order, login]
    send(page, "steps-order", scenario.pk, step_order=[login.pk, order.pk])
    assert steps(scenario) == [login, order]
    text = send(page, "step-duplicate", scenario.pk, login.pk, open=login.pk, **{f"step.{login.pk}.name": "Log in"})
    assert [step.name for step in steps(scenario)] == ["Log in", "Log in", ""]
    assert f"step.{steps(scenario)[1].pk}.name" in text
    for step in steps(scenario):
        send(page, "step-delete", scenario.pk, step.pk)
    assert len(steps(scenario)) == 1


def test_once_for_each_user_is_a_box(page: Client, scenario: Scenario) -> None:
    login = steps(scenario)[0]
    send(page, "scenario-save", scenario.pk, open=login.pk, **{f"step.{login.pk}.once": ["off", "on"]})
    login.refresh_from_db()
    assert login.once
    assert "once for each user" in show(page, scenario)
    send(page, "scenario-save", scenario.pk, open=login.pk, **{f"step.{login.pk}.once": "off"})
    login.refresh_from_db()
    assert not login.once


@pytest.mark.parametrize("kind", ["check", "extract", "header"])
def test_rows_are_added_and_taken_out_and_lose_nothing(page: Client, scenario: Scenario, kind: str) -> None:
    step, field = steps(scenario)[0], f"{kind}s"
    last = {"check": "value", "extract": "expression", "header": "value"}[kind]
    send(page, "row-add", scenario.pk, step.pk, kind, open=step.pk)
    typed = {f"step.{step.pk}.{kind}.0.{last}": "zero", "open": step.pk}
    send(page, "row-add", scenario.pk, step.pk, kind, **typed)
    typed = {f"step.{step.pk}.{kind}.1.{last}": "one", "open": step.pk}
    text = send(page, "row-delete", scenario.pk, step.pk, kind, 0, **typed)
    step.refresh_from_db()
    assert [row[last] for row in getattr(step, field)] == ["one"]
    assert 'value="one"' in text


def test_another_kind_of_check_brings_its_own_fields(page: Client, scenario: Scenario) -> None:
    step = steps(scenario)[0]
    send(page, "row-add", scenario.pk, step.pk, "check", open=step.pk)
    assert "Check 1, where" not in show(page, scenario)
    text = send(page, "scenario-save", scenario.pk, open=step.pk, **{f"step.{step.pk}.check.0.kind": "json"})
    assert "Check 1, where" in text


def test_problems_stand_at_the_fields_of_their_step(page: Client, scenario: Scenario) -> None:
    login, order = steps(scenario)
    login.extracts = [{"name": "1st", "kind": "json", "expression": "$["}]
    login.checks = [{"kind": "time", "target": "", "value": "soon"}]
    login.save()
    order.statuses = ["none"]
    order.save()
    text = show(page, scenario, login)
    for field in ("extract-0-name", "extract-0-expression", "check-0-value"):
        assert f'class="problem" id="f-step-{login.pk}-{field}-note"' in text
    assert "3 problems" in text
    assert f"?scenario={scenario.pk}&amp;step={order.pk}" in text
    assert "Write statuses such as 200, 404 or 200-299." in show(page, scenario, order)


def test_checks_and_values_reach_the_plan(page: Client, scenario: Scenario) -> None:
    login, order = steps(scenario)
    for kind in ("check", "extract", "header"):
        send(page, "row-add", scenario.pk, login.pk, kind, open=login.pk)
    typed = {"check.0.kind": "contains", "check.0.value": "ok", "extract.0.name": "token",
             "extract.0.expression": "$.token", "header.0.name": "X-Trace", "header.0.value": "{{$uuid}}",
             "statuses": "200, 201"}  # fmt: skip
    send(page, "scenario-save", scenario.pk, open=login.pk, **{f"step.{login.pk}.{k}": v for k, v in typed.items()})
    send(page, "scenario-save", scenario.pk, open=order.pk, **{f"step.{order.pk}.value.path.id": "{{token}}"})
    reviewed = planning.review(Plan.objects.get())
    assert reviewed.problems == ()
    first, second = reviewed.scenarios[0].steps
    assert [check.kind for check in first.checks] == ["contains"]
    assert [one.name for one in first.extracts] == ["token"]
    assert first.statuses == ((200, 200), (201, 201))
    assert "X-Trace" in dict(first.request.headers)
    assert not isinstance(second.request.url, str)


def test_what_may_be_filled_in_is_listed(page: Client, scenario: Scenario) -> None:
    login, order = steps(scenario)
    login.extracts = [{"name": "token", "kind": "json", "expression": "$.token"}]
    login.save()
    plan, project = scenario.plan, scenario.plan.project
    variables = [{"name": "region", "value": "kr", "secret": False}, {"name": "password", "value": "", "secret": True}]
    plan.environment = Environment.objects.create(project=project, name="staging", variables=variables)
    plan.save()
    DataFile.objects.create(
        project=project, name="users", columns=["email", "이름"], row_count=2, sha256="0", packed=b""
    )
    text = show(page, scenario, order)
    for name in ("token", "region", "password", "users.email", "users.이름", "$uuid", "$choice(a,b,c)"):
        assert 'data-insert="{{' + name + '}}"' in text
    assert f'data-insert-into="f-step-{order.pk}-path-0"' in text
    assert 'data-insert="{{token}}"' not in show(page, scenario, login)


def test_another_environment_brings_all_anew(page: Client, scenario: Scenario) -> None:
    project = scenario.plan.project
    environment = Environment.objects.create(project=project, name="staging", base_url="https://staging.example.com")
    text = send(page, "save", scenario.plan_id, environment_id=environment.pk, chosen=scenario.pk)
    assert 'id="scenarios"' in text
    assert scenario.plan.__class__.objects.get().environment == environment
    send(page, "save", scenario.plan_id, environment_id="")
    assert Plan.objects.get().environment is None


def test_options_and_data_of_the_plan_are_kept(page: Client, scenario: Scenario) -> None:
    project = scenario.plan.project
    DataFile.objects.create(project=project, name="users", columns=["email"], row_count=2, sha256="0", packed=b"")
    typed = {"http.timeout": "5s", "http.verify_tls": "off", "http.reuse": "request", "data.users": "unique",
             "abort_after": "30s", "response_time_percentile": "99"}  # fmt: skip
    send(page, "save", scenario.plan_id, **typed)
    built = planning.review(Plan.objects.get()).built
    assert built is not None
    assert (built.plan.options.timeout, built.plan.options.verify_tls, built.plan.options.reuse) == (
        5,
        False,
        "request",
    )
    assert (built.plan.targets.abort_after, built.plan.targets.response_time_percentile) == (30, 99)
    assert Plan.objects.get().options["data"] == {"users": "unique"}
    text = send(page, "save", scenario.plan_id, **{"http.timeout": "soon", "target_tps": "many"})
    assert "“soon” is not a duration." in text
    again = show(page, scenario)
    assert 'value="soon"' in again
    assert 'value="many"' in again
    assert planning.review(Plan.objects.get()).built is None


def test_the_script_is_highlighted_and_comes_as_a_zip(page: Client, scenario: Scenario) -> None:
    Step.objects.filter(endpoint__path="/login").update(body='{"a": "</script><b>"}')
    address = reverse("loadtests:script", args=[scenario.plan_id])
    text = page.get(address).content.decode()
    assert "<b>const</b>" in text
    assert "</script><b>" not in text.partition('id="script"')[2].partition("</pre>")[0]
    answer = page.get(f"{address}?zip")
    assert answer.headers["Content-Disposition"].endswith(f'{scenario.plan_id}.zip"')
    assert answer.content.startswith(b"PK")


def test_without_scripts_a_form_is_saved_and_the_page_comes_again(page: Client, scenario: Scenario) -> None:
    _login, order = steps(scenario)
    address = reverse("loadtests:scenario-save", args=[scenario.pk])
    typed = {f"step.{order.pk}.value.path.id": "o-2", "open": order.pk, "name": "Orders", "stages_text": "1m at 7",
             "stages_was": "30s at 5"}  # fmt: skip
    answer = page.post(address, typed)
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"?scenario={scenario.pk}&step={order.pk}")
    text = page.get(answer.headers["Location"]).content.decode()
    assert 'value="o-2"' in text
    assert 'value="Orders"' in text
    assert list(scenario.stages.values_list("duration", "target")) == [(60, 7)]
