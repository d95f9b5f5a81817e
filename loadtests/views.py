"""Pages of plans: the list, a new one, more scenarios; starting and stopping runs."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from history.access import active_runs, get_editable_run
from history.models import TestHistory
from loadtests import active_jobs, editing, launching, picking, planning, shelving
from loadtests.access import get_editable_plan, visible_plans
from loadtests.models import Plan
from metricvault.lib.errors import Conflict, Refused, TooMany
from metricvault.lib.htmx import render_page
from projects.access import can_edit, editable_projects, get_editable_project, require_user, visible_projects
from projects.models import Project

PAGE_SIZE = 25
SORTS = {"title": "title", "project": "project__title", "scenarios": "scenario_count", "when": "updated_at"}


@require_safe
def plan_list(request: HttpRequest) -> HttpResponse:
    """`/tests/?q=&project=&state=&sort=&page=`; HTMX gets the table alone."""
    user = require_user(request)
    everything = visible_plans(user)
    names = ("q", "project", "state", "sort")
    chosen = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in names}
    sort = chosen["sort"].removeprefix("-")
    found = _with_last_run(_filtered(everything, chosen)).select_related("project")
    downward = chosen["sort"].startswith("-") or sort not in SORTS
    column = F(SORTS.get(sort, "updated_at"))
    ordered = found.order_by(column.desc() if downward else column.asc(), "-pk")
    page: Page[Plan] = Paginator(ordered, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "chosen": chosen,
        "sort": sort if sort in SORTS else "when",
        "descending": downward,
        "filtered": bool(chosen["q"] or chosen["project"] or chosen["state"]),
        "none_at_all": not page.paginator.count and not everything.exists(),
        "projects": [(str(project.pk), project.title) for project in visible_projects(user)],
        "editable": editable_projects(user),
    }
    return render_page(request, "loadtests/list.html", "loadtests/plans.html", context)


@require_safe
def active(request: HttpRequest) -> HttpResponse:
    """`/tests/active/`: what `GET /scheduler/jobs` answers, as a page that keeps itself fresh."""
    user = require_user(request)
    now = timezone.now()
    runs = active_runs(user).select_related("project").order_by("pk")
    context = {"jobs": [active_jobs.look(run, now) for run in runs]}
    return render_page(request, "loadtests/active.html", "loadtests/jobs.html", context)


def _filtered(plans: QuerySet[Plan], chosen: dict[str, str]) -> QuerySet[Plan]:
    for word in chosen["q"][:200].split():
        plans = plans.filter(
            Q(title__icontains=word)
            | Q(description__icontains=word)
            | Q(project__title__icontains=word)
            | Q(pk__in=Plan.objects.filter(scenarios__steps__endpoint__path__icontains=word).values("pk"))
        )
    if chosen["project"].isdecimal() and len(chosen["project"]) < 19:
        plans = plans.filter(project=int(chosen["project"]))
    return plans.filter(archived_at__isnull=chosen["state"] != "archived")


def _with_last_run(plans: QuerySet[Plan]) -> QuerySet[Plan]:
    """Adds `scenario_count`, `gone_count` (whose endpoint is gone); `run_pk`, `run_status`, `run_outcome` and `run_at`
    of the latest run."""
    last = TestHistory.objects.filter(plan=OuterRef("pk"), deleted_at=None).order_by("-tested_at", "-pk")
    columns = {"run_pk": "pk", "run_status": "status", "run_outcome": "outcome", "run_at": "tested_at"}
    runs = {name: Subquery(last.values(column)[:1]) for name, column in columns.items()}
    gone = Q(scenarios__steps__endpoint=None) | Q(scenarios__steps__endpoint__removed_at__isnull=False)
    counts = {
        "scenario_count": Count("scenarios", distinct=True),
        "gone_count": Count("scenarios", filter=gone, distinct=True),
    }
    return plans.annotate(**counts, **runs)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A project, then its endpoints: `?project=&endpoint=&endpoint=&q=`; HTMX gets the endpoints alone."""
    user = require_user(request)
    asked = request.POST if request.method == "POST" else request.GET
    projects = _projects_with_endpoints(request)
    key = asked.get("project", "")
    if not key and len(projects) == 1:
        key = str(projects[0].pk)
    if not (key.isdecimal() and len(key) < 19):
        return render(request, "loadtests/new_project.html", {"projects": projects})
    project = get_editable_project(user, int(key))
    context = {**picking.context(project, asked), "title": asked.get("title", ""), "projects": projects}
    if request.method == "POST" and context["chosen"]:
        plan = editing.create_plan(
            project, context["title"] or _title(context["chosen"], project), context["chosen"], user
        )
        return redirect("loadtests:plan", plan.pk)
    context["problem"] = _("Choose at least one endpoint.") if request.method == "POST" else ""
    status = 422 if context["problem"] else 200
    return render_page(request, "loadtests/new.html", "loadtests/picker.html", context, status)


def _projects_with_endpoints(request: HttpRequest) -> list[Project]:
    projects = visible_projects(require_user(request)).annotate(
        endpoint_count=Count("openapi_specs__endpoints", filter=Q(openapi_specs__endpoints__removed_at=None))
    )
    return [project for project in projects if can_edit(require_user(request), project)]


def _title(endpoints: list[Any], project: Project) -> str:
    """What a plan is called while nobody has given it a title."""
    return (endpoints[0].summary or str(endpoints[0])) if len(endpoints) == 1 else project.title


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """More scenarios for a plan, from the endpoints of its project."""
    plan = get_editable_plan(require_user(request), pk)
    asked = request.POST if request.method == "POST" else request.GET
    context = {**picking.context(plan.project, asked), "plan": plan}
    if request.method == "POST" and context["chosen"]:
        made = editing.add_scenarios(plan, context["chosen"])
        _say_added(request, len(made), len(context["chosen"]))
        choice = f"?scenario={made[0].pk}" if made else ""
        return redirect(reverse("loadtests:plan", args=[pk]) + choice)
    context["problem"] = _("Choose at least one endpoint.") if request.method == "POST" else ""
    status = 422 if context["problem"] else 200
    return render_page(request, "loadtests/add.html", "loadtests/picker.html", context, status)


def _say_added(request: HttpRequest, made: int, asked: int) -> None:
    text = ngettext("%(count)s scenario is added.", "%(count)s scenarios are added.", made) % {"count": made}
    if made < asked:
        text += " " + _("More do not fit into one plan.")
    messages.add_message(request, messages.SUCCESS if made else messages.ERROR, text)


@require_POST
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Starts the plan as it stands, with `labels` (commas between) and `release` of the run; back to it, with
    everything that is wrong, where it cannot start."""
    user = require_user(request)
    plan = editing.full_plans().get(pk=get_editable_plan(user, pk).pk)
    try:
        shelving.refuse_archived(plan)
        labels = [text for text in request.POST.get("labels", "").split(",") if text.strip()]
        marks = {"labels": labels, "release": request.POST.get("release", "")}
        started = launching.start({**planning.from_plan(plan), **marks}, user, plan)
    except (Conflict, Refused, TooMany) as refusal:
        messages.error(request, refusal.message)
        return redirect("loadtests:plan", pk)
    return redirect("history:run", started.pk)


@require_POST
def stop(request: HttpRequest, run_pk: int) -> HttpResponse:
    """Ends a run; its page follows by itself."""
    found = get_editable_run(require_user(request), run_pk)
    try:
        launching.request_stop(found)
        messages.success(request, _("The run is stopping. Its numbers up to now are kept."))
    except Conflict as conflict:
        messages.error(request, conflict.message)
    if request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        return HttpResponseClientRefresh()
    return redirect("history:run", run_pk)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes the plan after the dialog asked; its results stay."""
    plan = get_editable_plan(require_user(request), pk)
    shelving.delete(plan)
    messages.success(request, _("Plan “%(title)s” is deleted. Its results stay.") % {"title": plan.title})
    return redirect("loadtests:list")
