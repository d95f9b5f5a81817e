"""Who may see and change what. The first line of every view and API operation calls one of these."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from metricvault.lib.errors import Missing, NotAllowed
from projects.models import Membership, Project

Person = User | AnonymousUser | AbstractBaseUser


def local_user() -> User:
    """Who everybody is on a copy with open access, which only this machine reaches."""
    user, created = User.objects.get_or_create(username="local", defaults={"is_staff": True, "is_superuser": True})
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def require_user(request: HttpRequest) -> User:
    """The person behind the request; `NotAllowed` for a stranger (pages send them to the login before)."""
    user = request.user
    if not isinstance(user, User) or not user.is_authenticated or not user.is_active:
        raise NotAllowed(_("Log in first."))
    return user


def project_scope(user: Person, prefix: str = "") -> Q:
    """A filter for what belongs to projects that `user` may see; `prefix` leads to the project ("project__")."""
    if not isinstance(user, User):
        return Q(pk__in=[])
    only = _only_project(user)
    limit = Q() if only is None else Q(**{f"{prefix}pk": only})
    if user.is_superuser:
        return limit
    own = Q(**{f"{prefix}owner": user})
    shared = Q(**{f"{prefix}pk__in": Membership.objects.filter(user=user).values("project")})
    return (own | shared) & limit


def _only_project(user: User) -> int | None:
    """The one project that the API token behind the request is for (`projects.api_tokens`); None: no such limit."""
    return getattr(user, "only_project_id", None)


def sees_everything(user: Person) -> bool:
    """Whether nothing narrows what `user` sees: no token that is for one project."""
    return isinstance(user, User) and _only_project(user) is None


def visible_projects(user: Person) -> QuerySet[Project]:
    """The projects `user` may see."""
    return Project.objects.filter(project_scope(user))


def get_project(user: Person, pk: int) -> Project:
    """The project, or `Missing`: a stranger learns nothing of it."""
    project = visible_projects(user).filter(pk=pk).first()
    if project is None:
        raise Missing(_("There is no project %(id)s.") % {"id": pk})
    return project


def can_edit(user: Person, project: Project) -> bool:
    """Whether `user` may change the project and run tests in it (owner, member, administrator)."""
    if not isinstance(user, User):
        return False
    if _only_project(user) not in {None, project.pk}:
        return False
    if user.is_superuser or project.owner_id == user.pk:
        return True
    return Membership.objects.filter(project=project, user=user, role=Membership.Role.MEMBER).exists()


def editable_projects(user: Person) -> set[int]:
    """The keys of the projects that `user` may change."""
    if not isinstance(user, User):
        return set()
    member = Q(memberships__user=user, memberships__role=Membership.Role.MEMBER)
    wanted = Q() if user.is_superuser else Q(owner=user) | member
    return set(Project.objects.filter(wanted & project_scope(user)).values_list("pk", flat=True))


def get_editable_project(user: Person, pk: int) -> Project:
    """The project if `user` may change it; `NotAllowed` for a reader, `Missing` for a stranger."""
    project = get_project(user, pk)
    if not can_edit(user, project):
        raise NotAllowed(_("You may look at this project, but not change it. Ask its owner to make you a member."))
    return project


def is_owner(user: Person, project: Project) -> bool:
    """Whether `user` says who belongs to the project, and may delete it (its owner, administrators)."""
    if not can_edit(user, project):
        return False
    return isinstance(user, User) and (user.is_superuser or project.owner_id == user.pk)


def get_owned_project(user: Person, pk: int) -> Project:
    """The project if `user` owns it; `NotAllowed` for members and readers, `Missing` for a stranger."""
    project = get_project(user, pk)
    if not is_owner(user, project):
        raise NotAllowed(_("Only the owner of this project may do that, or an administrator."))
    return project
