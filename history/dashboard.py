"""What the first page shows: what runs now, what the last runs said, and how each project does."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from history import regressions, shape
from history.access import active_runs, visible_runs
from history.answers import HEAVY
from history.drawing import spark
from history.models import TestHistory
from history.regressions import Regression
from history.run_search import newest
from history.states import FINISHED
from history.templatetags import numbers
from projects.access import Person, visible_projects
from projects.models import Endpoint, Project

VERDICTS, WORST, CARDS, POINTS = 6, 5, 9, 12
SPARK = (320, 44)  # pixels
_LISTED = tuple(name for name in HEAVY if name not in ("reasons", "plan_snapshot"))


def active(user: Person) -> list[TestHistory]:
    """What waits, runs or collects, the oldest first, each with `planned` seconds."""
    runs = list(active_runs(user).select_related("project").defer(*_LISTED, "reasons").order_by("tested_at"))
    for run in runs:
        run.planned = shape.duration(run.plan_snapshot)  # type: ignore[attr-defined]
    return runs


def verdicts(user: Person) -> list[TestHistory]:
    """The last runs that are over, the newest first, each with `why`: the first bad reason, or the first one."""
    over = visible_runs(user).filter(status__in=FINISHED)
    runs = list(newest(over, VERDICTS).select_related("project").defer(*_LISTED, "plan_snapshot"))
    for run in runs:
        run.why = why(run)  # type: ignore[attr-defined]
    return runs


def why(run: TestHistory) -> str:
    """The first reason of a verdict: the first bad one if there is any."""
    return run.message or next((reason["message"] for reason in run.explained), "")


@dataclass(frozen=True, slots=True)
class Card:
    """A project: its last run that is over (else the last of all, None without any), how p95 went, and what it has."""

    project: Project
    last: TestHistory | None
    p95: float | None
    drawing: SafeString
    runs: int
    plans: int
    endpoints: int


Runs = dict[int, tuple[datetime, int]]  # by the key of their project: when the last one was, and how many there are


def runs_by_project(user: Person) -> Runs:
    """Of the projects that have any."""
    counted = visible_runs(user).order_by().values("project").annotate(n=Count("pk"), last=Max("tested_at"))
    return {row["project"]: (row["last"], row["n"]) for row in counted}


def cards(user: Person, runs: Runs) -> list[Card]:
    """The projects with the freshest runs, then others by title; two queries."""
    plans: Any = Project._meta.get_field("plans").related_model  # by name: this app may not import the one above it
    counts = {
        "plan_count": _count(plans.objects, "project"),
        "endpoint_count": _count(Endpoint.objects, "openapi_spec__project"),
    }
    found = list(visible_projects(user).only("title").annotate(**counts).order_by("title", "pk"))
    with_runs = sorted((one for one in found if one.pk in runs), key=lambda one: runs[one.pk][0], reverse=True)
    projects = [*with_runs, *(one for one in found if one.pk not in runs)][:CARDS]
    last = _last_runs([project.pk for project in projects if project.pk in runs])
    return [_card(one, last[one.pk], runs[one.pk][1] if one.pk in runs else 0) for one in projects]


def _card(project: Any, runs: Sequence[TestHistory], count: int) -> Card:
    over = [run for run in runs if run.is_finished]
    measured = [run.p95_response_time for run in reversed(over) if run.p95_response_time is not None]
    last = next(iter(over or runs), None)
    words = _("p95 of the last %(count)s runs: %(first)s to %(last)s")
    drawing = ""
    if len(measured) > 1:
        title = words % {"count": len(measured), "first": numbers.ms(measured[0]), "last": numbers.ms(measured[-1])}
        drawing = spark(measured, title=title, width=SPARK[0], height=SPARK[1])
    markup = mark_safe(drawing)  # noqa: S308  # nosec B308  # history.drawing escapes every word
    p95 = measured[-1] if measured else None
    return Card(project, last, p95, markup, count, project.plan_count, project.endpoint_count)


def _last_runs(projects: Sequence[int]) -> dict[int, list[TestHistory]]:
    """The newest runs of each project, by its key."""
    found: dict[int, list[TestHistory]] = defaultdict(list)
    if not projects:
        return found
    wanted = Q()
    for key in projects:
        of_one = TestHistory.objects.filter(project=key, deleted_at=None).order_by("-tested_at", "-pk")
        wanted |= Q(pk__in=of_one.values("pk")[:POINTS])
    columns = ("project_id", "status", "outcome", "tested_at", "p95_response_time")
    for run in TestHistory.objects.filter(wanted).only(*columns):
        found[run.project_id].append(run)
    return found


def _count(rows: Any, by: str) -> Coalesce:
    """One count per project as a subquery: joins would multiply the rows."""
    of_one = rows.filter(**{by: OuterRef("pk")}).order_by().values(by).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(of_one, output_field=IntegerField()), 0)


def worst(user: Person) -> list[Regression]:
    """What got worse, the worst first; seven queries at most."""
    return regressions.worst(user, WORST)
