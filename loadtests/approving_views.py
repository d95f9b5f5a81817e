"""Which hosts a project may load, and how much: its page, where a member asks for more; the administrators' page."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loadtests import approving
from loadtests.access import is_administrator, require_administrator
from loadtests.fields import duration_text
from loadtests.guard import limits_of
from loadtests.models import LoadLimits, TargetRequest
from loadtests.runners import KUBERNETES
from metricvault.lib.errors import Conflict, Missing, Refused, TooMany
from metricvault.lib.targets import EVERYTHING, INHERITED
from projects.access import can_edit, get_editable_project, get_project, require_user
from projects.models import Project

PAGE_SIZE = 50
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """A host that may be loaded. `own`: by the project's own list."""

    text: str
    own: bool


@dataclass(frozen=True, slots=True)
class Cap:
    """The most of something. `own`: set for this project; `together`: what all runs of everybody may ask for."""

    what: str
    most: str
    own: bool = False
    together: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def targets(request: HttpRequest, pk: int) -> HttpResponse:
    """What may be loaded; POST asks for a host (`rule`, `reason`). `?host=` fills the form in."""
    user = require_user(request)
    if request.method != "POST":
        return _page(request, get_project(user, pk))
    project = get_editable_project(user, pk)
    try:
        row = approving.ask(project, user, request.POST.get("rule", ""), request.POST.get("reason", ""))
    except Refused as refusal:
        return _page(request, project, {one.field: one.message for one in refusal.details})
    except TooMany as refusal:
        return _page(request, project, {"rule": refusal.message})
    messages.success(request, _("An administrator is asked for %(host)s.") % {"host": row.rule})
    return redirect("targets", pk)


def _page(request: HttpRequest, project: Project, problems: dict[str, str] | None = None) -> HttpResponse:
    own = LoadLimits.objects.filter(project=project).first() or LoadLimits()
    limits = limits_of(project)
    may_edit = can_edit(request.user, project)
    asked = request.POST if request.method == "POST" else {"rule": request.GET.get("host", "")[:300]}
    rows = (
        project.target_requests.select_related("asked_by", "decided_by") if may_edit else project.target_requests.none()
    )
    context: dict[str, Any] = {
        "project": project,
        "rules": _rules(own),
        "everything": EVERYTHING in limits.allowed_targets,
        "caps": _caps(own, project),
        "requests": rows[:_SHOWN],
        "may_edit": may_edit,
        "may_decide": is_administrator(request.user),
        "limits_pk": own.pk,
        "asked": asked,
        "problems": problems or {},
    }
    return render(request, "loadtests/targets.html", context, status=422 if problems else 200)


def _rules(own: LoadLimits) -> list[Rule]:
    listed = [one for one in own.allowed_targets if isinstance(one, str)]
    for_all = [Rule(one, own=False) for one in settings.METRICVAULT_ALLOWED_TARGETS]
    if not listed:
        return for_all
    found = [rule for one in listed for rule in (for_all if one == INHERITED else [Rule(one, own=True)])]
    return list({rule.text: rule for rule in found}.values())


def _caps(own: LoadLimits, project: Project) -> list[Cap]:
    limits = limits_of(project)
    caps = [
        Cap(
            _("Users at once"),
            f"{limits.max_vus:,}",
            own.max_vus is not None,
            f"{settings.METRICVAULT_MAX_TOTAL_VUS:,}",
        ),
        Cap(
            _("Iterations per second"),
            f"{limits.max_rate:,}",
            own.max_rate is not None,
            f"{settings.METRICVAULT_MAX_TOTAL_RATE:,}",
        ),
        Cap(_("Length of a run"), duration_text(limits.max_duration), own.max_duration is not None),
        Cap(
            _("Runs at the same time"),
            f"{limits.max_runs:,}",
            own.max_runs is not None,
            f"{settings.METRICVAULT_MAX_RUNS:,}",
        ),
    ]
    if settings.METRICVAULT_RUNNER == KUBERNETES:
        caps.append(Cap(_("Load generators of a run"), f"{limits.max_generators:,}"))
    return caps


@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """`/targets/requests?page=`: for administrators, those that wait first."""
    require_administrator(request)
    waiting = _all().filter(state=TargetRequest.State.WAITING).order_by("asked_at", "pk")
    decided = _all().exclude(state=TargetRequest.State.WAITING).order_by("-decided_at", "-pk")
    page = Paginator(decided, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "loadtests/target_requests.html", {"waiting": waiting, "page": page, "may_decide": True})


def _all() -> QuerySet[TargetRequest]:
    return TargetRequest.objects.select_related("project", "asked_by", "decided_by")


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """`answer`: what the person who asked is told besides; `back`: "project" for its page."""
    user, row = require_administrator(request), _request(pk)
    try:
        approving.approve(row, user, request.POST.get("answer", ""), timezone.now())
        text = _("%(project)s may load %(host)s now.")
        messages.success(request, text % {"project": row.project.title, "host": row.rule})
    except Conflict as conflict:
        messages.error(request, conflict.message)
    return _back(request, row)


@require_POST
def deny(request: HttpRequest, pk: int) -> HttpResponse:
    """`answer`: why not; `back` as in `approve`."""
    user, row = require_administrator(request), _request(pk)
    try:
        approving.deny(row, user, request.POST.get("answer", ""), timezone.now())
        messages.success(request, _("The request for %(host)s is denied.") % {"host": row.rule})
    except (Conflict, Refused) as refusal:
        messages.error(request, refusal.message)
    return _back(request, row)


def _request(pk: int) -> TargetRequest:
    row = _all().filter(pk=pk).first()
    if row is None:
        raise Missing(_("There is no request %(id)s.") % {"id": pk})
    return row


def _back(request: HttpRequest, row: TargetRequest) -> HttpResponse:
    if request.POST.get("back") == "project":
        return redirect("targets", row.project_id)
    return redirect("target-requests")
