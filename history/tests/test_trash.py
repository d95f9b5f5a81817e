"""Deleted runs are out of sight at once, can be brought back for a while, and are then forgotten with all they had."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from history.baselines import endpoint_set, set_baseline
from history.models import Baseline, MetricSnapshot, RunLabel, RunNote, TestHistory
from history.retention import forget_old
from history.states import Status
from history.tests.sample_runs import project_of, run_of
from history.trash import delete_many, deleted_runs, forget_deleted, restore_many
from loadtests.models import Plan
from projects.models import Membership, Project

pytestmark = pytest.mark.django_db
NOW = timezone.now()
BROWSER = {"accept": "text/html"}


def test_active_pinned_and_foreign_runs_are_left_out(alice: User, charlie: User) -> None:
    mine = project_of(alice)
    gone, live, pinned = run_of(mine), run_of(mine, Status.RUNNING), run_of(mine, pinned=True)
    shared = project_of(charlie, "Charlie's")
    Membership.objects.create(project=shared, user=alice, role=Membership.Role.READER)
    read_only, hidden = run_of(shared), run_of(project_of(charlie, "Hidden"))
    deleted = delete_many(alice, [gone.pk, live.pk, pinned.pk, read_only.pk, hidden.pk, 10**9], NOW)
    assert (deleted.runs, deleted.active, deleted.pinned, deleted.foreign) == ((gone.pk,), 1, 1, 1)
    assert list(TestHistory.objects.filter(deleted_at__isnull=False)) == [gone]


def test_what_was_deleted_before_is_not_deleted_again(alice: User) -> None:
    run = run_of(project_of(alice))
    delete_many(alice, [run.pk], NOW)
    assert delete_many(alice, [run.pk], NOW + timedelta(hours=1)).runs == ()
    run.refresh_from_db()
    assert run.deleted_at == NOW


def test_it_comes_back_whole(alice: User) -> None:
    run = run_of(project_of(alice))
    delete_many(alice, [run.pk], NOW)
    assert list(deleted_runs(alice, NOW)) == [run]
    assert restore_many(alice, [run.pk], NOW) == 1
    assert not deleted_runs(alice, NOW).exists()
    assert run.scenarios.count() == 1


def test_only_who_may_change_a_run_brings_it_back(alice: User, bob: User, charlie: User) -> None:
    project = project_of(alice)
    run = run_of(project)
    Membership.objects.create(project=project, user=bob, role=Membership.Role.READER)
    delete_many(alice, [run.pk], NOW)
    assert [restore_many(who, [run.pk], NOW) for who in (bob, charlie, alice)] == [0, 0, 1]


def test_after_some_hours_it_is_forgotten_with_all_it_had(alice: User, settings) -> None:
    settings.METRICVAULT_TRASH_HOURS = 24
    project = project_of(alice)
    old, fresh = (run_of(project, endpoint_set=endpoint_set(["GET /a"])) for _ in range(2))
    set_baseline(old, alice)
    RunLabel.objects.create(test_history=old, text="x")
    RunNote.objects.create(test_history=old, text="x")
    MetricSnapshot.objects.create(test_history=old, moment=1.0, payload=b"")
    delete_many(alice, [old.pk], NOW - timedelta(hours=25))
    delete_many(alice, [fresh.pk], NOW - timedelta(hours=23))
    assert restore_many(alice, [old.pk], NOW) == 0
    assert forget_deleted(NOW) == 1
    assert list(TestHistory.objects.all()) == [fresh]
    assert not any(model.objects.exists() for model in (Baseline, RunLabel, RunNote, MetricSnapshot))


def test_the_retention_leaves_the_trash_to_its_own_time(alice: User, settings) -> None:
    settings.METRICVAULT_RUN_DAYS = 1
    run = run_of(project_of(alice), completed_at=NOW - timedelta(days=30))
    delete_many(alice, [run.pk], NOW)
    assert forget_old(NOW) == (0, 0)


@pytest.fixture
def with_one_deleted(client: Client, alice: User) -> tuple[Client, Project, TestHistory]:
    """A project with a plan, whose only run is in the trash."""
    project = project_of(alice)
    run = run_of(project, title="In the trash", plan=Plan.objects.create(title="Plan", project=project))
    delete_many(alice, [run.pk], NOW)
    client.force_login(alice)
    return client, project, run


def test_a_deleted_run_shows_on_no_page(with_one_deleted: tuple[Client, Project, TestHistory]) -> None:
    client, project, run = with_one_deleted
    for address in ("/", "/runs/", f"/projects/{project.pk}/", "/projects/", "/tests/"):
        assert "In the trash" not in client.get(address, headers=BROWSER).content.decode(), address
    assert client.get("/projects/", headers=BROWSER).context["page"][0].run_count == 0
    assert client.get("/tests/", headers=BROWSER).context["page"][0].run_pk is None
    assert client.get(f"/runs/{run.pk}/", headers=BROWSER).status_code == 404


def test_a_deleted_run_is_in_no_answer(with_one_deleted: tuple[Client, Project, TestHistory]) -> None:
    client, project, run = with_one_deleted
    for address in ("/test-history/simple", f"/test-history/projects/{project.pk}"):
        assert client.get(address).json() == {"items": [], "count": 0}
    for part in ("details", "timeseries"):
        assert client.get(f"/test-history/{run.pk}/{part}").status_code == 404
    assert client.get(f"/project/{project.pk}").json()["test_history_count"] == 0


def test_a_deleted_run_is_in_no_metric_of_the_product(client: Client, administrator: User, alice: User) -> None:
    run = run_of(project_of(alice))
    client.force_login(administrator)
    line = 'metricvault_runs{outcome="",status="completed"}'
    assert f"{line} 1.0" in client.get("/metrics").content.decode()
    delete_many(alice, [run.pk], NOW)
    assert f"{line} 0.0" in client.get("/metrics").content.decode()
