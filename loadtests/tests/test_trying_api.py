"""POST /load-testing/try and what came of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from loadtests import planning, trying
from loadtests.editing import full_plans
from loadtests.models import Plan, Try
from loadtests.tests.journey import Shop, make_journey, open_shop
from projects.models import Membership

pytestmark = [pytest.mark.django_db, pytest.mark.needs("k6")]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as server:
        yield server


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Any) -> None:
    settings.METRICVAULT_DATA_DIR = tmp_path


@pytest.fixture
def plan(alice: User, shop: Shop, client: Client) -> Plan:
    client.force_login(alice)
    return make_journey(alice, shop.url)


def start(client: Client, plan: Plan) -> Any:
    payload = planning.from_plan(full_plans().get(pk=plan.pk))
    return client.post("/load-testing/try", payload, content_type="application/json")


def test_it_answers_at_once_and_has_the_steps_later(client: Client, plan: Plan) -> None:
    answer = start(client, plan)
    assert answer.status_code == 202
    assert answer.json()["state"] == "waiting"
    assert answer.json()["url"].endswith(f"/load-testing/try/{answer.json()['id']}")
    trying.run(answer.json()["id"], timezone.now())
    found = client.get(f"/load-testing/try/{answer.json()['id']}").json()
    assert (found["state"], found["message"]) == ("passed", "")
    assert [step["name"] for step in found["steps"]] == ["POST /login", "POST /orders", "GET /orders/{orderId}"]
    order = found["steps"][1]
    assert {"name": "Location", "value": "/orders/41"} in order["response"]["headers"]
    assert order["extracts"] == [{"name": "order_id", "kind": "json", "expression": "$.order.id", "value": "41"}]
    assert order["request"]["body"] == '{"n": 2}'
    assert found["steps"][2]["checks"][0]["ok"] is True


def test_a_saved_plan_is_tried_by_its_id(client: Client, plan: Plan, charlie: User) -> None:
    answer = client.post(f"/plan/{plan.pk}/try")
    assert answer.status_code == 202
    assert Try.objects.get(pk=answer.json()["id"]).plan == plan
    client.force_login(charlie)
    assert client.post(f"/plan/{plan.pk}/try").status_code == 404


def test_what_is_wrong_is_refused_by_field(client: Client, plan: Plan) -> None:
    answer = client.post("/load-testing/try", {"title": "x", "scenarios": []}, content_type="application/json")
    assert answer.status_code == 422
    assert Try.objects.count() == 0


def test_no_json_is_malformed(client: Client, plan: Plan) -> None:
    assert client.post("/load-testing/try", "{", content_type="application/json").status_code == 400


def test_a_reader_looks_only(client: Client, plan: Plan, bob: User) -> None:
    row = Try.objects.get(pk=start(client, plan).json()["id"])
    Membership.objects.create(project=plan.project, user=bob, role=Membership.Role.READER)
    client.force_login(bob)
    assert start(client, plan).status_code == 403
    assert client.get(f"/load-testing/try/{row.pk}").status_code == 200


def test_a_stranger_finds_nothing(client: Client, plan: Plan, charlie: User) -> None:
    row = Try.objects.get(pk=start(client, plan).json()["id"])
    client.force_login(charlie)
    assert client.get(f"/load-testing/try/{row.pk}").status_code == 404
    assert start(client, plan).status_code in (404, 422)
    assert client.get("/load-testing/try/99").status_code == 404


def test_nobody_is_asked_to_log_in(client: Client, plan: Plan) -> None:
    client.logout()
    assert client.get("/load-testing/try/1").status_code == 401
