"""What the audit is told of runs that are over: what people added, took away, deleted, brought back and exported."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from history import retention, trash
from history.models import TestHistory
from history.states import Outcome, Status
from projects.models import AuditEntry, Project


@pytest.fixture
def run(alice: User) -> TestHistory:
    project = Project.objects.create(title="Shop", owner=alice)
    now = timezone.now()
    return TestHistory.objects.create(
        title="Evening", project=project, job_name="k6-1", status=Status.COMPLETED, outcome=Outcome.PASSED,
        is_completed=True, total_requests=10, endpoint_set="a" * 40, tested_at=now, completed_at=now,
    )  # fmt: skip


@pytest.fixture
def page(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def told(run: TestHistory) -> list[AuditEntry]:
    return list(AuditEntry.objects.exclude(action="logged_in").filter(project=run.project).order_by("pk"))


@pytest.mark.parametrize(
    ("asked", "before", "after"),
    [
        ({"title": "Morning"}, {"title": "Evening"}, {"title": "Morning"}),
        ({"labels": ["b", "a"]}, {"labels": []}, {"labels": ["a", "b"]}),
        ({"release": "4.2"}, {"release": ""}, {"release": "4.2"}),
        ({"pinned": True}, {"pinned": False}, {"pinned": True}),
    ],
)
def test_a_change_by_the_api_has_before_and_after(
    asked: dict[str, object], before: dict[str, object], after: dict[str, object], run: TestHistory, page: Client
) -> None:
    page.patch(f"/test-history/{run.pk}", asked, content_type="application/json")
    page.patch(f"/test-history/{run.pk}", asked, content_type="application/json")  # which changes nothing
    (entry,) = told(run)
    assert (entry.way, entry.actor_name, entry.kind) == ("api", "alice", "testhistory")
    assert (entry.before, entry.after) == (before, after)


def test_a_baseline_is_set_and_taken_away(run: TestHistory, page: Client) -> None:
    for chosen in ("1", "0", "0"):
        page.post(f"/runs/{run.pk}/baseline", {"baseline": chosen})
    assert [entry.after for entry in told(run)] == [{"baseline": str(run)}, {"baseline": None}]


def test_notes(run: TestHistory, page: Client) -> None:
    page.post(f"/runs/{run.pk}/notes/add", {"text": "cold"})
    note = run.notes.get()
    page.post(f"/runs/{run.pk}/notes/{note.pk}/change", {"text": "warm"})
    page.post(f"/runs/{run.pk}/notes/{note.pk}/delete")
    assert [entry.action for entry in told(run)] == ["created", "changed", "deleted"]
    assert {entry.kind for entry in told(run)} == {"runnote"}


def test_to_the_trash_and_back(run: TestHistory, page: Client) -> None:
    page.post("/runs/delete/", {"runs": [run.pk]})
    page.post("/runs/restore/", {"runs": [run.pk]})
    page.post("/runs/restore/", {"runs": [run.pk]})
    assert [(entry.action, entry.object_id) for entry in told(run)] == [
        ("deleted", str(run.pk)), ("restored", str(run.pk)),
    ]  # fmt: skip


def test_what_is_forgotten_for_good_was_forgotten_by_the_product(run: TestHistory, settings: Settings) -> None:
    settings.METRICVAULT_RUN_DAYS = 1
    other = TestHistory.objects.create(title="Old", project=run.project, job_name="k6-2", deleted_at=timezone.now())
    later = timezone.now() + timedelta(days=3)
    assert trash.forget_deleted(later) == 1
    assert retention.forget_old(later)[0] == 1
    assert [(entry.action, entry.way, entry.object_name) for entry in told(run)] == [
        ("deleted", "product", f"{other.pk} · Old"), ("deleted", "product", f"{run.pk} · Evening"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("export.csv?part=summary", "CSV, summary"), ("export.json", "JSON"), ("export.zip", "ZIP"),
        ("report.html", "HTML"), ("junit.xml", "JUnit"), ("script", "k6"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["runs", "test-history"])
def test_exports(place: str, address: str, what: str, run: TestHistory, page: Client) -> None:
    answer = page.get(f"/{place}/{run.pk}/{address}")
    assert answer.status_code == 200
    answer.getvalue()  # to its end: a stream that is closed before takes the connection with it
    (entry,) = told(run)
    assert (entry.action, entry.detail, entry.actor_name) == ("exported", what, "alice")
