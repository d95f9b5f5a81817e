"""What is older than the settings say is forgotten; pinned runs stay."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from history.models import MetricSnapshot, TestHistory, TimelineHistory
from history.retention import forget_old
from history.states import Status
from history.tests.recorded_history import recorded_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database_store")]
NOW = timezone.now()


def ended(owner: User, days_ago: float, *, pinned: bool = False, status: Status = Status.COMPLETED) -> TestHistory:
    """A run with two snapshots and a timeline that ended so long ago."""
    run = recorded_rows(owner, status, pushes=2)
    TimelineHistory.objects.create(test_history=run)
    TestHistory.objects.filter(pk=run.pk).update(completed_at=NOW - timedelta(days=days_ago), pinned=pinned)
    return run


def test_old_snapshots_go_and_the_result_stays(alice: User, settings) -> None:
    settings.METRICVAULT_SNAPSHOT_DAYS = 14
    old, fresh = ended(alice, 15), ended(alice, 13)
    assert forget_old(NOW) == (0, 1)
    assert TestHistory.objects.count() == 2
    assert set(MetricSnapshot.objects.values_list("test_history", flat=True)) == {fresh.pk}
    assert old.timelines.exists()


def test_old_runs_go_only_where_that_is_set(alice: User, settings) -> None:
    old, fresh = ended(alice, 100), ended(alice, 10)
    settings.METRICVAULT_RUN_DAYS = 0
    forget_old(NOW)
    assert TestHistory.objects.filter(pk=old.pk).exists()
    settings.METRICVAULT_RUN_DAYS = 90
    assert forget_old(NOW)[0] == 1
    assert list(TestHistory.objects.all()) == [fresh]


def test_pinned_runs_keep_everything(alice: User, settings) -> None:
    settings.METRICVAULT_RUN_DAYS = 1
    settings.METRICVAULT_SNAPSHOT_DAYS = 1
    pinned = ended(alice, 100, pinned=True)
    assert forget_old(NOW) == (0, 0)
    assert pinned.snapshots.count() == 2


def test_runs_that_are_not_over_are_left_alone(alice: User, settings) -> None:
    settings.METRICVAULT_RUN_DAYS = 1
    ended(alice, 100, status=Status.COLLECTING)
    assert forget_old(NOW) == (0, 0)


def test_snapshots_of_a_run_without_a_kept_timeline_stay(alice: User, settings) -> None:
    settings.METRICVAULT_SNAPSHOT_DAYS = 1
    run = ended(alice, 100)
    run.timelines.all().delete()
    assert forget_old(NOW) == (0, 0)
