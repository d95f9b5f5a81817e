"""Deleted runs: out of every list at once, to be brought back for a while, then forgotten for good.

Until then the rows stay as they are, only `deleted_at` is set: `history.access.visible_runs` leaves them out.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from history.access import get_editable_run
from history.models import TestHistory
from history.retention import forget
from history.states import ACTIVE, FINISHED
from metricvault.lib.errors import Conflict, Missing
from projects import audit
from projects.access import Person, editable_projects, project_scope

logger = logging.getLogger(__name__)
_AT_ONCE = 500  # runs a call


@dataclass(frozen=True, slots=True)
class Choice:
    """Some runs that somebody wants deleted: the keys of those that may be, and how many of the others are active,
    pinned, or not for this person to change."""

    runs: tuple[int, ...]
    active: int = 0
    pinned: int = 0
    foreign: int = 0

    @property
    def left_out(self) -> int:
        """How many stay."""
        return self.active + self.pinned + self.foreign


def sort_out(user: Person, wanted: Iterable[int]) -> Choice:
    """Which of those runs may go to the trash: what is over, not pinned, and `user` may change."""
    runs = TestHistory.objects.filter(project_scope(user, "project__"), pk__in=set(wanted), deleted_at=None)
    rows = list(runs.order_by("pk").values_list("pk", "project_id", "status", "pinned"))
    mine = editable_projects(user)
    own = [(pk, status in ACTIVE, pinned) for pk, project, status, pinned in rows if project in mine]
    going = tuple(pk for pk, active, pinned in own if not active and not pinned)
    active = sum(active for _pk, active, _pinned in own)
    return Choice(going, active, len(own) - len(going) - active, len(rows) - len(own))


def delete_many(user: Person, wanted: Iterable[int], now: datetime) -> Choice:
    """Puts into the trash what may go there; `runs` are those that are there now."""
    choice = sort_out(user, wanted)
    # Conditional: who pinned one meanwhile keeps it.
    going = TestHistory.objects.filter(pk__in=choice.runs, status__in=FINISHED, pinned=False, deleted_at=None)
    going.update(deleted_at=now)
    gone = list(_named(TestHistory.objects.filter(pk__in=choice.runs, deleted_at=now)).order_by("pk"))
    audit.record_all(audit.Action.DELETED, gone, detail=_("to the trash"))
    return replace(choice, runs=tuple(run.pk for run in gone))


def delete_one(user: Person, pk: int, now: datetime) -> None:
    """Puts one run into the trash. Raises Missing, NotAllowed, or Conflict while it is active or pinned."""
    run = get_editable_run(user, pk)
    if run.is_active:
        raise Conflict(_("This run is active. Stop it or wait for its end, then delete it."))
    if run.pinned:
        raise Conflict(_("This run is pinned. Unpin it, then delete it."))
    if not delete_many(user, [pk], now).runs:
        raise Conflict(_("This run was changed meanwhile. Look at it again, then delete it."))


def deleted_runs(user: Person, now: datetime) -> QuerySet[TestHistory]:
    """The runs in the trash that `user` may still bring back, the last deleted first."""
    # First what is deleted, by its index: SQLite would go through all runs of the projects instead.
    trash = TestHistory.objects.filter(deleted_at__gt=_limit(now)).order_by().values("pk")
    runs = TestHistory.objects.filter(pk__in=trash, project__in=editable_projects(user))
    return runs.order_by("-deleted_at", "-pk")


def restore_many(user: Person, wanted: Iterable[int], now: datetime) -> int:
    """Brings runs back from the trash; answers how many. What is not there, or not for `user`, is left out."""
    rows = list(_named(deleted_runs(user, now).filter(pk__in=set(wanted))))
    back = TestHistory.objects.filter(pk__in=[run.pk for run in rows]).exclude(deleted_at=None).update(deleted_at=None)
    if back:
        audit.record_all(audit.Action.RESTORED, rows)
    return back


def restore_one(user: Person, pk: int, now: datetime) -> None:
    """Brings a run back; nothing happens where it is not deleted. Raises Missing once it is forgotten, NotAllowed."""
    if not restore_many(user, [pk], now):
        try:
            get_editable_run(user, pk)
        except Missing:
            raise Missing(_("There is no run %(id)s in the trash.") % {"id": pk}) from None


def forget_deleted(now: datetime) -> int:
    """Forgets what was deleted METRICVAULT_TRASH_HOURS ago or earlier, with its snapshots; answers how many runs.
    Called every hour; each call takes a bounded part."""
    old = _named(TestHistory.objects.filter(deleted_at__lte=_limit(now)))
    forgotten = sum(forget(run, whole=True) for run in old.order_by("pk")[:_AT_ONCE])
    if forgotten:
        logger.info("forgot %s deleted runs for good", forgotten)
    return forgotten


def _named(runs: QuerySet[TestHistory]) -> QuerySet[TestHistory]:
    """Without their heavy columns: what the audit says of runs."""
    return runs.select_related("project").only("title", "project__title", "tested_at")


def _limit(now: datetime) -> datetime:
    """What was deleted until then is beyond recall."""
    return now - timedelta(hours=settings.METRICVAULT_TRASH_HOURS)
