"""What a page of a run takes: labels, release, notes, pin and baseline. Each answers HTMX with the part it changed."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from history import baselines, labelling
from history.access import get_editable_run
from history.models import TestHistory
from metricvault.lib.errors import ProductError, Refused
from projects.access import require_user


@require_POST
def add_labels(request: HttpRequest, pk: int) -> HttpResponse:
    """`labels`: one or several, commas between."""
    _user, run = _asked(request, pk)
    try:
        labelling.add_labels(run, request.POST.get("labels", "").split(","))
    except Refused as refusal:
        return _marks(request, run, {"label_problem": refusal.message, "typed": request.POST.get("labels", "")})
    return _marks(request, run, {"focus": "labels"})


@require_POST
def remove_label(request: HttpRequest, pk: int) -> HttpResponse:
    """`label`: its text."""
    _user, run = _asked(request, pk)
    labelling.remove_label(run, request.POST.get("label", ""))
    return _marks(request, run, {"focus": "labels"})


@require_POST
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """`release`: its text; empty for none."""
    _user, run = _asked(request, pk)
    try:
        labelling.set_release(run, request.POST.get("release", ""))
    except Refused as refusal:
        return _marks(request, run, {"release_problem": refusal.message})
    return _marks(request, run, {"focus": "release"})


@require_POST
def pin(request: HttpRequest, pk: int) -> HttpResponse:
    """`pinned`: "1" pins, anything else unpins."""
    _user, run = _asked(request, pk)
    pinned = request.POST.get("pinned") == "1"
    labelling.pin(run, pinned)
    said = _("The run is pinned: it stands first in the list and stays, whatever the retention.")
    messages.success(request, said if pinned else _("The run is no longer pinned."))
    return _back(request, run)


@require_POST
def baseline(request: HttpRequest, pk: int) -> HttpResponse:
    """`baseline`: "1" makes it the baseline, anything else takes that away."""
    user, run = _asked(request, pk)
    try:
        if request.POST.get("baseline") == "1":
            baselines.set_baseline(run, user)
            messages.success(request, _("This run is the baseline now: later runs are held against it."))
        else:
            baselines.clear_baseline(run, user)
            messages.success(request, _("This run is no longer the baseline."))
    except ProductError as problem:
        messages.error(request, problem.message)
    return _back(request, run)


@require_POST
def add_note(request: HttpRequest, pk: int) -> HttpResponse:
    """`text` of a new note."""
    user, run = _asked(request, pk)
    try:
        labelling.add_note(run, user, request.POST.get("text", ""))
    except Refused as refusal:
        return _notes(request, run, {"problem": refusal.message, "typed": request.POST.get("text", "")})
    return _notes(request, run, {})


@require_POST
def change_note(request: HttpRequest, pk: int, note_pk: int) -> HttpResponse:
    """Another `text` for a note of one's own."""
    user, run = _asked(request, pk)
    note = labelling.get_note(run, note_pk)
    try:
        labelling.change_note(note, user, request.POST.get("text", ""))
    except Refused as refusal:
        return _notes(request, run, {"wrong_note": note.pk, "wrong": refusal.message})
    return _notes(request, run, {})


@require_POST
def delete_note(request: HttpRequest, pk: int, note_pk: int) -> HttpResponse:
    """Takes a note of one's own away."""
    user, run = _asked(request, pk)
    labelling.delete_note(labelling.get_note(run, note_pk), user)
    return _notes(request, run, {})


def _asked(request: HttpRequest, pk: int) -> tuple[User, TestHistory]:
    user = require_user(request)
    return user, get_editable_run(user, pk)


def _marks(request: HttpRequest, run: TestHistory, more: dict[str, Any]) -> HttpResponse:
    return _part(request, run, "history/run/marks.html", more)


def _notes(request: HttpRequest, run: TestHistory, more: dict[str, Any]) -> HttpResponse:
    return _part(request, run, "history/run/note_list.html", more)


def _part(request: HttpRequest, run: TestHistory, template: str, more: dict[str, Any]) -> HttpResponse:
    """The part for HTMX; without it back to the page, with what is wrong as a message."""
    problem = next(
        (more[name] for name in ("label_problem", "release_problem", "problem", "wrong") if name in more), ""
    )
    if request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        context = {"run": run, "may_edit": True, **more}
        return render(request, template, context, status=422 if problem else 200)
    if problem:
        messages.error(request, problem)
    return redirect("history:run", run.pk)


def _back(request: HttpRequest, run: TestHistory) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRefresh()
    return redirect("history:run", run.pk)
