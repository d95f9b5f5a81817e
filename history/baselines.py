"""Which run others are held against: the baseline of a plan, or, for runs without one, of a set of endpoints."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from history.models import Baseline, TestHistory
from metricvault.lib.errors import Conflict
from projects import audit

Key = tuple[int | None, int, str]  # plan, or None with the project and its set of endpoints
_HEAVY = ("script", "log", "summary", "plan_snapshot", "asked", "live_sent")


def endpoint_set(requests: Iterable[str]) -> str:
    """The same text for the same requests ("METHOD /path/{template}") whatever their order; 40 hexadecimal digits,
    "" where there are none."""
    names = sorted(set(requests))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:40] if names else ""


def baseline_of(run: TestHistory) -> TestHistory | None:
    """The run that `run` is held against, without its heavy columns; `run` itself where it is the baseline."""
    return baselines_of([run])[run.pk]


def baseline_key(run: TestHistory) -> int | None:
    """The key of the run that `run` is held against."""
    if run.plan_id is None and not run.endpoint_set:
        return None
    kept = Baseline.objects.filter(**_place(run), test_history__deleted_at=None)
    return kept.values_list("test_history", flat=True).first()


def baselines_of(runs: Iterable[TestHistory]) -> dict[int, TestHistory | None]:
    """The baseline of each run, by the run's key; one query. What lies in the trash is nobody's baseline."""
    rows = list(runs)
    plans = {run.plan_id for run in rows if run.plan_id is not None}
    sets = {(run.project_id, run.endpoint_set) for run in rows if run.plan_id is None and run.endpoint_set}
    wanted = Q(plan__in=plans)
    if sets:
        projects, sums = zip(*sets, strict=True)
        wanted |= Q(plan=None, project__in=set(projects), endpoint_set__in=set(sums))
    if not plans and not sets:
        return {run.pk: None for run in rows}
    kept = Baseline.objects.filter(wanted, test_history__deleted_at=None).select_related("test_history")
    found = {_key(row): row.test_history for row in kept.defer(*(f"test_history__{name}" for name in _HEAVY))}
    return {run.pk: found.get(_key(run)) for run in rows}


def baselines_among(runs: Iterable[TestHistory]) -> set[int]:
    """The keys of those of `runs` that others are held against; one query."""
    rows = {run.pk: run for run in runs if run.deleted_at is None}
    kept = Baseline.objects.filter(test_history__in=rows).only("plan_id", "project_id", "endpoint_set", "test_history")
    return {row.test_history_id for row in kept if _key(row) == _key(rows[row.test_history_id])}


def set_baseline(run: TestHistory, user: User | None) -> None:
    """From now on the runs of the same plan, or of the same endpoints, are held against `run`. Raises Conflict where
    it has nothing to hold them against."""
    if not run.is_finished or not run.total_requests:
        raise Conflict(_("Only a run that is over and sent requests can be the baseline."))
    if run.plan_id is None and not run.endpoint_set:
        raise Conflict(_("This run has no plan and names no endpoints, so nothing can be held against it."))
    with transaction.atomic():
        values = {"test_history": run, "set_by": user, "project_id": run.project_id}
        was = Baseline.objects.filter(**_place(run)).select_related("test_history").first()
        Baseline.objects.update_or_create(**_place(run), defaults=values)
        before = str(was.test_history) if was else None
        audit.record_change(run, {"baseline": before}, {"baseline": str(run)})


def clear_baseline(run: TestHistory, user: User | None) -> None:
    """`run` is no baseline any more; nothing happens where it was none. `user`: who wants it so."""
    if Baseline.objects.filter(test_history=run, **_place(run)).delete()[0]:
        audit.record(audit.Action.CHANGED, run, before={"baseline": str(run)}, after={"baseline": None})


def _place(run: TestHistory) -> dict[str, Any]:
    """What makes the baseline of a run unique."""
    if run.plan_id is not None:
        return {"plan_id": run.plan_id}
    return {"plan": None, "project_id": run.project_id, "endpoint_set": run.endpoint_set}


def _key(row: Any) -> Key:
    """The same for a run and for the baseline that it is held against."""
    return (row.plan_id, 0, "") if row.plan_id is not None else (None, row.project_id, row.endpoint_set)
