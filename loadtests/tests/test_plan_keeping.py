"""Plans as things one keeps: copies, the archive, files in and out on pages, runs made once more."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from history.models import TestHistory
from history.states import Status
from loadtests import editing, launching, planning
from loadtests.models import LoadLimits, Plan, Scenario, Step
from loadtests.tests.shop import make_plan, make_shop
from projects.models import DataFile, Environment, Membership, Project

FILE = "metricvault: 1\ntitle: Filed\nscenarios:\n- endpoint: GET /products\n  stages: [{duration: 5s, target: 1}]\n"
pytestmark = pytest.mark.usefixtures("unsent")


@pytest.fixture
def unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes to a worker."""
    monkeypatch.setattr("loadtests.launching._send", lambda task, run_id: None)


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


@pytest.fixture
def plan(alice: User) -> Plan:
    """A plan of one scenario that can run."""
    project, (products, *_rest) = make_shop(alice)
    return make_plan(project, products)


def started(plan: Plan, user: User) -> TestHistory:
    full = editing.full_plans().get(pk=plan.pk)
    run = launching.start(planning.from_plan(full), user, plan)
    TestHistory.objects.filter(pk=run.pk).update(status=Status.COMPLETED)
    return TestHistory.objects.get(pk=run.pk)


def said(page: Client, address: str, **data: Any) -> str:
    return page.post(address, data, follow=True).content.decode()


def test_a_copy_has_everything_but_drafts_and_opens(page: Client, plan: Plan, alice: User) -> None:
    Scenario.objects.update(drafts={"think_time": "10x"}, load={"start_time": 5.0})
    Step.objects.update(headers=[{"name": "X-A", "value": "1"}], once=True)
    answer = page.post(f"/tests/{plan.pk}/duplicate")
    copy = Plan.objects.exclude(pk=plan.pk).get()
    assert answer.headers["Location"] == f"/tests/{copy.pk}/"
    assert (copy.title, copy.project, copy.created_by) == ("Copy of Evening peak", plan.project, alice)
    (scenario,) = copy.scenarios.all()
    (step,) = scenario.steps.all()
    assert (scenario.drafts, scenario.load, step.once) == ({}, {"start_time": 5.0}, True)
    assert [(one.duration, one.target) for one in scenario.stages.all()] == [(30, 5)]
    assert plan.scenarios.get().drafts == {"think_time": "10x"}


def test_an_archived_plan_leaves_the_list_and_does_not_start(page: Client, plan: Plan) -> None:
    assert "is in the archive" in said(page, f"/tests/{plan.pk}/archive")
    assert [one.pk for one in page.get("/tests/").context["page"]] == []
    assert "All plans are in the archive." in page.get("/tests/").content.decode()
    assert [one.pk for one in page.get("/tests/", {"state": "archived"}).context["page"]] == [plan.pk]
    assert "Bring it back before you run it." in said(page, f"/tests/{plan.pk}/run")
    assert page.post(f"/plan/{plan.pk}/run").status_code == 409
    assert not TestHistory.objects.exists()
    said(page, f"/tests/{plan.pk}/archive")
    assert [one.pk for one in page.get("/tests/").context["page"]] == [plan.pk]
    page.post(f"/tests/{plan.pk}/run")
    assert TestHistory.objects.get().plan == plan


def test_readers_see_files_and_change_nothing(client: Client, plan: Plan, bob: User, charlie: User) -> None:
    Membership.objects.create(project=plan.project, user=bob, role=Membership.Role.READER)
    run = TestHistory.objects.create(title="x", project=plan.project, plan=plan, job_name="k6-1")
    changing = [f"/tests/{plan.pk}/duplicate", f"/tests/{plan.pk}/archive", f"/tests/{plan.pk}/delete"]
    changing += [f"/tests/runs/{run.pk}/again", f"/tests/runs/{run.pk}/edit"]
    for person, file, change in ((bob, 200, 403), (charlie, 404, 404)):
        client.force_login(person)
        assert client.get(f"/tests/{plan.pk}/file").status_code == file
        assert {client.post(address).status_code for address in changing} == {change}
    client.force_login(bob)
    assert "/duplicate" not in client.get("/tests/").content.decode()
    assert client.post("/tests/import", {"project": plan.project_id, "text": FILE}).status_code == 403
    assert Plan.objects.count() == 1


def test_a_plan_goes_out_and_comes_in_as_a_file(page: Client, plan: Plan) -> None:
    answer = page.get(f"/tests/{plan.pk}/file")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="evening-peak-{plan.pk}.yaml"'
    assert answer.headers["Content-Type"] == "application/yaml; charset=utf-8"
    upload = SimpleUploadedFile("plan.yaml", answer.content)
    text = said(page, "/tests/import", project=plan.project_id, file=upload)
    assert "“Evening peak” is imported." in text
    new = Plan.objects.exclude(pk=plan.pk).get()
    assert page.get(f"/tests/{new.pk}/file").content == answer.content
    assert "is replaced" in said(page, "/tests/import", project=plan.project_id, plan=plan.pk, text=FILE)
    plan.refresh_from_db()
    assert plan.title == "Filed"


def test_what_is_wrong_with_a_file_is_shown_and_what_was_pasted_stays(page: Client, plan: Plan) -> None:
    wrong = FILE.replace("products", "nothing").replace("5s", "5y")
    answer = page.post("/tests/import", {"project": plan.project_id, "text": wrong})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Line 4: There is no endpoint “GET /nothing” in this project." in text
    assert "Line 5: “5y” is not a duration." in text
    assert "GET /nothing\n" in text
    assert Plan.objects.count() == 1


def test_a_plan_that_cannot_be_read_yet_is_not_written_to_a_file(page: Client, plan: Plan) -> None:
    Scenario.objects.update(drafts={"think_time": "10x"})
    answer = page.get(f"/tests/{plan.pk}/file", follow=True)
    assert "“10x” is not a duration" in answer.content.decode()


def test_run_again_sends_exactly_what_ran(page: Client, plan: Plan, alice: User) -> None:
    first = started(plan, alice)
    Step.objects.update(values={"query": {"limit": "99"}})
    Plan.objects.update(title="Changed since")
    answer = page.post(f"/tests/runs/{first.pk}/again")
    second = TestHistory.objects.exclude(pk=first.pk).get()
    assert answer.headers["Location"] == f"/runs/{second.pk}/"
    assert {**second.plan_snapshot, "run": "x"} == {**first.plan_snapshot, "run": "x"}
    assert (second.title, second.asked, second.plan, second.started_by) == ("Evening peak", first.asked, plan, alice)
    assert [str(step.endpoint) for one in second.scenarios.all() for step in one.steps.all()] == ["GET /products"]


def test_run_again_needs_no_plan_and_no_document(page: Client, plan: Plan, alice: User) -> None:
    first = started(plan, alice)
    plan.delete()
    plan.project.openapi_specs.all().delete()
    page.post(f"/tests/runs/{first.pk}/again")
    second = TestHistory.objects.exclude(pk=first.pk).get()
    assert second.plan_snapshot["scenarios"] == first.plan_snapshot["scenarios"]


@pytest.mark.parametrize("missing", ["environment", "data", "snapshot", "archive", "allowed", "generators"])
def test_run_again_says_what_keeps_it(page: Client, plan: Plan, alice: User, missing: str) -> None:
    first = started(plan, alice)
    snapshot = {**first.plan_snapshot}
    reasons = {
        "environment": "The environment of this plan is deleted",
        "data": "These data files are gone: users.",
        "snapshot": "This result does not say what was sent.",
        "archive": "Bring it back before you run it.",
        "allowed": "api.example.com may not be loaded in this project.",
        "generators": "This run had 3 load generators",
    }
    table = {"name": "users", "columns": [], "mode": "unique", "rows": 1, "file": "x", "key": 99}
    if missing == "environment":
        snapshot |= {"environment": 99, "secrets": [{"variable": "MV_1", "reference": "variable:password"}]}
    elif missing == "data":
        snapshot |= {"tables": [table]}
    elif missing == "snapshot":
        snapshot = {}
    elif missing == "archive":
        page.post(f"/tests/{plan.pk}/archive")
    elif missing == "allowed":
        LoadLimits.objects.create(project=plan.project, allowed_targets=["other.example.com"])
    else:
        snapshot |= {"generators": 3}
    TestHistory.objects.update(plan_snapshot=snapshot)
    assert reasons[missing] in said(page, f"/tests/runs/{first.pk}/again")
    assert TestHistory.objects.count() == 1


def test_edit_and_run_opens_the_plan_that_still_says_the_same(page: Client, plan: Plan, alice: User) -> None:
    run = started(plan, alice)
    assert page.post(f"/tests/runs/{run.pk}/edit").headers["Location"] == f"/tests/{plan.pk}/"
    assert Plan.objects.count() == 1


@pytest.mark.parametrize("gone", [False, True])
def test_edit_and_run_makes_a_plan_of_what_ran_where_its_plan_says_otherwise(
    page: Client, plan: Plan, alice: User, gone: bool
) -> None:
    run = started(plan, alice)
    if gone:
        plan.delete()
    else:
        Step.objects.update(values={"query": {"limit": "99"}})
    text = said(page, f"/tests/runs/{run.pk}/edit")
    assert ("Its plan is gone." if gone else "Its plan was changed since.") in text
    new = Plan.objects.exclude(pk=plan.pk or 0).get()
    assert new.title == f"Evening peak, from run {run.pk}"
    asked = planning.read({**planning.from_plan(editing.full_plans().get(pk=new.pk)), "title": "Evening peak"})
    assert asked.model_dump() == planning.read(run.asked).model_dump()


def test_edit_and_run_of_an_old_result_opens_its_plan_or_says_that_it_cannot(
    page: Client, plan: Plan, alice: User
) -> None:
    run = started(plan, alice)
    TestHistory.objects.update(asked={})
    assert page.post(f"/tests/runs/{run.pk}/edit").headers["Location"] == f"/tests/{plan.pk}/"
    plan.delete()
    assert "Build a new plan." in said(page, f"/tests/runs/{run.pk}/edit")


def test_a_result_offers_both_ways(page: Client, plan: Plan, alice: User) -> None:
    run = started(plan, alice)
    text = page.get(f"/runs/{run.pk}/").content.decode()
    assert f'action="/tests/runs/{run.pk}/again"' in text
    assert f'action="/tests/runs/{run.pk}/edit"' in text


def test_an_environment_and_data_come_back_with_the_plan_of_a_run(page: Client, plan: Plan, alice: User) -> None:
    project = Project.objects.get()
    plan.environment = Environment.objects.create(project=project, name="staging", base_url="https://s.example.com")
    DataFile.objects.create(project=project, name="users", columns=["id"], row_count=1, sha256="0" * 64, packed=b"")
    plan.options = {"http": {"http2": False}, "data": {"users": "unique"}}
    plan.save()
    run = started(plan, alice)
    plan.delete()
    page.post(f"/tests/runs/{run.pk}/edit")
    new = Plan.objects.get()
    assert (new.environment, new.options) == (
        Environment.objects.get(),
        {"http": {"http2": False}, "data": {"users": "unique"}},
    )
