"""Labels and release are said when load is started: by the API, for a saved plan, and in its dialog."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.models import TestHistory
from loadtests.again import edit_again, run_again
from loadtests.models import Plan
from loadtests.tests.shop import make_plan, make_shop

MARKS = {"labels": ["nightly", " night  run"], "release": "4.18"}


@pytest.fixture
def caller(client: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Alice; nothing she starts goes to a worker."""
    monkeypatch.setattr("loadtests.launching._send", lambda task, run_id: None)
    client.force_login(alice)
    return client


@pytest.fixture
def plan(alice: User) -> Plan:
    project, (products, *_rest) = make_shop(alice)
    return make_plan(project, products)


def marks(run: TestHistory) -> tuple[list[str], str]:
    return [label.text for label in run.labels.all()], run.release


def payload(plan: Plan, **more: Any) -> dict[str, Any]:
    endpoint = plan.project.openapi_specs.get().endpoints.first()
    stages = [{"duration": "5s", "target": 1}]
    scenario = {"name": "List", "endpoint_id": endpoint.pk, "executor": "constant-vus", "stages": stages}
    return {"title": "Marked", "scenarios": [scenario], **more}


def test_a_load_test_is_marked(caller: Client, plan: Plan) -> None:
    answer = caller.post("/load-testing", payload(plan, **MARKS), "application/json")
    assert answer.status_code == 202
    assert marks(TestHistory.objects.get()) == (["night run", "nightly"], "4.18")


def test_without_marks_there_are_none(caller: Client, plan: Plan) -> None:
    caller.post("/load-testing", payload(plan), "application/json")
    assert marks(TestHistory.objects.get()) == ([], "")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"labels": ["x"] * 11}, "labels"),
        ({"labels": ["x" * 61]}, "labels.0"),
        ({"labels": [""]}, "labels.0"),
        ({"labels": "nightly"}, "labels"),
        ({"release": "x" * 61}, "release"),
    ],
)
def test_marks_that_cannot_be_kept_leave_no_run(caller: Client, plan: Plan, more: Any, field: str) -> None:
    for path, body in (("/load-testing", payload(plan, **more)), (f"/plan/{plan.pk}/run", more)):
        answer = caller.post(path, body, "application/json")
        assert (answer.status_code, [one["field"] for one in answer.json()["error"]["details"]]) == (422, [field])
    assert not TestHistory.objects.exists()


def test_a_saved_plan_is_started_with_marks(caller: Client, plan: Plan) -> None:
    assert caller.post(f"/plan/{plan.pk}/run", {**MARKS, "title": "no"}, "application/json").status_code == 202
    run = TestHistory.objects.get()
    assert (run.title, marks(run)) == (plan.title, (["night run", "nightly"], "4.18"))


def test_the_dialog_takes_labels_with_commas_between(caller: Client, plan: Plan) -> None:
    assert 'name="release"' in caller.get(f"/tests/{plan.pk}/").content.decode()
    caller.post(f"/tests/{plan.pk}/run", {"labels": "nightly, soak,", "release": " 4.18 "})
    assert marks(TestHistory.objects.get()) == (["nightly", "soak"], "4.18")


def test_the_dialog_says_what_cannot_be_kept(caller: Client, plan: Plan) -> None:
    answer = caller.post(f"/tests/{plan.pk}/run", {"release": "x" * 61}, follow=True)
    assert "At most 60 characters." in answer.content.decode()
    assert not TestHistory.objects.exists()


def test_marks_belong_to_one_run_only(caller: Client, plan: Plan, alice: User) -> None:
    """Another run of the same may be of another release; and they do not make its plan another one."""
    caller.post(f"/plan/{plan.pk}/run", MARKS, "application/json")
    first = TestHistory.objects.get()
    assert MARKS.keys() & first.asked.keys() == set()
    assert marks(run_again(first, alice)) == ([], "")
    assert edit_again(first, alice) == (plan, False)
