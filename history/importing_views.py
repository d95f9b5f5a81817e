"""Page: a result from elsewhere becomes a run."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from history import importing
from metricvault.lib.errors import Malformed, Refused, TooLarge
from projects.access import editable_projects, get_editable_project, require_user, visible_projects
from projects.models import Project


@require_http_methods(["GET", "HEAD", "POST"])
def import_run(request: HttpRequest) -> HttpResponse:
    """`/runs/import/?project=`: a file with a result, an export of ours or a summary of k6."""
    user = require_user(request)
    asked = request.POST if request.method == "POST" else request.GET
    may = editable_projects(user)
    projects = [one for one in visible_projects(user).order_by("title", "pk") if one.pk in may]
    project = _chosen(request, asked.get("project", ""), projects)
    named = {name: asked.get(name, "") for name in ("title", "release", "labels", "tested_at")}
    context: dict[str, Any] = {"projects": projects, "project": project, **named}
    if request.method != "POST" or project is None:
        return render(request, "history/import.html", context)
    try:
        run = importing.take(importing.read(_source(request)), project, user, importing.wishes(**named))
    except (Malformed, Refused, TooLarge) as refusal:
        context["problems"] = [(one.field, one.message) for one in refusal.details] or [("", refusal.message)]
        return render(request, "history/import.html", context, status=refusal.status)
    messages.success(request, _("“%(title)s” is imported.") % {"title": run.title})
    return redirect("history:run", run.pk)


def _chosen(request: HttpRequest, key: str, projects: list[Project]) -> Project | None:
    if key.isdecimal() and len(key) < 19:
        return get_editable_project(require_user(request), int(key))
    return projects[0] if len(projects) == 1 else None


def _source(request: HttpRequest) -> bytes:
    """As many bytes of the file as are looked at, and one more."""
    upload = request.FILES.get("file")
    return upload.read(importing.MAX_BYTES + 1) if upload else b""
