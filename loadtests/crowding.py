"""What all runs together may ask for at the same time: how many there are, with how many users, at which rate.

A run counts from the moment it waits for a worker until its load has ended. Whoever starts one asks `require_room` in
the transaction that makes it: the next one waits there, so that no two find the same last place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from history.models import TestHistory
from history.states import Status
from loadtests.asking import refusal
from loadtests.guard import limits_of
from loadtests.k6.curves import duration, peak_rate, peak_vus
from loadtests.k6.plan import RunPlan
from loadtests.k6.plan_json import from_json
from metricvault.lib.errors import Detail, TooMany
from projects.access import visible_projects
from projects.models import Project

LOADING = (Status.QUEUED, Status.STARTING, Status.RUNNING)
_LOCK = 0x6D765F72756E73  # of PostgreSQL, known to nobody else
_SOON, _LATE = 5, 600  # seconds: the bounds of Retry-After
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Going:
    """A run under way: most users at once, most iterations per second, seconds from start to end of its load."""

    pk: int
    project_id: int
    title: str
    began: datetime
    users: int
    rate: float
    lasts: float


def require_room(plan: RunPlan, project: Project, user: User, now: datetime) -> None:
    """Raises `TooMany` where a run of `plan` would be one too many beside those under way; `Refused` where it would be
    too much even by itself. To be called where the run is made, in its transaction."""
    _one_at_a_time()
    _alone(plan, project)
    going = [_going(row) for row in _rows()]
    of_project = [one for one in going if one.project_id == project.pk]
    visible = set(visible_projects(user).values_list("pk", flat=True)) if going else set()
    most = limits_of(project).max_runs
    if len(of_project) >= most:
        message = ngettext(
            "%(most)s run of this project may go on at a time. Wait for one to end, or stop one: %(runs)s.",
            "%(most)s runs of this project may go on at a time. Wait for one to end, or stop one: %(runs)s.",
            most,
        )
        raise _too_many(message, of_project, visible, now, most=f"{most:,}")
    most = settings.METRICVAULT_MAX_RUNS
    if len(going) >= most:
        message = ngettext(
            "%(most)s run may go on here at a time. Wait for one to end, or stop one: %(runs)s.",
            "%(most)s runs may go on here at a time. Wait for one to end, or stop one: %(runs)s.",
            most,
        )
        raise _too_many(message, going, visible, now, most=f"{most:,}")
    _sums(plan, going, visible, now)


def _sums(plan: RunPlan, going: Sequence[Going], visible: set[int], now: datetime) -> None:
    most, taken, asked = settings.METRICVAULT_MAX_TOTAL_VUS, sum(one.users for one in going), peak_vus(plan)
    if taken + asked > most:
        message = _(
            "All runs together may have %(most)s users at once; this one asks for %(asked)s, and %(left)s are left. "
            "Ask for fewer, wait for a run to end, or stop one: %(runs)s."
        )
        values = {"most": f"{most:,}", "asked": f"{asked:,}", "left": f"{max(0, most - taken):,}"}
        raise _too_many(message, [one for one in going if one.users], visible, now, **values)
    most_rate, rate, wanted = settings.METRICVAULT_MAX_TOTAL_RATE, sum(one.rate for one in going), peak_rate(plan)
    if wanted and rate + wanted > most_rate:
        message = _(
            "All runs together may begin %(most)s iterations per second; this one asks for %(asked)s, and %(left)s are "
            "left. Ask for fewer, wait for a run to end, or stop one: %(runs)s."
        )
        values = {"most": f"{most_rate:,}", "asked": f"{wanted:,.0f}", "left": f"{max(0, most_rate - rate):,.0f}"}
        raise _too_many(message, [one for one in going if one.rate], visible, now, **values)


def _alone(plan: RunPlan, project: Project) -> None:
    """More than all runs together may ask for: waiting would not help."""
    if peak_vus(plan) > settings.METRICVAULT_MAX_TOTAL_VUS:
        message = _("All runs together may have %(most)s users at once; this one alone asks for %(asked)s.")
        values = {"most": f"{settings.METRICVAULT_MAX_TOTAL_VUS:,}", "asked": f"{peak_vus(plan):,}"}
        raise refusal([Detail("scenarios", message % values)], project)
    if peak_rate(plan) > settings.METRICVAULT_MAX_TOTAL_RATE:
        message = _("All runs together may begin %(most)s iterations per second; this one alone asks for %(asked)s.")
        values = {"most": f"{settings.METRICVAULT_MAX_TOTAL_RATE:,}", "asked": f"{peak_rate(plan):,.0f}"}
        raise refusal([Detail("scenarios", message % values)], project)


def _one_at_a_time() -> None:
    """Until the transaction ends nobody else counts runs. (SQLite: each transaction that writes is alone from its first
    statement, `transaction_mode` in the settings.)"""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _rows() -> Iterable[TestHistory]:
    columns = ("project_id", "title", "tested_at", "plan_snapshot")
    return TestHistory.objects.filter(status__in=LOADING).only(*columns).order_by("pk")


def _going(run: TestHistory) -> Going:
    try:
        plan = from_json(run.plan_snapshot)
    except KeyError:  # recorded elsewhere, or by hand: it says nothing of its load
        return Going(run.pk, run.project_id, run.title, run.tested_at, 0, 0.0, 0.0)
    load = (peak_vus(plan), peak_rate(plan), duration(plan))
    return Going(run.pk, run.project_id, run.title, run.tested_at, *load)


def _too_many(message: str, going: Sequence[Going], visible: set[int], now: datetime, **values: str) -> TooMany:
    """Of runs that the person may not see only the number is said."""
    seen = [one for one in going if one.project_id in visible]
    names = [_("“%(title)s” (run %(id)s)") % {"title": one.title, "id": one.pk} for one in seen[:_NAMED]]
    others = len(going) - len(names)
    if others:
        names.append(ngettext("%(count)s other", "%(count)s others", others) % {"count": others})
    first = min(((one.began - now).total_seconds() + one.lasts for one in going), default=0.0)
    wait = int(min(max(first, _SOON), _LATE))
    return TooMany(message % {**values, "runs": ", ".join(names)}, retry_after=wait)
