"""A new version of a document no longer has an endpoint: plans that use it say so and do not start, results stay."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from history.models import ScenarioHistory, TestHistory
from history.states import Status
from loadtests.models import Plan
from loadtests.tests.shop import make_plan
from projects import importing
from projects.models import Endpoint, Project
from projects.sources import Payload
from projects.spec_import import analyze
from projects.tests.documents import with_paths

BOTH = with_paths({"/kept": {"get": {}}, "/gone": {"get": {"summary": "Goes away", "tags": ["t"]}}})
LESS = with_paths({"/kept": {"get": {}}})


@pytest.fixture
def project(alice: User) -> Project:
    project = Project.objects.create(title="Shop", owner=alice)
    analyze(project, text=json.dumps(BOTH))
    return project


@pytest.fixture
def gone(project: Project) -> Endpoint:
    return Endpoint.objects.get(path="/gone")


@pytest.fixture
def plan(project: Project, gone: Endpoint) -> Plan:
    return make_plan(project, Endpoint.objects.get(path="/kept"), gone)


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def import_again(project: Project, document: Any = LESS) -> None:
    analyze(project, text=json.dumps(document))


def text_of(page: Client, address: str) -> str:
    answer = page.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_nothing_names_it_so_it_is_deleted(project: Project, gone: Endpoint) -> None:
    import_again(project)
    assert not Endpoint.everything.filter(pk=gone.pk).exists()


def test_a_plan_names_it_so_it_is_kept_but_in_no_list(
    project: Project, gone: Endpoint, plan: Plan, page: Client
) -> None:
    import_again(project)
    assert plan.scenarios.get(position=1).steps.get().endpoint == gone
    assert Endpoint.everything.get(pk=gone.pk).removed_at is not None
    assert [one.path for one in Endpoint.objects.all()] == ["/kept"]
    spec = project.openapi_specs.get()
    assert page.get("/endpoint").json()["count"] == 1
    assert page.get(f"/openapi/{spec.pk}").json()["endpoint_count"] == 1
    assert page.get("/openapi").json()["items"][0]["endpoint_count"] == 1
    assert page.get(f"/project/{project.pk}").json()["endpoint_count"] == 1
    for address in (f"/projects/specs/{spec.pk}/", f"/projects/{project.pk}/", f"/tests/new?project={project.pk}"):
        assert 'aria-label="GET /gone"' not in text_of(page, address)


def test_the_plan_is_marked_and_says_which_endpoint_is_gone(project: Project, plan: Plan, page: Client) -> None:
    assert "an endpoint is gone" not in text_of(page, "/tests/")
    import_again(project)
    assert "an endpoint is gone" in text_of(page, "/tests/")
    html = text_of(page, reverse("loadtests:plan", args=[plan.pk]))
    assert "GET /gone is gone from “T” since its import of" in html
    spec = project.openapi_specs.get()
    assert "Evening peak" in text_of(page, f"/projects/specs/{spec.pk}/")


def test_the_plan_does_not_start(project: Project, plan: Plan, page: Client) -> None:
    import_again(project)
    answer = page.post(reverse("loadtests:run", args=[plan.pk]), follow=True)
    assert "GET /gone is gone" in answer.content.decode()
    assert TestHistory.objects.count() == 0


def test_the_api_refuses_it_and_names_the_field(project: Project, gone: Endpoint, plan: Plan, page: Client) -> None:
    import_again(project)
    scenario = {"name": "x", "endpoint_id": gone.pk, "executor": "constant-vus"}
    asked = {"title": "x", "scenarios": [{**scenario, "stages": [{"duration": 1, "target": 1}]}]}
    answer = page.post("/load-testing", json.dumps(asked), content_type="application/json")
    assert answer.status_code == 422
    details = answer.json()["error"]["details"]
    assert [detail["field"] for detail in details] == ["scenarios.0.endpoint_id"]
    assert "GET /gone is gone" in details[0]["message"]


def test_history_is_untouched(project: Project, gone: Endpoint, page: Client) -> None:
    run = TestHistory.objects.create(title="r", project=project, job_name="r", status=Status.COMPLETED)
    TestHistory.objects.update(is_completed=True)
    ScenarioHistory.objects.create(
        test_history=run, name="s", scenario_tag="s", endpoint=gone, executor="constant-vus", request_name="GET /gone"
    )
    before = page.get(f"/test-history/{run.pk}/details").json()
    import_again(project)
    assert page.get(f"/test-history/{run.pk}/details").json() == before
    assert before["scenarios"][0]["endpoint"]["path"] == "/gone"


def test_it_comes_back_with_its_id_and_the_plan_starts_again(
    project: Project, gone: Endpoint, plan: Plan, page: Client
) -> None:
    import_again(project)
    report = analyze(project, text=json.dumps(BOTH))
    assert (report.added, report.changed, report.removed) == (("GET /gone",), (), ())
    assert Endpoint.objects.get(path="/gone").pk == gone.pk
    assert [tag.name for tag in gone.tags.all()] == ["t"]
    assert "is gone" not in text_of(page, reverse("loadtests:plan", args=[plan.pk]))


def test_it_goes_for_good_once_no_plan_names_it_any_more(project: Project, gone: Endpoint, plan: Plan) -> None:
    import_again(project)
    plan.delete()
    import_again(project, {**LESS, "x-build": 2})
    assert not Endpoint.everything.filter(pk=gone.pk).exists()


def test_the_plans_it_touches_are_named_before_it_is_applied(
    project: Project, plan: Plan, alice: User, page: Client
) -> None:
    row = importing.begin(project, alice, payload=Payload("file", json.dumps(LESS).encode()))
    assert row.state == "review"
    assert row.changes is not None
    assert row.changes["plans"] == [[plan.pk, "Evening peak"]]
    html = text_of(page, reverse("projects:import-steps", args=[row.pk]))
    assert reverse("loadtests:plan", args=[plan.pk]) in html
    assert "is gone" not in text_of(page, reverse("loadtests:plan", args=[plan.pk]))  # nothing is changed yet


def test_its_page_says_that_it_is_gone(project: Project, gone: Endpoint, plan: Plan, page: Client) -> None:
    import_again(project)
    assert "does not describe this endpoint any more" in text_of(page, f"/projects/endpoints/{gone.pk}/")


def test_a_document_is_deleted_with_its_removed_endpoints(project: Project, gone: Endpoint, plan: Plan) -> None:
    import_again(project)
    project.openapi_specs.get().delete()
    assert not Endpoint.everything.exists()
    assert plan.scenarios.get(position=1).steps.get().endpoint is None
