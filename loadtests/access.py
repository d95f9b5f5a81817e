"""Which plans a person may see and change: those of the projects they may see and change."""

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from loadtests.models import Plan
from metricvault.lib.errors import Missing, NotAllowed
from projects.access import Person, can_edit, project_scope, require_user, sees_everything


def visible_plans(user: Person) -> QuerySet[Plan]:
    """The plans `user` may see."""
    return Plan.objects.filter(project_scope(user, "project__"))


def get_plan(user: Person, pk: int) -> Plan:
    """The plan with its project, or `Missing`: a stranger learns nothing of it."""
    plan = visible_plans(user).select_related("project").filter(pk=pk).first()
    if plan is None:
        raise Missing(_("There is no plan %(id)s.") % {"id": pk})
    return plan


def get_editable_plan(user: Person, pk: int) -> Plan:
    """The plan if `user` may change and run it; `NotAllowed` for a reader, `Missing` for a stranger."""
    plan = get_plan(user, pk)
    if not can_edit(user, plan.project):
        raise NotAllowed(_("You may look at this plan, but not change or run it. Ask the owner of its project."))
    return plan


def is_administrator(user: Person) -> bool:
    """Whether `user` says what may be loaded."""
    return isinstance(user, User) and user.is_superuser and sees_everything(user)


def require_administrator(request: HttpRequest) -> User:
    """The administrator behind the request; `NotAllowed` for everybody else."""
    user = require_user(request)
    if not is_administrator(user):
        raise NotAllowed(_("Only an administrator may do that."))
    return user
