"""What the audit is told of plans and runs: one entry for what a person changed, not one for each letter."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from history.models import TestHistory
from history.states import Status
from loadtests import launching, plan_audit, planning, shelving, supervision
from loadtests.editing import full_plans
from loadtests.models import Plan, PlanEdit, Scenario
from loadtests.tests.shop import make_plan, make_shop
from projects.models import AuditEntry

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.launching._send", lambda task, run_id: None)


@pytest.fixture
def plan(alice: User, bob: User) -> Plan:
    project, (products, *_rest) = make_shop(alice, bob)
    return make_plan(project, products)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def told(*actions: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action__in=actions or ["changed"]).order_by("pk"))


def type_into(page: Client, plan: Plan, **typed: Any) -> Scenario:
    scenario = plan.scenarios.get()
    stage = scenario.stages.get()
    fields = {f"stage.{stage.pk}.target": typed.pop("users")} if "users" in typed else {}
    assert (
        page.post(reverse("loadtests:scenario-save", args=[scenario.pk]), {**typed, **fields}, headers=HTMX).status_code
        == 200
    )
    return scenario


def test_what_is_typed_becomes_one_entry_when_the_person_rests(plan: Plan, alice: User) -> None:
    page = browser(alice)
    for users in ("1", "12", "120"):
        scenario = type_into(page, plan, users=users)
    page.post(reverse("loadtests:save", args=[plan.pk]), {"title": "Evening peak!"}, headers=HTMX)
    assert told() == []
    assert plan_audit.close_old(timezone.now()) == 0
    was = plan.title
    assert plan_audit.close_old(timezone.now() + plan_audit.REST + timedelta(seconds=1)) == 1
    (entry,) = told()
    assert (entry.actor_name, entry.way, entry.address, entry.object_id) == ("alice", "page", "127.0.0.1", str(plan.pk))
    stages = f"scenario {scenario.pk}: stages"
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["title"], entry.after["title"]) == (was, "Evening peak!")
    assert entry.after[stages].endswith("120")
    assert set(entry.after) == {"title", stages}
    assert not PlanEdit.objects.exists()


def test_what_is_typed_and_taken_back_is_nothing(plan: Plan, alice: User) -> None:
    page = browser(alice)
    before = str(plan.scenarios.get().stages.get().target)
    type_into(page, plan, users="77")
    type_into(page, plan, users=before)
    plan_audit.close(plan)
    assert told() == []


def test_another_person_begins_an_entry_of_their_own(plan: Plan, alice: User, bob: User) -> None:
    type_into(browser(alice), plan, name="Alice's")
    type_into(browser(bob), plan, name="Bob's")
    (first,) = told()
    assert first.actor_name == "alice"
    plan_audit.close(plan)
    assert [one.actor_name for one in told()] == ["alice", "bob"]
    assert list((told()[1].before or {}).values()) == ["Alice's"]


def test_who_goes_on_for_long_gets_an_entry_now_and_then(plan: Plan, alice: User) -> None:
    page = browser(alice)
    type_into(page, plan, name="One")
    PlanEdit.objects.update(begun_at=timezone.now() - plan_audit.LONGEST)
    type_into(page, plan, name="Two")
    assert [list((one.after or {}).values()) for one in told()] == [["One"]]


def test_changes_stand_before_the_run_they_were_made_for(plan: Plan, alice: User) -> None:
    page = browser(alice)
    type_into(page, plan, name="Changed")
    page.post(reverse("loadtests:run", args=[plan.pk]), {"labels": "nightly", "release": "4.2"})
    changed, started = told("changed", "started")
    assert (changed.action, started.action) == ("changed", "started")
    run = TestHistory.objects.get()
    assert (started.kind, started.object_id, started.project_id) == ("testhistory", str(run.pk), plan.project_id)
    assert started.after is not None
    assert started.after["labels"] == ["nightly"]
    assert started.after["hosts"]
    assert "users" in started.after["load"]
    assert str(plan.pk) in started.detail


def test_no_body_of_a_request_is_copied(plan: Plan, alice: User) -> None:
    scenario = plan.scenarios.get()
    step = scenario.steps.get()
    typed = {f"step.{step.pk}.body": '{"pin": "S3CRET-PIN"}', f"step.{step.pk}.content_type": "application/json"}
    type_into(browser(alice), plan, **typed)
    plan_audit.close(plan)
    (entry,) = told()
    assert f"scenario {scenario.pk}, step {step.pk}: body" in (entry.after or {})
    assert "S3CRET" not in str(entry.after)


def test_a_run_that_is_stopped_by_a_person_and_one_by_the_product(plan: Plan, alice: User, settings: Settings) -> None:
    run = launching.start(planning.from_plan(full_plans().get(pk=plan.pk)), alice, plan)
    TestHistory.objects.filter(pk=run.pk).update(status=Status.RUNNING)
    page = browser(alice)
    for _time in range(2):
        page.post(reverse("loadtests:stop", args=[run.pk]))
    other = launching.start(planning.from_plan(full_plans().get(pk=plan.pk)), alice, plan)
    supervision._ask_to_stop(other, timezone.now(), "timeout")
    by_alice, by_product = told("stopped")
    assert (by_alice.actor_name, by_alice.object_id) == ("alice", str(run.pk))
    assert (by_product.way, by_product.object_id) == ("product", str(other.pk))
    assert "longer" in by_product.detail


def test_a_start_beyond_the_limits_is_a_refusal(plan: Plan, alice: User, settings: Settings) -> None:
    settings.METRICVAULT_ALLOWED_TARGETS = ["elsewhere.example"]
    browser(alice).post(reverse("loadtests:run", args=[plan.pk]))
    (entry,) = told("refused")
    assert (entry.actor_name, entry.kind, entry.project_id) == ("alice", "plan", plan.project_id)
    assert "may not be loaded" in entry.detail


def test_one_run_too_many_is_a_refusal_once(plan: Plan, alice: User, settings: Settings) -> None:
    settings.METRICVAULT_MAX_PROJECT_RUNS = 1
    page = browser(alice)
    address = f"/plan/{plan.pk}/run"
    assert page.post(address, content_type="application/json").status_code == 202
    assert page.post(address, content_type="application/json").status_code == 429
    (entry,) = told("refused")
    assert entry.project_id == plan.project_id


def test_a_plan_that_is_not_ready_is_no_refusal(plan: Plan, alice: User) -> None:
    page = browser(alice)
    page.post(reverse("loadtests:save", args=[plan.pk]), {"title": ""}, headers=HTMX)
    page.post(reverse("loadtests:run", args=[plan.pk]))
    assert told("refused") == []


def test_what_becomes_of_a_plan(plan: Plan, alice: User) -> None:
    page = browser(alice)
    page.post(reverse("loadtests:duplicate_plan", args=[plan.pk]))
    page.post(reverse("loadtests:archive_plan", args=[plan.pk]))
    page.get(reverse("loadtests:plan_file", args=[plan.pk]))
    text = page.get(f"/plan/{plan.pk}/file").content.decode()
    page.post("/plan/file", {"project_id": plan.project_id, "file": text}, content_type="application/json")
    page.post(reverse("loadtests:delete", args=[plan.pk]))
    actions = [one.action for one in AuditEntry.objects.filter(kind="plan").order_by("pk")]
    assert actions == ["created", "changed", "exported", "exported", "imported", "deleted"]


def test_a_plan_that_is_deleted_leaves_what_was_changed_of_it(plan: Plan, alice: User) -> None:
    type_into(browser(alice), plan, name="Changed")
    shelving.delete(plan)
    assert [one.action for one in told("changed", "deleted")] == ["changed", "deleted"]
