"""Pages of data files: those of a project with the form for another one, and one file with its first rows."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from metricvault.lib.errors import ProductError
from metricvault.lib.htmx import render_page
from projects import data_files
from projects.access import can_edit, get_editable_project, get_project, require_user
from projects.csv_reading import ENCODINGS
from projects.models import DataFile


@require_http_methods(["GET", "HEAD", "POST"])
def files(request: HttpRequest, pk: int) -> HttpResponse:
    """The data files of a project; a POST uploads one, in the place of one of that name. HTMX gets the form alone."""
    user = require_user(request)
    project = get_project(user, pk)
    problems: dict[str, str] = {}
    if request.method == "POST":
        project = get_editable_project(user, pk)
        sent = request.FILES.get("file")
        name = request.POST.get("name", "").strip() or (data_files.name_for(sent.name or "") if sent else "")
        try:
            kept = data_files.upload(project, user, name, sent, request.POST.get("encoding", ""))
        except ProductError as error:
            problems = {detail.field: detail.message for detail in error.details} or {"file": error.message}
            if sent is None and not name:  # the one thing that is missing
                problems = {"file": _("Choose a CSV file.")}
        else:
            messages.success(request, _("Data file “%(name)s” is there: look at its first rows.") % {"name": kept.name})
            address = reverse("projects:data-file", args=[kept.pk])
            return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]
    context = {
        "project": project,
        "files": data_files.current(project).defer("packed"),
        "may_edit": can_edit(user, project),
        "problems": problems,
        "name": request.POST.get("name", request.GET.get("name", ""))[:60],
        "encoding": request.POST.get("encoding", ""),
        "encodings": _encodings(),
    }
    page, partial = "projects/data_files.html", "projects/data_file_form.html"
    return render_page(request, page, partial, context, status=422 if problems else 200)


def _encodings() -> list[tuple[str, str]]:
    words = {
        "utf-8": "UTF-8",
        "cp949": _("CP949 / EUC-KR (Korean)"),
        "utf-16": "UTF-16",
        "cp1252": _("Windows-1252 (Western)"),
        "shift_jis": _("Shift JIS (Japanese)"),
        "gb18030": _("GB 18030 (Chinese)"),
    }
    return [("", _("find out: UTF-8, UTF-16 or CP949")), *((name, words[name]) for name in ENCODINGS)]


@require_safe
def data_file(request: HttpRequest, pk: int) -> HttpResponse:
    """One file: its columns as they are used, its first rows, the plans that use it."""
    user = require_user(request)
    found = data_files.get_file(user, pk)
    context = {
        "file": found,
        "project": found.project,
        "rows": data_files.first_rows(found),
        "holes": ["{{" + f"{found.name}.{column}" + "}}" for column in found.columns],
        "plans": data_files.plans_using(found),
        "may_edit": can_edit(user, found.project),
    }
    return render(request, "projects/data_file.html", context)


@require_POST
def delete_data_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes after the dialog asked; a sentence instead while a plan uses it."""
    user = require_user(request)
    found: DataFile = data_files.get_file(user, pk)
    project = get_editable_project(user, found.project_id)
    data_files.delete(found)
    messages.success(request, _("Data file “%(name)s” is deleted.") % {"name": found.name})
    return redirect("projects:data-files", project.pk)
