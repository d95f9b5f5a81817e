"""Pages of plans as things one keeps: files out and in, copies, the archive, runs once more."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from history.access import get_editable_run
from loadtests import again, editing, shelving
from loadtests.access import get_editable_plan, get_plan, visible_plans
from loadtests.keeping import keep
from loadtests.models import Plan
from loadtests.plan_file import MARK, VERSION, read_plan, write_plan
from loadtests.plan_yaml import MAX_BYTES
from metricvault.lib.errors import Conflict, ProductError, Refused, TooLarge, TooMany
from projects import audit
from projects.access import can_edit, get_editable_project, require_user, visible_projects
from projects.models import Project


@require_safe
def plan_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The plan as a YAML file; back to it where it cannot be written yet."""
    plan = get_plan(require_user(request), pk)
    try:
        return file_answer(plan)
    except Refused as refusal:
        messages.error(request, refusal.message)
        return redirect("loadtests:plan", pk)


def file_answer(plan: Plan) -> HttpResponse:
    """The YAML file of a plan. Raises Refused where something of it cannot be read as it was typed."""
    full = editing.full_plans().get(pk=plan.pk)
    text = write_plan(editing.plan_payload(full), full.project, full.environment)
    name = f"{slugify(full.title) or 'plan'}-{full.pk}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    audit.record(audit.Action.EXPORTED, full, detail="YAML")
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
def import_file(request: HttpRequest) -> HttpResponse:
    """A plan file, uploaded or pasted, into a project: `?project=&plan=`."""
    user = require_user(request)
    asked = request.POST if request.method == "POST" else request.GET
    projects = [one for one in visible_projects(user) if can_edit(user, one)]
    project = _chosen_project(request, asked.get("project", ""), projects)
    plans = _plans_of(request, project)
    context: dict[str, Any] = {"projects": projects, "project": project, "plans": plans, "text": asked.get("text", "")}
    context["example"] = f"{MARK}: {VERSION}"
    context["chosen"] = next((one for one in plans if str(one.pk) == asked.get("plan")), None)
    if request.method != "POST" or project is None:
        return render(request, "loadtests/import.html", context)
    try:
        plan = keep(read_plan(_source(request), project).load_test, project, user, context["chosen"])
    except (Refused, TooLarge) as refusal:
        context["problems"] = [detail.message for detail in refusal.details] or [refusal.message]
        return render(request, "loadtests/import.html", context, status=refusal.status)
    said = _("“%(title)s” is replaced.") if context["chosen"] else _("“%(title)s” is imported.")
    messages.success(request, said % {"title": plan.title})
    return redirect("loadtests:plan", plan.pk)


def _chosen_project(request: HttpRequest, key: str, projects: list[Project]) -> Project | None:
    if key.isdecimal() and len(key) < 19:
        return get_editable_project(require_user(request), int(key))
    return projects[0] if len(projects) == 1 else None


def _plans_of(request: HttpRequest, project: Project | None) -> QuerySet[Plan]:
    rows = visible_plans(require_user(request)).filter(project=project, archived_at=None)
    return rows.order_by("title", "pk")


def _source(request: HttpRequest) -> bytes | str:
    upload = request.FILES.get("file")
    return upload.read(MAX_BYTES + 1) if upload else request.POST.get("text", "")


@require_POST
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """A copy, opened."""
    user = require_user(request)
    copy = shelving.duplicate(get_editable_plan(user, pk), user)
    messages.success(request, _("This is the copy. Its title can be changed here."))
    return redirect("loadtests:plan", copy.pk)


@require_POST
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Into the archive, or back where it is in there."""
    plan = get_editable_plan(require_user(request), pk)
    if plan.archived_at is None:
        shelving.archive(plan, timezone.now())
        message = _("“%(title)s” is in the archive. The list shows it under “Archived”.")
        messages.success(request, message % {"title": plan.title})
        return redirect("loadtests:list")
    shelving.take_back(plan)
    messages.success(request, _("“%(title)s” is back from the archive.") % {"title": plan.title})
    return redirect("loadtests:plan", pk)


@require_POST
def run_again(request: HttpRequest, run_pk: int) -> HttpResponse:
    """What a run sent, once more; back to its result with the reason where that cannot be."""
    user = require_user(request)
    run = get_editable_run(user, run_pk)
    try:
        return redirect("history:run", again.run_again(run, user).pk)
    except (Conflict, Refused, TooMany) as refusal:
        return _back(request, run_pk, refusal)


@require_POST
def edit_again(request: HttpRequest, run_pk: int) -> HttpResponse:
    """The plan of a run in the builder; a new one, where it is gone or was changed since."""
    user = require_user(request)
    run = get_editable_run(user, run_pk)
    try:
        plan, is_new = again.edit_again(run, user)
    except (Conflict, Refused) as refusal:
        return _back(request, run_pk, refusal)
    if is_new:
        message = (
            _("Its plan was changed since. This is a new plan, made of what ran.")
            if run.plan_id
            else _("Its plan is gone. This is a new plan, made of what ran.")
        )
        messages.success(request, message)
    return redirect(reverse("loadtests:plan", args=[plan.pk]))


def _back(request: HttpRequest, run_pk: int, refusal: ProductError) -> HttpResponse:
    messages.error(request, refusal.message)
    return redirect("history:run", run_pk)
