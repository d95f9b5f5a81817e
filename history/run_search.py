"""Which runs somebody looks for: one place for the list's page and for `GET /test-history/simple`."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone

from history.models import RunLabel, RunNote, ScenarioHistory, StepHistory, TestHistory
from history.states import ACTIVE, Outcome, Status
from projects.models import Project

_Plan: Any = TestHistory._meta.get_field("plan").related_model  # by name: this app may not import the one above it
LONGEST_SEARCH, MOST_WORDS = 200, 6
# Column name in the address → database order. Runs without a value come last, whichever the direction.
SORTS = {
    "run": "pk",
    "title": "title",
    "verdict": "outcome",
    "tps": "avg_tps",
    "p95": "p95_response_time",
    "errors": "avg_error_rate",
    "requests": "total_requests",
    "when": "tested_at",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run has to be; what is left out does not matter.

    `q`: words, each of which stands in the title, project, plan, a request, a note, a label, the release, or is the
    run's number. `status`: one of `Status`, or "active". `since` and `until`: days, both of them included.
    """

    q: str = ""
    project: int | None = None
    plan: int | None = None
    status: str = ""
    outcome: str = ""
    label: str = ""
    release: str = ""
    since: date | None = None
    until: date | None = None
    pinned: bool = False


def matching(runs: QuerySet[TestHistory], wanted: Wanted) -> QuerySet[TestHistory]:
    """Those of `runs` that are as `wanted` says. Words that are no state or verdict find everything rather than
    fail: an address is often typed, or kept as a bookmark."""
    for word in wanted.q[:LONGEST_SEARCH].split()[:MOST_WORDS]:
        runs = runs.filter(_word(word))
    for column in ("project", "plan"):
        if getattr(wanted, column) is not None:
            runs = runs.filter(**{column: getattr(wanted, column)})
    if wanted.status == "active":
        runs = runs.filter(status__in=ACTIVE)
    elif wanted.status in Status.values:
        runs = runs.filter(status=wanted.status)
    if wanted.outcome in Outcome.values:
        runs = runs.filter(outcome=wanted.outcome)
    if wanted.label:
        runs = runs.filter(pk__in=RunLabel.objects.filter(text=wanted.label).order_by().values("test_history"))
    if wanted.release:
        runs = runs.filter(release=wanted.release)
    if wanted.since:
        runs = runs.filter(tested_at__gte=_midnight(wanted.since))
    if wanted.until:
        runs = runs.filter(tested_at__lt=_midnight(wanted.until + timedelta(days=1)))
    return runs.filter(pinned=True) if wanted.pinned else runs


def ordered(runs: QuerySet[TestHistory], sort: str) -> QuerySet[TestHistory]:
    """In the order that the address asks for, `-` downward; else the pinned first, then the newest."""
    column = SORTS.get(sort.removeprefix("-"))
    if column is None:
        return runs.order_by("-pinned", "-tested_at", "-pk")
    order = F(column).desc(nulls_last=True) if sort.startswith("-") else F(column).asc(nulls_last=True)
    return runs.order_by(order, "-pk")


def newest(runs: QuerySet[TestHistory], count: int) -> QuerySet[TestHistory]:
    """So many of `runs` as ran last, the newest first, without sorting all of them: the index of the list
    (`run_by_list`) has the pinned ones apart, so the newest of both kinds are taken, and of these the newest."""
    wanted = Q()
    for pinned in (False, True):
        latest = runs.filter(pinned__in=[pinned]).order_by("-tested_at", "-pk")
        wanted |= Q(pk__in=latest.values("pk")[:count])
    return TestHistory.objects.filter(wanted).order_by("-tested_at", "-pk")[:count]


def found_keys(runs: QuerySet[TestHistory], wanted: Wanted) -> Any:
    """The keys of `runs` in their order, to be counted and cut. What takes long to find is looked for once only."""
    keys = runs.values_list("pk", flat=True)
    return list(keys) if wanted.q else keys


def _word(word: str) -> Q:
    """All but the title by keys that indexes hold: of a run itself they would have to be read behind its script. The
    title comes last: of runs that were found by then it need not be read."""
    everything = TestHistory.objects.order_by()
    found = Q()
    for column, model in (("project", Project), ("plan", _Plan)):
        titled = model._default_manager.filter(title__icontains=word).order_by().values("pk")
        found |= Q(pk__in=everything.filter(**{f"{column}__in": titled}).values("pk"))
    found |= Q(pk__in=everything.filter(release__icontains=word).values("pk"))
    found |= Q(pk__in=RunLabel.objects.filter(text__icontains=word).order_by().values("test_history"))
    found |= Q(pk__in=RunNote.objects.filter(text__icontains=word).order_by().values("test_history"))
    found |= _requested(word) | Q(title__icontains=word)
    number = word.lstrip("#")
    if number.isdecimal() and len(number) < 19:
        found |= Q(pk=int(number))
    return found


def _requested(word: str) -> Q:
    """Runs that sent a request like this. Runs of the same set of endpoints sent the same requests, so only one of
    each set is looked into, and each of those that belong to no set; the names of journeys are looked for in all."""
    everything = TestHistory.objects.order_by()
    keys = everything.exclude(endpoint_set="").values("endpoint_set").annotate(key=Min("pk")).values("key")
    steps = StepHistory.objects.order_by().filter(request_name__icontains=word)
    sets = steps.filter(scenario__test_history__in=keys).values("scenario__test_history__endpoint_set")
    alone = steps.filter(scenario__test_history__endpoint_set="").values("scenario__test_history")
    journeys = ScenarioHistory.objects.order_by().filter(request_name__icontains=word).values("test_history")
    return Q(pk__in=everything.filter(endpoint_set__in=sets).values("pk")) | Q(pk__in=alone) | Q(pk__in=journeys)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
