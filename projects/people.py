"""Who belongs to a project: its owner, members who build and run, readers who look."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from metricvault.lib.errors import Conflict, Detail, Missing, Refused
from projects import audit
from projects.models import Membership, Project


def invite(project: Project, username: str, role: str) -> Membership:
    """Makes the person with that user name a member or reader; `Refused` where that cannot be."""
    name = username.strip()
    person = User.objects.filter(username=name, is_active=True).first()
    problem = ""
    if not name:
        problem = _("Write the user name of the person.")
    elif person is None:
        problem = _("There is no person “%(name)s”. User names are made by an administrator.") % {"name": name}
    elif person.pk == project.owner_id:
        problem = _("%(name)s owns this project already.") % {"name": name}
    elif project.memberships.filter(user=person).exists():
        problem = _("%(name)s belongs to this project already; change the role below.") % {"name": name}
    if problem or person is None:
        raise Refused(problem, [Detail("username", problem)])
    made = Membership.objects.create(project=project, user=person, role=_role(role))
    audit.record(audit.Action.CREATED, made, after=_told(made))
    return made


def change_role(project: Project, person: int, role: str) -> Membership:
    """Another role for somebody who belongs to the project."""
    membership = _membership(project, person)
    before = _told(membership)
    membership.role = _role(role)
    membership.save(update_fields=["role"])
    audit.record_change(membership, before, _told(membership))
    return membership


def remove(project: Project, person: int) -> Membership:
    """Ends a membership; what the person made stays."""
    membership = _membership(project, person)
    audit.record(audit.Action.DELETED, membership, before=_told(membership))
    membership.delete()
    return membership


def hand_over(project: Project, person: int) -> None:
    """Makes a member the owner; who owned the project before becomes a member."""
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=project.pk)
        membership = _membership(locked, person)
        before, now = locked.owner, membership.user
        if not now.is_active:
            raise Conflict(_("This person cannot log in, so the project would have no owner."))
        membership.delete()
        locked.owner = now
        locked.save(update_fields=["owner"])
        if before is not None:
            Membership.objects.create(project=locked, user=before, role=Membership.Role.MEMBER)
        audit.record_change(locked, {"owner": str(before or "-")}, {"owner": str(now)})


def _told(membership: Membership) -> dict[str, str]:
    """For the audit."""
    return {"person": membership.user.get_username(), "role": membership.role}


def _membership(project: Project, person: int) -> Membership:
    found = project.memberships.select_related("user").filter(user=person).first()
    if found is None:
        raise Missing(_("This person does not belong to the project."))
    return found


def _role(text: str) -> Membership.Role:
    if text not in Membership.Role.values:
        problem = _("Choose member or reader.")
        raise Refused(problem, [Detail("role", problem)])
    return Membership.Role(text)
