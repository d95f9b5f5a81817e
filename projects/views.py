"""Pages of projects: list, one project, import, one API document."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from metricvault.lib.errors import ProductError
from metricvault.lib.htmx import render_page
from projects import catalogue
from projects.access import can_edit, get_editable_project, get_project, require_user, visible_projects
from projects.forms import BaseUrlForm, ImportForm, ProjectForm
from projects.models import Endpoint, OpenApiSpec, Project
from projects.openapi.readiness import is_absolute, missing_values
from projects.spec_import import ImportReport, analyze, warnings_of

PROJECTS_ON_A_PAGE = 25
ENDPOINTS_ON_A_PAGE = 200
MOST_CHIPS = 12
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
        project = form.save()
        messages.success(request, _("Project “%(title)s” is made. Now import its API.") % {"title": project.title})
        return redirect("projects:import", project.pk)
    return render(request, "projects/edit.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Title, summary and description."""
    project = get_editable_project(require_user(request), pk)
    form = ProjectForm(request.POST or None, instance=project)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The project is changed."))
        return redirect("projects:detail", pk)
    context = {"form": form, "project": get_project(require_user(request), pk)}
    return render(request, "projects/edit.html", context, status=422 if form.errors else 200)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes after the dialog asked; a sentence instead while a run is active."""
    project = get_editable_project(require_user(request), pk)
    catalogue.delete_project(project)
    messages.success(request, _("Project “%(title)s” is deleted.") % {"title": project.title})
    return redirect("projects:list")


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A project: its documents, endpoints, plans and runs; HTMX gets the endpoints alone."""
    user = require_user(request)
    project = get_project(user, pk)
    endpoints = Endpoint.objects.filter(openapi_spec__project=project)
    specs = project.openapi_specs.defer("document").annotate(endpoint_count=Count("endpoints")).order_by("title", "id")
    context = {"project": project, **_endpoint_context(request, endpoints, specs)}
    if not request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        row: Any = catalogue.with_counts(visible_projects(user)).get(pk=pk)
        runs: Any = row.test_histories.only("title", "status", "outcome", "tested_at", "project_id")
        context |= {
            "project": row,
            "specs": specs,
            "may_edit": can_edit(user, project),
            "runs": runs.order_by("-tested_at", "-pk")[:RECENT],
            "plans": row.plans.only("title", "updated_at", "project_id").order_by("-updated_at", "-pk")[:RECENT],
        }
    return render_page(request, "projects/detail.html", "projects/endpoints.html", context)


def _endpoint_context(
    request: HttpRequest, endpoints: QuerySet[Endpoint], specs: QuerySet[OpenApiSpec]
) -> dict[str, Any]:
    """What the table of endpoints shows: `?q=&tag=&page=`, grouped by document and tag."""
    chosen = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in ("q", "tag")}
    tags = list(catalogue.tags_with_counts(specs))
    rows: QuerySet[Any] = catalogue.by_tag(catalogue.search_endpoints(endpoints, chosen["q"]))
    if chosen["tag"].isdecimal() and len(chosen["tag"]) < 19:
        rows = rows.filter(tag_pk=int(chosen["tag"]))
    rows = rows.defer("description", "openapi_spec__document")
    page: Page[Endpoint] = Paginator(rows, ENDPOINTS_ON_A_PAGE).get_page(request.GET.get("page"))
    titles = {spec.pk: spec.title for spec in specs}
    before: tuple[int, str | None] | None = None
    for row in page.object_list:
        shown: Any = row
        group = (row.openapi_spec_id, shown.tag_name)
        shown.opens_group, before = group != before, group
        shown.spec_title = titles.get(row.openapi_spec_id, "") if len(titles) > 1 else ""
        shown.missing = ", ".join(missing_values(row.parameters, row.request_body))
    return {
        "page": page,
        "chosen": chosen,
        "tags": tags,
        "as_chips": len(tags) <= MOST_CHIPS,
        "total": endpoints.count(),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A document by address, file or text; afterwards its own page. `?spec=` fills in where it came from."""
    user = require_user(request)
    project = get_editable_project(user, pk)
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES)
        if form.is_valid():
            way = form.cleaned_data["way"]
            source = {"openapi_url": "url", "file": "file", "document": "text"}[way]
            try:
                report = analyze(project, **{source: form.cleaned_data[way]}, user=user)
            except ProductError as error:
                form.add_error(way, error.message)
            else:
                messages.success(request, _done(report))
                address = reverse("projects:spec", args=[report.spec.pk])
                return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]
    else:
        wanted = request.GET.get("spec", "")
        known = project.openapi_specs.defer("document").filter(pk=int(wanted)) if wanted.isdecimal() else None
        spec = known.first() if known is not None and len(wanted) < 19 else None
        form = ImportForm(initial={"openapi_url": spec.source_url if spec else ""})
    way = form["way"].value()
    context = {"project": project, "form": form, "way": way if way in ImportForm.WAYS else "openapi_url"}
    page, partial = "projects/import.html", "projects/import_form.html"
    return render_page(request, page, partial, context, status=422 if form.errors else 200)


def _done(report: ImportReport) -> str:
    title = report.spec.title
    if report.created:
        text = ngettext(
            "%(title)s is imported: %(count)d endpoint.",
            "%(title)s is imported: %(count)d endpoints.",
            report.endpoint_count,
        )
        return text % {"title": title, "count": report.endpoint_count}
    if not (report.added or report.changed or report.removed):
        return _("%(title)s is up to date: nothing changed.") % {"title": title}
    return _("%(title)s is up to date: %(added)d endpoints are new, %(changed)d changed, %(removed)d are gone.") % {
        "title": title,
        "added": len(report.added),
        "changed": len(report.changed),
        "removed": len(report.removed),
    }


@require_safe
def spec(request: HttpRequest, pk: int) -> HttpResponse:
    """An API document: how much of it can run, what needs a look, its endpoints; HTMX gets the endpoints alone."""
    user = require_user(request)
    found = catalogue.get_spec(user, pk)
    endpoints = found.endpoints.all()
    specs = OpenApiSpec.objects.filter(pk=pk).defer("document")
    context: dict[str, Any] = {"project": found.project, **_endpoint_context(request, endpoints, specs)}
    if not request.htmx:  # type: ignore[attr-defined]
        ready = catalogue.count_ready(endpoints)
        context |= {
            "spec": found,
            "ready": ready,
            "not_ready": context["total"] - ready,
            "has_address": is_absolute(found.base_url),
            "warnings": warnings_of(found),
            "may_edit": can_edit(user, found.project),
            "form": BaseUrlForm(instance=found),
        }
    return render_page(request, "projects/spec.html", "projects/endpoints.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_spec(request: HttpRequest, pk: int) -> HttpResponse:
    """The base URL of a document."""
    user = require_user(request)
    found = catalogue.get_spec(user, pk)
    get_editable_project(user, found.project_id)
    form = BaseUrlForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        OpenApiSpec.objects.filter(pk=pk).update(base_url=form.cleaned_data["base_url"])
        messages.success(request, _("Requests now go to %(url)s.") % {"url": form.cleaned_data["base_url"]})
        return redirect("projects:spec", pk)
    context = {"form": form, "spec": found, "project": found.project}
    return render(request, "projects/spec_edit.html", context, status=422 if form.errors else 200)


@require_POST
def delete_spec(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a document and its endpoints after the dialog asked."""
    user = require_user(request)
    found = catalogue.get_spec(user, pk)
    get_editable_project(user, found.project_id)
    title, project_id = found.title, found.project_id
    found.delete()
    messages.success(request, _("API document “%(title)s” is deleted.") % {"title": title})
    return redirect("projects:detail", project_id)
