"""Which jobs of a cluster are forgotten, and when."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from history.models import TestHistory
from history.reasons import reason
from history.states import Outcome, Status
from history.tests.recorded_history import recorded_rows
from loadtests import supervision
from loadtests.runners import RunnerError
from loadtests.tests.fake_cluster import FakeCluster, cluster, collected, run_on
from tests.recorded import recorded_run

__all__ = ["cluster"]
pytestmark = pytest.mark.django_db
AWAY = RunnerError(
    "The cluster's API server does not answer: %(reason)s.", permanent=False, reason="NewConnectionError"
)


def finished_run(owner: User, status: Status, outcome: str, hours: float) -> TestHistory:
    ended = timezone.now() - timedelta(hours=hours)
    run = recorded_rows(owner, status, pushes=0)
    values = {"runner": "kubernetes", "completed_at": ended, "is_completed": True, "outcome": outcome}
    TestHistory.objects.filter(pk=run.pk).update(**values)
    run.refresh_from_db()
    return run


def test_a_job_that_did_its_work_is_forgotten_and_one_that_failed_is_kept(alice: User, cluster: FakeCluster) -> None:
    cluster.ended(0)
    done = collected(run_on(alice, Status.RUNNING))
    assert cluster.cleaned == [done.job_name]
    cluster.ended(107, phase="lost", trouble=reason("generator_lost", pod="k6-1", exit_code=107))
    failed = collected(run_on(alice, Status.RUNNING))
    assert failed.status == Status.FAILED
    assert cluster.cleaned == [done.job_name]


def test_what_a_dead_worker_left_is_forgotten_and_failed_jobs_after_a_while(
    alice: User, cluster: FakeCluster, settings
) -> None:
    settings.METRICVAULT_KEEP_FAILED_HOURS = 24
    left = finished_run(alice, Status.COMPLETED, Outcome.PASSED, hours=0)
    stopped = finished_run(alice, Status.STOPPED, "", hours=0)
    recent = finished_run(alice, Status.FAILED, Outcome.ERROR, hours=23)
    old = finished_run(alice, Status.FAILED, Outcome.ERROR, hours=25)
    active = run_on(alice, Status.RUNNING)
    gone = finished_run(alice, Status.COMPLETED, Outcome.PASSED, hours=1)
    cluster.names = [left.job_name, stopped.job_name, recent.job_name, old.job_name, active.job_name]
    assert supervision.tidy(timezone.now()) == 3
    assert set(cluster.cleaned) == {left.job_name, stopped.job_name, old.job_name}
    assert gone.job_name not in cluster.cleaned


def test_jobs_of_other_copies_and_of_other_runners_are_never_touched(alice: User, cluster: FakeCluster) -> None:
    local = finished_run(alice, Status.COMPLETED, Outcome.PASSED, hours=50)
    TestHistory.objects.filter(pk=local.pk).update(runner="local")
    cluster.names = ["k6-of-another-copy", local.job_name]
    assert supervision.tidy(timezone.now()) == 0
    assert cluster.cleaned == []


def test_jobs_stay_where_completed_ones_are_not_to_be_deleted(alice: User, cluster: FakeCluster, settings) -> None:
    settings.AUTO_DELETE_COMPLETED_JOBS = False
    cluster.ended(0)
    done = collected(run_on(alice, Status.RUNNING))
    old = finished_run(alice, Status.COMPLETED, Outcome.PASSED, hours=500)
    cluster.names = [done.job_name, old.job_name]
    supervision.tidy(timezone.now())
    assert cluster.cleaned == []


def test_a_cluster_that_is_away_is_tidied_later(alice: User, cluster: FakeCluster) -> None:
    left = finished_run(alice, Status.COMPLETED, Outcome.PASSED, hours=0)
    cluster.names, cluster.away = [left.job_name], AWAY
    assert supervision.tidy(timezone.now()) == 0
    cluster.away = None
    assert supervision.tidy(timezone.now()) == 1


def test_a_job_that_cannot_be_deleted_yet_is_no_failure(alice: User, cluster: FakeCluster) -> None:
    run = run_on(alice, Status.COLLECTING, collecting_since=timezone.now(), exit_code=0)
    TestHistory.objects.filter(pk=run.pk).update(summary=recorded_run().summaries * 2)
    cluster.away = AWAY
    assert supervision.collect(run.pk, timezone.now())
    run.refresh_from_db()
    assert run.status == Status.COMPLETED
    cluster.away, cluster.names = None, [run.job_name]
    supervision.tidy(timezone.now())
    assert cluster.cleaned == [run.job_name]
