"""What people and programs did, and what they were refused: written once, with who, from where, before and after.

Whoever changes something calls `record` in the function that changes it, so that page, API and administration are
written down alike. Who it was comes from the request that is being answered (`answering`, set by a middleware).
"""

import ipaddress
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError, models, transaction
from django.http import HttpRequest
from django.utils import timezone

from projects.models import AuditEntry, Project

logger = logging.getLogger(__name__)
Action, Way = AuditEntry.Action, AuditEntry.Way
_answered: ContextVar[HttpRequest | None] = ContextVar("answered", default=None)


@contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    """What is recorded inside was done by whoever is behind `request`."""
    before = _answered.set(request)
    try:
        yield
    finally:
        _answered.reset(before)


def record(
    action: AuditEntry.Action,
    thing: models.Model | None = None,
    *,
    project: Project | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    detail: str = "",
    actor: User | None = None,
    actor_name: str = "",
) -> None:
    """Writes an entry down. `thing`: what it is about; `project`: else `thing`'s own. `before` and `after`: JSON
    values by field, never a secret. `actor`: else the request's person. Never raises: what was done stays done."""
    request = _answered.get()
    actor = actor or _person(request)
    project = project or _project_of(thing)
    entry = AuditEntry(
        at=timezone.now(),
        action=action,
        way=_way(request),
        actor=actor,
        actor_name=(actor_name or (actor.get_username() if actor else ""))[:150],
        token_name=getattr(request, "api_token_name", ""),
        address=address_of(request) if request else None,
        request_id=getattr(request, "request_id", ""),
        kind=thing._meta.model_name or "" if thing else "",
        object_id=str(thing.pk) if thing and thing.pk is not None else "",
        object_name=str(thing)[:300] if thing else "",
        project=project if project and project.pk else None,
        project_title=project.title[:200] if project else "",
        before=dict(before) if before is not None else None,
        after=dict(after) if after is not None else None,
        detail=detail[:1000],
    )
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except DatabaseError:
        logger.exception("an audit entry was not kept: %s %s %s", action, entry.kind, entry.object_id)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of two states is not the same, before and after."""
    fields = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in fields}, {name: after.get(name) for name in fields}


def address_of(request: HttpRequest) -> str | None:
    """Where a request came from; None where that is no address. Behind a proxy that the server trusts, uvicorn has put
    the client's address there (`--forwarded-allow-ips`)."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def _person(request: HttpRequest | None) -> User | None:
    user = getattr(request, "user", None)
    return user if isinstance(user, User) and user.is_authenticated else None


def _way(request: HttpRequest | None) -> AuditEntry.Way:
    if request is None:
        return Way.PRODUCT
    match = request.resolver_match
    if match is not None and "admin" in match.namespaces:
        return Way.ADMIN
    return Way.API if match is not None and any(name.startswith("api-") for name in match.namespaces) else Way.PAGE


def _project_of(thing: models.Model | None) -> Project | None:
    if isinstance(thing, Project):
        return thing
    found = getattr(thing, "project", None)
    return found if isinstance(found, Project) else None
