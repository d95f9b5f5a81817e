"""Pages of environments: those of a project, the form of one, and the pieces of it that HTMX asks for."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from metricvault.lib.errors import Missing, ProductError
from metricvault.lib.htmx import render_page
from projects import environment_form, environment_keeping
from projects.access import can_edit, get_editable_project, get_project, require_user
from projects.environment_form import EnvironmentForm, Row
from projects.environments import get_environment, sealed_names
from projects.models import Environment, Project

PAGE, FORM = "projects/environment.html", "projects/environment_form.html"


@require_safe
def environments(request: HttpRequest, pk: int) -> HttpResponse:
    """The environments of a project."""
    user = require_user(request)
    project = get_project(user, pk)
    rows = project.environments.annotate(plan_count=Count("plans")).order_by("name", "id")
    context = {"project": project, "environments": rows, "may_edit": can_edit(user, project)}
    return render(request, "projects/environments.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_environment(request: HttpRequest, pk: int) -> HttpResponse:
    """A new environment of a project."""
    project = get_editable_project(require_user(request), pk)
    return _edit(request, project, Environment(project=project))


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def environment(request: HttpRequest, pk: int) -> HttpResponse:
    """One environment: its form, or for a reader what it says. Secrets are never shown."""
    user = require_user(request)
    found = get_environment(user, pk)
    if request.method == "POST" or can_edit(user, found.project):
        return _edit(request, get_editable_project(user, found.project_id), found)
    form = environment_form.shown(found)
    context = {"project": found.project, "environment": found, "form": form, "set": sealed_names(found) or ()}
    return render(request, "projects/environment_seen.html", context)


def _edit(request: HttpRequest, project: Project, row: Environment) -> HttpResponse:
    if request.method == "POST":
        form = environment_form.sent(row, request.POST)
        asked = form.read()
        if asked is not None:
            try:
                kept = environment_keeping.keep(row, asked)
            except ProductError as error:
                form.refuse(error.details)
            else:
                messages.success(request, _("Environment “%(name)s” is saved.") % {"name": kept.name})
                address = reverse("projects:environments", args=[project.pk])
                return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]
        row = get_environment(require_user(request), row.pk) if row.pk else Environment(project=project)
    else:
        form = environment_form.shown(row)
    return _show(request, row, form)


def _show(request: HttpRequest, row: Environment, form: EnvironmentForm) -> HttpResponse:
    context = {
        "project": row.project,
        "environment": row,
        "form": form,
        "base_urls": row.project.openapi_specs.exclude(base_url="").values_list("base_url", flat=True),
    }
    return render_page(request, PAGE, FORM, context, status=422 if request.method == "POST" else 200)


@require_safe
def environment_row(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """An empty row more of a form: a header or a variable."""
    get_editable_project(require_user(request), pk)
    if kind not in ("header", "variable"):
        raise Missing(_("There is nothing at this address."))
    row = Row(environment_form.new_key(), {})
    return render(request, "projects/environment_row.html", {"row": row, "kind": kind, "fresh": True})


@sensitive_post_parameters()
@require_POST
def environment_login(request: HttpRequest, pk: int) -> HttpResponse:
    """The fields of one login, after another way was chosen for it in the form, which HTMX sends whole."""
    project = get_editable_project(require_user(request), pk)
    key = request.POST.get("environment", "")
    found = project.environments.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
    form = environment_form.sent(found or Environment(project=project), request.POST)
    changed = (request.htmx.trigger_name or "").split(".")  # type: ignore[attr-defined]
    rows = [row for row in form.logins if changed == ["login", row.key, "way"]]
    if not rows:
        raise Missing(_("There is nothing at this address."))
    rows[0].again = frozenset()
    context: dict[str, Any] = {"row": rows[0], "project": project, "environment": found}
    return render(request, "projects/environment_login.html", context)


@require_POST
def delete_environment(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes after the dialog asked; a sentence instead while a plan uses it."""
    user = require_user(request)
    found = get_environment(user, pk)
    project = get_editable_project(user, found.project_id)
    environment_keeping.delete(found)
    messages.success(request, _("Environment “%(name)s” is deleted.") % {"name": found.name})
    return redirect("projects:environments", project.pk)


@require_POST
def duplicate_environment(request: HttpRequest, pk: int) -> HttpResponse:
    """The same once more, secrets included; to its form."""
    user = require_user(request)
    found = get_environment(user, pk)
    get_editable_project(user, found.project_id)
    copy = environment_keeping.duplicate(found)
    messages.success(request, _("Environment “%(name)s” is made.") % {"name": copy.name})
    return redirect("projects:environment", copy.pk)
