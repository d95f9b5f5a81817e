"""The list of runs, with what is chosen in it, and the list of those that were deleted."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from history import trash
from history.access import visible_runs
from history.baselines import baselines_among
from history.models import RunLabel, RunNote, TestHistory
from history.run_search import SORTS, Wanted, found_keys, matching, ordered
from history.states import Outcome, Status
from metricvault.lib.htmx import render_page
from projects.access import require_user, visible_projects

PAGE_SIZE, MOST_LABELS, MOST_CHOSEN, LATEST = 25, 8, 500, 500
LEAST_COMPARED, MOST_COMPARED = 2, 5
_SHOWN = (  # what the tables need of a run
    "title", "project__title", "status", "outcome", "avg_tps", "p95_response_time", "avg_error_rate", "release",
    "pinned", "tested_at", "deleted_at", "plan_id", "endpoint_set", "started_by__username", "started_by__first_name",
    "started_by__last_name",
)  # fmt: skip
FILTERS = ("q", "project", "plan", "status", "outcome", "label", "release", "since", "until", "pinned")


@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """`/runs/?q=&project=&plan=&status=&outcome=&label=&release=&since=&until=&pinned=&sort=&page=`, and `runs` again
    for each that is chosen; HTMX gets the table alone."""
    user = require_user(request)
    keys = chosen_runs(request.GET)
    # Links of the table do not repeat what its checkboxes say.
    request.GET = without_runs(request.GET)  # type: ignore[assignment]
    chosen = {name: request.GET.get(name, "").replace("\0", "").strip() for name in (*FILTERS, "sort")}
    everything = visible_runs(user)
    asked = wanted(chosen)
    found = ordered(matching(everything, asked), chosen["sort"])
    page = _page(found_keys(found, asked), request)
    rows = _dressed(page, keys)
    _add_links(rows, request.GET)
    sort = chosen["sort"].removeprefix("-")
    context: dict[str, Any] = {
        "page": page,
        "chosen": chosen,
        "sort": sort if sort in SORTS else "" if sort else "when",
        "descending": chosen["sort"].startswith("-") or not chosen["sort"],
        "filtered": any(chosen[name] for name in FILTERS),
        "more": any(chosen[name] for name in ("since", "until", "pinned")),
        "none_at_all": not page.paginator.count and not everything.exists(),
        "any_active": any(run.is_active for run in rows),
        "refresh": f"{request.path}?{request.GET.urlencode()}",
        "elsewhere": _elsewhere(everything, rows, keys),
        "labels": _labels(everything),
        "of_plan": _plan_title(everything, chosen["plan"]),
        **choice(everything, keys),
    }
    if not request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        context |= {
            "projects": [(str(project.pk), project.title) for project in visible_projects(user).only("title")],
            "statuses": Status.choices,
            "outcomes": Outcome.choices,
        }
    return render_page(request, "history/list.html", "history/runs.html", context)


@require_safe
def chosen(request: HttpRequest) -> HttpResponse:
    """What may be done with the runs that are ticked, for HTMX: `?runs=7&runs=9`."""
    everything = visible_runs(require_user(request))
    return render(request, "history/chosen.html", choice(everything, chosen_runs(request.GET)))


@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """The trash: what was deleted, and until when it can be brought back."""
    user = require_user(request)
    now = timezone.now()
    page = _page(trash.deleted_runs(user, now).values_list("pk", flat=True), request)
    for run in _dressed(page, set()):
        assert run.deleted_at is not None
        run.gone_at = run.deleted_at + timedelta(hours=settings.METRICVAULT_TRASH_HOURS)  # type: ignore[attr-defined]
    context = {"page": page, "hours": settings.METRICVAULT_TRASH_HOURS}
    return render_page(request, "history/deleted.html", "history/deleted_runs.html", context)


def chosen_runs(query: QueryDict) -> set[int]:
    """The keys of the runs that are ticked, as far as they are keys."""
    texts = query.getlist("runs")[:MOST_CHOSEN]
    return {int(text) for text in texts if text.isdecimal() and len(text) < 19}


def without_runs(query: QueryDict) -> QueryDict:
    """The address without what is ticked."""
    left = query.copy()
    left.pop("runs", None)
    return left


def wanted(chosen: dict[str, str]) -> Wanted:
    """What the address asks for; odd values ask for nothing."""
    return Wanted(
        q=chosen["q"],
        project=_key(chosen["project"]),
        plan=_key(chosen["plan"]),
        status=chosen["status"],
        outcome=chosen["outcome"],
        label=chosen["label"],
        release=chosen["release"],
        since=_day(chosen["since"]),
        until=_day(chosen["until"]),
        pinned=bool(chosen["pinned"]),
    )


def choice(runs: QuerySet[TestHistory], keys: set[int]) -> dict[str, Any]:
    """How many runs are ticked, and whether so many can be compared."""
    count = runs.filter(pk__in=keys).order_by().count() if keys else 0
    return {
        "count": count,
        "comparable": LEAST_COMPARED <= count <= MOST_COMPARED,
        "least": LEAST_COMPARED,
        "most": MOST_COMPARED,
    }


def _page(found: Any, request: HttpRequest) -> Page[TestHistory]:
    """A page of keys as runs: sorting thousands of runs must not carry their columns along."""
    page: Page[Any] = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    keys = list(page.object_list)
    rows = TestHistory.objects.filter(pk__in=keys).order_by().select_related("project", "started_by").only(*_SHOWN)
    notes = RunNote.objects.filter(test_history=OuterRef("pk")).order_by().values("test_history")
    counted = Subquery(notes.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
    dressed = rows.prefetch_related("labels").annotate(note_count=Coalesce(counted, 0))
    by_key = {run.pk: run for run in dressed}
    page.object_list = [by_key[pk] for pk in keys if pk in by_key]
    return page


def _dressed(page: Page[TestHistory], keys: set[int]) -> list[TestHistory]:
    """The runs of a page, each with what the table shows of it besides its columns."""
    rows = list(page.object_list)
    baselines = baselines_among(rows)
    for run in rows:
        run.is_baseline = run.pk in baselines  # type: ignore[attr-defined]
        run.is_chosen = run.pk in keys  # type: ignore[attr-defined]
    return rows


def _add_links(runs: Iterable[TestHistory], query: QueryDict) -> None:
    """What the list is narrowed by where somebody chooses a label or a release, each said once only: pages have many
    runs of few of them. And what a run's tick is called."""

    @cache
    def narrowed(name: str, text: str) -> str:
        params = query.copy()
        params.pop("page", None)
        params[name] = text
        return f"?{params.urlencode()}"

    words = _("Choose run %(id)s, %(title)s")
    for run in runs:
        run.choose = words % {"id": run.pk, "title": run.title}  # type: ignore[attr-defined]
        run.release_link = narrowed("release", run.release)  # type: ignore[attr-defined]
        for label in run.labels.all():
            label.link = narrowed("label", label.text)  # type: ignore[attr-defined]


def _elsewhere(runs: QuerySet[TestHistory], shown: Iterable[TestHistory], keys: set[int]) -> list[TestHistory]:
    """What is ticked and not on this page."""
    others = keys - {run.pk for run in shown}
    return list(runs.filter(pk__in=others).only("title").order_by("pk")) if others else []


def _plan_title(runs: QuerySet[TestHistory], key: str) -> str:
    """What the plan is called that the list is filtered by; "" where there is none."""
    plan = _key(key)
    return (runs.filter(plan=plan).values_list("plan__title", flat=True).first() or "") if plan else ""


def _labels(runs: QuerySet[TestHistory]) -> list[str]:
    """The labels that most of the latest runs have."""
    latest = ordered(runs, "").values("pk")[:LATEST]
    counted = RunLabel.objects.filter(test_history__in=latest).order_by().values("text").annotate(n=Count("pk"))
    return list(counted.order_by("-n", "text").values_list("text", flat=True)[:MOST_LABELS])


def _key(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
