"""The page of the people of a project. All who see the project see it; its owner changes it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from metricvault.lib.errors import Refused
from projects import people as belonging
from projects.access import get_owned_project, get_project, is_owner, require_user
from projects.models import Membership, Project


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, pk: int) -> HttpResponse:
    """Who belongs to the project; POST invites a person by user name."""
    user = require_user(request)
    if request.method != "POST":
        return _page(request, get_project(user, pk))
    project = get_owned_project(user, pk)
    try:
        added = belonging.invite(project, request.POST.get("username", ""), request.POST.get("role", ""))
    except Refused as refusal:
        return _page(request, project, {one.field: one.message for one in refusal.details})
    messages.success(request, _("%(name)s belongs to the project now.") % {"name": added.user.get_username()})
    return redirect("projects:people", pk)


def _page(request: HttpRequest, project: Project, problems: dict[str, str] | None = None) -> HttpResponse:
    context: dict[str, Any] = {
        "project": project,
        "memberships": project.memberships.select_related("user").order_by("role", "user__username"),
        "may_change": is_owner(request.user, project),
        "roles": Membership.Role.choices,
        "asked": request.POST,
        "problems": problems or {},
    }
    return render(request, "projects/people.html", context, status=422 if problems else 200)


@require_POST
def change(request: HttpRequest, pk: int, person: int) -> HttpResponse:
    """Another role."""
    project = get_owned_project(require_user(request), pk)
    belonging.change_role(project, person, request.POST.get("role", ""))
    return redirect("projects:people", pk)


@require_POST
def remove(request: HttpRequest, pk: int, person: int) -> HttpResponse:
    """Ends a membership after the dialog asked."""
    project = get_owned_project(require_user(request), pk)
    gone = belonging.remove(project, person)
    messages.success(request, _("%(name)s does not see this project any more.") % {"name": gone.user.get_username()})
    return redirect("projects:people", pk)


@require_POST
def hand_over(request: HttpRequest, pk: int, person: int) -> HttpResponse:
    """Makes a member the owner."""
    project = get_owned_project(require_user(request), pk)
    belonging.hand_over(project, person)
    messages.success(request, _("The project has a new owner."))
    return redirect("projects:people", pk)
