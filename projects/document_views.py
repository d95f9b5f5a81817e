"""Pages of one API document: what it holds, what was found, where requests go; and of one endpoint."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from metricvault.lib.htmx import render_page
from projects import catalogue, endpoint_table, importing, project_keeping, validation
from projects.access import can_edit, get_editable_project, require_user
from projects.forms import BaseUrlForm
from projects.models import OpenApiSpec
from projects.openapi.readiness import is_absolute
from projects.spec_import import warnings_of


@require_safe
def spec(request: HttpRequest, pk: int) -> HttpResponse:
    """An API document: how much of it can run, what needs a look, its endpoints; HTMX gets the endpoints alone."""
    user = require_user(request)
    found = catalogue.get_spec(user, pk)
    specs = OpenApiSpec.objects.filter(pk=pk).defer("document")
    context = {"project": found.project, **endpoint_table.context(request, found.endpoints.all(), specs)}
    if not request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        touched = found.project.plans.filter(
            scenarios__steps__endpoint__openapi_spec=found, scenarios__steps__endpoint__removed_at__isnull=False
        )
        context |= {
            "spec": found,
            "has_address": is_absolute(found.base_url),
            "schemes": [(one, endpoint_table.kind_in_words(one)) for one in found.security_schemes],
            "may_edit": can_edit(user, found.project),
            "form": BaseUrlForm(instance=found),
            "servers": _servers(found),
            "touched": touched.only("title", "project_id").distinct(),
            "imports": found.imports.filter(state__in=importing.UNFINISHED).defer("payload", "changes"),
            **_findings(found),
        }
    return render_page(request, "projects/spec.html", "projects/endpoints.html", context)


def _servers(found: OpenApiSpec) -> list[dict[str, Any]]:
    """The servers of the document; only an address with a host can be chosen as it is."""
    return [
        {**server, "usable": is_absolute(server["url"]), "chosen": server["url"] == found.base_url}
        for server in found.servers
    ]


def _findings(found: OpenApiSpec) -> dict[str, Any]:
    checked = validation.shown(found)
    warnings = warnings_of(found)
    return {
        "spec": found,
        "warnings": warnings,
        "validation": checked,
        "finding_count": len(warnings) + checked["count"],
        "goes_on": checked["state"] in ("waiting", "running"),
    }


@require_safe
def findings(request: HttpRequest, pk: int) -> HttpResponse:
    """What was found in a document; HTMX asks again until the validation has ended."""
    found = catalogue.get_spec(require_user(request), pk)
    return render(request, "projects/findings.html", _findings(found))


@require_safe
def endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """One endpoint in full: parameters, bodies, security; HTMX gets it for the drawer."""
    row = catalogue.get_endpoint(require_user(request), pk)
    context = {"project": row.openapi_spec.project, "spec": row.openapi_spec, **endpoint_table.in_full(row)}
    return render_page(request, "projects/endpoint.html", "projects/endpoint_drawer.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_spec(request: HttpRequest, pk: int) -> HttpResponse:
    """The base URL of a document."""
    user = require_user(request)
    found = catalogue.get_spec(user, pk)
    get_editable_project(user, found.project_id)
    form = BaseUrlForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        project_keeping.keep_base_url(found, form.cleaned_data["base_url"])
        messages.success(request, _("Requests now go to %(url)s.") % {"url": form.cleaned_data["base_url"]})
        return redirect("projects:spec", pk)
    context = {"form": form, "spec": found, "project": found.project, "servers": _servers(found)}
    return render(request, "projects/spec_edit.html", context, status=422 if form.errors else 200)


@require_POST
def delete_spec(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a document and its endpoints after the dialog asked."""
    user = require_user(request)
    found = catalogue.get_spec(user, pk)
    get_editable_project(user, found.project_id)
    title, project_id = found.title, found.project_id
    project_keeping.delete_spec(found)
    messages.success(request, _("API document “%(title)s” is deleted.") % {"title": title})
    return redirect("projects:detail", project_id)
