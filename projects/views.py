"""Pages of projects: list, one project."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import F
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from metricvault.lib.htmx import render_page
from projects import catalogue, endpoint_table, importing
from projects.access import (
    can_edit,
    get_editable_project,
    get_owned_project,
    get_project,
    is_owner,
    require_user,
    visible_projects,
)
from projects.forms import ProjectForm
from projects.models import Endpoint, Project
from projects.project_keeping import keep_project

PROJECTS_ON_A_PAGE = 25
RECENT = 5
SORTS: dict[str, Any] = {
    "title": Lower("title"),
    "endpoints": F("endpoint_count"),
    "plans": F("plan_count"),
    "runs": F("run_count"),
    "when": F("updated_at"),
}


@require_safe
def project_list(request: HttpRequest) -> HttpResponse:
    """`/projects/?q=&sort=&page=`; HTMX gets the table alone."""
    everything = visible_projects(require_user(request))
    chosen = {name: request.GET.get(name, "").strip() for name in ("q", "sort")}
    name, descending = chosen["sort"].removeprefix("-"), chosen["sort"].startswith("-")
    if name not in SORTS:
        name, descending = "title", False
    order = SORTS[name].desc() if descending else SORTS[name].asc()
    found = catalogue.search_projects(catalogue.with_counts(everything), chosen["q"]).order_by(order, "id")
    page: Page[Project] = Paginator(found, PROJECTS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "chosen": chosen,
        "sort": name,
        "descending": descending,
        "none_at_all": not page.paginator.count and not everything.exists(),
    }
    return render_page(request, "projects/list.html", "projects/projects.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new project; the next step is its first API document."""
    user = require_user(request)
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.instance.owner = user
        project = keep_project(form.instance)
        messages.success(request, _("Project “%(title)s” is made. Now import its API.") % {"title": project.title})
        return redirect("projects:import", project.pk)
    return render(request, "projects/edit.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Title, summary and description."""
    project = get_editable_project(require_user(request), pk)
    form = ProjectForm(request.POST or None, instance=project)
    if request.method == "POST" and form.is_valid():
        keep_project(form.instance)
        messages.success(request, _("The project is changed."))
        return redirect("projects:detail", pk)
    context = {
        "form": form,
        "project": get_project(require_user(request), pk),
        "may_delete": is_owner(request.user, project),
    }
    return render(request, "projects/edit.html", context, status=422 if form.errors else 200)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes after the dialog asked; a sentence instead while a run is active."""
    project = get_owned_project(require_user(request), pk)
    catalogue.delete_project(project)
    messages.success(request, _("Project “%(title)s” is deleted.") % {"title": project.title})
    return redirect("projects:list")


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A project: its documents, endpoints, plans and runs; HTMX gets the endpoints alone."""
    user = require_user(request)
    project = get_project(user, pk)
    endpoints = Endpoint.objects.filter(openapi_spec__project=project)
    specs = project.openapi_specs.defer("document").annotate(endpoint_count=catalogue.endpoint_count())
    specs = specs.order_by("title", "id")
    context = {"project": project, **endpoint_table.context(request, endpoints, specs)}
    if not request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        row: Any = catalogue.with_counts(visible_projects(user)).get(pk=pk)
        runs: Any = row.test_histories.filter(deleted_at=None).only(
            "title", "status", "outcome", "tested_at", "project_id"
        )
        context |= {
            "project": row,
            "specs": specs,
            "imports": project.imports.filter(state__in=importing.UNFINISHED).defer("payload", "changes"),
            "may_edit": can_edit(user, project),
            "may_audit": is_owner(user, project),
            "environments": project.environments.only("name", "base_url", "project_id"),
            "files": project.data_files.filter(replaced_at=None).only("name", "row_count", "project_id"),
            "runs": runs.order_by("-tested_at", "-pk")[:RECENT],
            "plans": row.plans.only("title", "updated_at", "project_id").order_by("-updated_at", "-pk")[:RECENT],
        }
    return render_page(request, "projects/detail.html", "projects/endpoints.html", context)
