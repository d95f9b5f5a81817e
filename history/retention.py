"""Forgets what is older than the settings say. Pinned runs and their snapshots stay."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from history.metrics.stores import StoreError, open_store
from history.models import MetricSnapshot, TestHistory
from history.states import FINISHED
from projects import audit

logger = logging.getLogger(__name__)
_AT_ONCE = 200  # runs a call


def forget_old(now: datetime) -> tuple[int, int]:
    """Deletes old runs, and the snapshots of runs whose result is kept without them. Answers (runs, runs whose
    snapshots went). Called every hour; each call takes a bounded part."""
    ended = TestHistory.objects.filter(status__in=FINISHED, pinned=False, deleted_at=None)  # the trash: history.trash
    runs = snapshots = 0
    if settings.METRICVAULT_RUN_DAYS:
        limit = now - timedelta(days=settings.METRICVAULT_RUN_DAYS)
        for run in ended.filter(completed_at__lt=limit).order_by("pk")[:_AT_ONCE]:
            runs += forget(run, whole=True)
    if settings.METRICVAULT_SNAPSHOT_DAYS:
        limit = now - timedelta(days=settings.METRICVAULT_SNAPSHOT_DAYS)
        with_snapshots = MetricSnapshot.objects.values("test_history")
        old = ended.filter(completed_at__lt=limit, pk__in=with_snapshots, timelines__isnull=False).distinct()
        for run in old.order_by("pk")[:_AT_ONCE]:
            snapshots += forget(run, whole=False)
    if runs or snapshots:
        logger.info("forgot %s old runs, and the snapshots of %s more", runs, snapshots)
    return runs, snapshots


def forget(run: TestHistory, *, whole: bool) -> int:
    """Deletes the snapshots of a run, and the run itself where `whole`; 0 where the store did not answer, else 1."""
    try:
        open_store().delete(run.pk)
    except StoreError:
        logger.warning("run %s: its snapshots could not be deleted; the next hour tries again", run.pk, exc_info=True)
        return 0
    if whole:
        audit.record(audit.Action.DELETED, run, detail=_("for good, for its time is over"))
        run.delete()
    return 1
