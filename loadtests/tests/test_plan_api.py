"""REST: saved plans, their files, and starting one."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from history.models import TestHistory
from loadtests.models import Plan
from loadtests.tests.shop import make_plan, make_shop
from projects.models import Project

FILE = "metricvault: 1\ntitle: 파일\nscenarios:\n- endpoint: GET /products\n  stages: [{duration: 5s, target: 1}]\n"
YAML = "application/yaml"


@pytest.fixture
def api(client: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Alice's program; nothing it starts goes to a worker."""
    monkeypatch.setattr("loadtests.launching._send", lambda task, run_id: None)
    client.force_login(alice)
    return client


@pytest.fixture
def plan(alice: User) -> Plan:
    project, (products, *_rest) = make_shop(alice)
    return make_plan(project, products)


def errors(answer: Any) -> list[tuple[str, str]]:
    return [(one["field"], one["message"]) for one in answer.json()["error"]["details"]]


def test_plans_are_listed_by_project_and_shelf(api: Client, plan: Plan) -> None:
    (item,) = api.get("/plan").json()["items"]
    assert (item["id"], item["title"], item["project"], item["scenario_count"]) == (
        plan.pk,
        "Evening peak",
        "Storefront",
        1,
    )
    assert api.get("/plan", {"project_id": plan.project_id}).json()["count"] == 1
    assert api.get("/plan", {"project_id": 99}).status_code == 404
    assert api.post(f"/plan/{plan.pk}/archive").json()["archived_at"]
    assert api.get("/plan").json() == {"items": [], "count": 0}
    assert api.get("/plan", {"archived": "true"}).json()["count"] == 1
    assert api.post(f"/plan/{plan.pk}/unarchive").json()["archived_at"] is None


def test_a_plan_says_what_it_asks_for_and_what_it_lacks(api: Client, plan: Plan) -> None:
    answer = api.get(f"/plan/{plan.pk}").json()
    assert answer["problems"] == []
    assert api.post("/load-testing/preview", answer["load_test"], "application/json").status_code == 200
    plan.scenarios.get().steps.update(endpoint=None)
    assert [one["field"] for one in api.get(f"/plan/{plan.pk}").json()["problems"]] == [
        "scenarios.0.steps.0.endpoint_id"
    ]


def test_a_saved_plan_is_started(api: Client, plan: Plan, alice: User) -> None:
    answer = api.post(f"/plan/{plan.pk}/run")
    assert answer.status_code == 202
    run = TestHistory.objects.get()
    assert answer.json() == {
        "test_history_id": run.pk,
        "status": "queued",
        "job_name": run.job_name,
        "k6_script_file_name": run.k6_script_file_name,
        "url": f"http://testserver/runs/{run.pk}/",
    }
    assert (run.plan, run.started_by) == (plan, alice)


def test_a_file_comes_in_as_its_own_body_as_json_and_as_a_form(api: Client, plan: Plan) -> None:
    key = plan.project_id
    answers = [
        api.post(f"/plan/file?project_id={key}", FILE.encode(), YAML),
        api.post("/plan/file", {"project_id": key, "file": FILE}, "application/json"),
        api.post("/plan/file", {"project_id": key, "file": SimpleUploadedFile("p.yaml", FILE.encode())}),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    keys = {answer.json()["id"] for answer in answers}
    assert {Plan.objects.get(pk=key).title for key in keys} == {"파일"}
    texts = {api.get(f"/plan/{key}/file").content.decode() for key in keys}
    assert len(texts) == 1


def test_a_file_replaces_a_plan_of_its_project_only(api: Client, plan: Plan, alice: User) -> None:
    answer = api.post(f"/plan/file?project_id={plan.project_id}&plan_id={plan.pk}", FILE.encode(), YAML)
    assert (answer.status_code, answer.json()["id"], answer.json()["title"]) == (200, plan.pk, "파일")
    other = make_plan(Project.objects.create(title="Other", owner=alice))
    answer = api.post(f"/plan/file?project_id={plan.project_id}&plan_id={other.pk}", FILE.encode(), YAML)
    assert errors(answer) == [("plan_id", "This plan belongs to another project.")]


@pytest.mark.parametrize(
    ("query", "body", "kind", "status", "field"),
    [
        ("", FILE, YAML, 422, "project_id"),
        ("?project_id=0", FILE, YAML, 422, "project_id"),
        ("?project_id=x", FILE, YAML, 422, "project_id"),
        ("?project_id=99", FILE, YAML, 404, "project_id"),
        ("?project_id={key}", "", YAML, 422, "file"),
        ("?project_id={key}", "metricvault: 1\nscenarios: []", YAML, 422, "title"),
        ("?project_id={key}", FILE.replace("products", "x"), YAML, 422, "scenarios.0.endpoint"),
        ("", "{", "application/json", 400, ""),
        ("", "[]", "application/json", 422, ""),
        ("", "x", "multipart/form-data", 400, ""),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_and_makes_nothing(
    api: Client, plan: Plan, query: str, body: str, kind: str, status: int, field: str
) -> None:
    answer = api.post(f"/plan/file{query.format(key=plan.project_id)}", body.encode(), kind)
    assert answer.status_code == status
    assert not field or field in [name for name, _message in errors(answer)]
    assert Plan.objects.count() == 1


def test_a_run_is_made_again_or_becomes_a_plan(api: Client, plan: Plan) -> None:
    first = api.post(f"/plan/{plan.pk}/run").json()["test_history_id"]
    answer = api.post(f"/test-history/{first}/again")
    assert answer.status_code == 202
    assert TestHistory.objects.get(pk=answer.json()["test_history_id"]).asked == TestHistory.objects.get(pk=first).asked
    assert api.post(f"/test-history/{first}/plan").json()["id"] == plan.pk
    api.post(f"/plan/{plan.pk}/archive")
    assert api.post(f"/test-history/{first}/again").status_code == 409
    answer = api.post(f"/test-history/{first}/plan")
    assert (answer.status_code, answer.json()["title"]) == (201, f"Evening peak, from run {first}")


def test_a_plan_is_duplicated_and_deleted(api: Client, plan: Plan) -> None:
    answer = api.post(f"/plan/{plan.pk}/duplicate")
    assert (answer.status_code, answer.json()["title"]) == (201, "Copy of Evening peak")
    run = TestHistory.objects.create(title="x", project=plan.project, plan=plan, job_name="k6-1")
    assert api.delete(f"/plan/{plan.pk}").status_code == 204
    run.refresh_from_db()
    assert (Plan.objects.count(), run.plan) == (1, None)


def test_strangers_learn_nothing_of_plans(client: Client, plan: Plan, charlie: User) -> None:
    client.force_login(charlie)
    assert client.get("/plan").json()["count"] == 0
    addresses = [f"/plan/{plan.pk}", f"/plan/{plan.pk}/file"]
    assert {client.get(address).status_code for address in addresses} == {404}
    actions = ["run", "duplicate", "archive", "unarchive"]
    assert {client.post(f"/plan/{plan.pk}/{action}").status_code for action in actions} == {404}
    assert client.delete(f"/plan/{plan.pk}").status_code == 404
    assert client.post(f"/plan/file?project_id={plan.project_id}", FILE.encode(), YAML).status_code == 404
