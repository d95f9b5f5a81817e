"""Pages of imports: the form, the steps of one import while it goes on, what it would change."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from metricvault.lib.errors import Missing, ProductError
from metricvault.lib.htmx import render_page
from projects import importing, sources, spec_import
from projects.access import get_editable_project, require_user, visible_projects
from projects.forms import ImportForm
from projects.models import DocumentImport, OpenApiSpec, Project
from projects.sealing import origin_of, read_headers, unseal

RECENT = 5
MOST_SHOWN = 100
State = DocumentImport.State


@sensitive_post_parameters("headers", "openapi_url")
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest, pk: int) -> HttpResponse:
    """A document by address, file or text. `?spec=` fills in where it came from."""
    user = require_user(request)
    project = get_editable_project(user, pk)
    asked = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    if request.method == "POST" and asked.is_valid():
        try:
            row = _begin(project, user, asked.cleaned_data)
        except ProductError as error:
            field = error.details[0].field if error.details else "way"
            asked.add_error(field if field in asked.fields else asked.cleaned_data["way"], error.message)
        else:
            if row.state != State.FAILED:
                return _onward(request, row)
            asked.add_error(asked.cleaned_data["way"], row.message)
            row.delete()  # its message is on the form
    return _show_form(request, project, asked)


def _begin(project: Project, user: Any, data: dict[str, Any]) -> DocumentImport:
    url = data["openapi_url"] if data["way"] == "openapi_url" else ""
    payload = sources.given(
        url or None,
        data["document"] if data["way"] == "document" else None,
        data["file"] if data["way"] == "file" else None,
    )
    if payload is not None:
        return importing.begin(project, user, payload=payload)
    sources.check_address(url)
    secret = read_headers(data["headers"], url)
    if data["forget_headers"]:
        _forget_headers(project, url)
    return importing.begin(project, user, url=url, secret=secret)


def _forget_headers(project: Project, url: str) -> None:
    for spec in OpenApiSpec.objects.filter(project=project).exclude(sealed_headers="").defer("document"):
        kept = unseal(spec.sealed_headers)
        if kept is None or kept.origin == origin_of(url):
            OpenApiSpec.objects.filter(pk=spec.pk).update(sealed_headers="")


def _show_form(request: HttpRequest, project: Project, asked: ImportForm) -> HttpResponse:
    wanted = request.GET.get("spec", "")
    known = project.openapi_specs.defer("document").filter(pk=int(wanted)) if wanted.isdecimal() else None
    spec = known.first() if known is not None and len(wanted) < 19 else None
    if not asked.is_bound:
        asked = ImportForm(initial={"openapi_url": spec.source_url if spec else request.GET.get("url", "")[:2000]})
    way = asked["way"].value()
    url = str(asked["openapi_url"].value() or "")
    kept = spec_import.kept_headers(project, url) if url else None
    context = {
        "project": project,
        "spec": spec,
        "form": asked,
        "way": way if way in ImportForm.WAYS else "openapi_url",
        "kept_headers": ", ".join(name for name, _value in kept.pairs) if kept else "",
        "imports": project.imports.defer("payload", "changes").order_by("-pk")[:RECENT],
    }
    page, partial = "projects/import.html", "projects/import_form.html"
    return render_page(request, page, partial, context, status=422 if asked.errors else 200)


def _onward(request: HttpRequest, row: DocumentImport) -> HttpResponse:
    """To the document where all is done, else to the page that shows how far the import is."""
    if row.state == State.DONE and row.openapi_spec is not None:
        messages.success(request, _done(row))
        address = reverse("projects:spec", args=[row.openapi_spec_id])
    else:
        address = reverse("projects:import-steps", args=[row.pk])
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]


def _done(row: DocumentImport) -> str:
    spec, outcome = row.openapi_spec, row.changes or {}
    title = spec.title if spec else ""
    if outcome.get("created"):
        count = int(outcome["count"])
        text = ngettext(
            "%(title)s is imported: %(count)d endpoint.", "%(title)s is imported: %(count)d endpoints.", count
        )
        return text % {"title": title, "count": count}
    if not any(outcome.get(name) for name in ("added", "changed", "removed")):
        return _("%(title)s is up to date: nothing changed.") % {"title": title}
    return _("%(title)s is up to date: %(added)d endpoints are new, %(changed)d changed, %(removed)d are gone.") % {
        "title": title,
        "added": outcome["added"],
        "changed": outcome["changed"],
        "removed": outcome["removed"],
    }


def _editable(request: HttpRequest, pk: int) -> DocumentImport:
    user = require_user(request)
    visible = DocumentImport.objects.filter(project__in=visible_projects(user))
    row = visible.filter(pk=pk).select_related("project", "openapi_spec").first()
    if row is None:
        raise Missing(_("There is no import %(id)s.") % {"id": pk})
    get_editable_project(user, row.project_id)
    return row


@require_safe
def steps(request: HttpRequest, pk: int) -> HttpResponse:
    """How far an import is; HTMX asks again each second until it is over, and goes to the document then."""
    row = importing.look(_editable(request, pk))
    if row.state == State.DONE and request.htmx:  # type: ignore[attr-defined]
        return _onward(request, row)
    context = {"row": row, "project": row.project, "spec": row.openapi_spec, "open": row.state in importing.OPEN}
    if row.state == State.REVIEW:
        context |= _shown_changes(row)
    return render_page(request, "projects/import_steps.html", "projects/import_state.html", context)


def _shown_changes(row: DocumentImport) -> dict[str, Any]:
    changes = row.changes or {}
    names = {"title": _("Title"), "version": _("Version"), "base_url": _("Where requests go")}
    columns = {
        "summary": _("summary"), "description": _("description"), "operation_id": _("operation id"),
        "deprecated": _("deprecated"), "parameters": _("parameters"), "request_body": _("request body"),
        "base_url": _("server"), "servers": _("server"), "security": _("security"), "tags": _("tags"),
    }  # fmt: skip
    changed = [
        (method, path, ", ".join(dict.fromkeys(str(columns.get(one, one)) for one in what)))
        for method, path, what in changes.get("changed", [])
    ]
    groups = [
        ("added", _("New"), [(method, path, "") for method, path in changes.get("added", [])]),
        ("changed", _("Changed"), changed),
        ("removed", _("Gone"), [(method, path, "") for method, path in changes.get("removed", [])]),
    ]
    return {
        "groups": [
            (key, word, rows[:MOST_SHOWN], len(rows), max(0, len(rows) - MOST_SHOWN)) for key, word, rows in groups
        ],
        "about": [(names.get(what, what), before, after) for what, before, after in changes.get("about", [])],
        "plans": changes.get("plans", []),
    }


@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Applies what the person was shown."""
    return _onward(request, importing.confirm(_editable(request, pk)))


@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Leaves everything as it is."""
    row = _editable(request, pk)
    importing.discard(row)
    messages.success(request, _("The import is discarded. Nothing was changed."))
    if row.openapi_spec_id:
        return redirect("projects:spec", row.openapi_spec_id)
    return redirect("projects:import", row.project_id)
