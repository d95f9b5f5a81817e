"""What an open stream stands on: it ends within seconds once that is gone, as the page would.

A person is deactivated or leaves the project, a session ends or its password changes, an API token is revoked or runs
out, a run is deleted. All streams of a process are looked after together, with a handful of queries.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from history.models import TestHistory
from projects.models import ApiToken, Membership


@dataclass(frozen=True, slots=True)
class Right:
    """Why somebody may listen. `run`: to that one; None: to all that the person may see, which are then told apart
    message by message, but `everything` is for administrators. `session` and `token`: how they came in, "" and None
    where they did not need to; `password`: what Django's sessions say of it (`get_session_auth_hash`)."""

    user: int
    run: int | None = None
    everything: bool = False
    session: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: int | None = None


def right_of(request: HttpRequest, user: User, run: int | None = None, *, everything: bool = False) -> Right:
    """That of who is behind `request`."""
    token = getattr(request, "api_token_id", None)
    session = getattr(request, "session", None)
    key = session.session_key if session is not None and token is None and "_auth_user_id" in session else None
    password = user.get_session_auth_hash() if key else ""
    return Right(user.pk, run, everything, key or "", password, token)


def lost(rights: Collection[Right], now: datetime | None = None) -> set[Right]:
    """Those that no longer hold."""
    now = now or timezone.now()
    users = {user.pk: user for user in User.objects.filter(pk__in={right.user for right in rights}, is_active=True)}
    keys = {right.session for right in rights if right.session}
    sessions = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=now).values_list("session_key", flat=True)
    )
    valid = Q(expires_at=None) | Q(expires_at__gt=now)
    tokens = ApiToken.objects.filter(valid, revoked_at=None, pk__in={one.token for one in rights if one.token})
    projects = dict(tokens.values_list("pk", "project_id"))
    seen = _Seen(rights)

    def holds(right: Right) -> bool:
        user = users.get(right.user)
        if user is None or (right.everything and not user.is_superuser):
            return False
        if right.session and (right.session not in sessions or user.get_session_auth_hash() != right.password):
            return False
        if right.token is not None and right.token not in projects:
            return False
        only = projects.get(right.token) if right.token is not None else None
        return right.run is None or seen.by(user, right.run, only)

    return {right for right in rights if not holds(right)}


class _Seen:
    """Who may see which of the runs: `history.access.get_run` for many at once."""

    def __init__(self, rights: Collection[Right]) -> None:
        runs = TestHistory.objects.filter(deleted_at=None, pk__in={right.run for right in rights if right.run})
        self._runs = {
            pk: (project, owner) for pk, project, owner in runs.values_list("pk", "project", "project__owner")
        }
        members = Membership.objects.filter(
            project__in={project for project, _owner in self._runs.values()}, user__in={right.user for right in rights}
        )
        self._members = set(members.values_list("user", "project"))

    def by(self, user: User, run: int, only: int | None) -> bool:
        """`only`: the one project that an API token is for."""
        project, owner = self._runs.get(run, (None, None))
        if project is None or only not in {None, project}:
            return False
        return user.is_superuser or owner == user.pk or (user.pk, project) in self._members
