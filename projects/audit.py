"""What people and programs did, and what they were refused: written once, with who, from where, before and after.

Whoever changes something calls `record` in the function that changes it, so that page, API and administration are
written down alike. Who it was comes from the request that is being answered (`answering`, set by a middleware), or from
`acting`: a worker that carries out what a person asked for, a command. Else it was Metric Vault itself.
"""

import getpass
import ipaddress
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError, models, transaction
from django.http import HttpRequest
from django.utils import timezone

from metricvault.lib import commands
from projects import audit_values
from projects.models import AuditEntry, Project

logger = logging.getLogger(__name__)
Action, Way = AuditEntry.Action, AuditEntry.Way
_AT_ONCE = 500
_COUNT = "audit_count"
_PARENTS = ("test_history", "plan", "scenario", "openapi_spec", "step")  # what leads from a thing to its project


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who does something: by a page, a program, the administration, a command, or the product itself."""

    way: str = Way.PRODUCT
    actor_id: int | None = None
    actor_name: str = ""
    token_name: str = ""
    address: str | None = None
    request_id: str = ""


_answered: ContextVar[HttpRequest | None] = ContextVar("answered", default=None)
_acting: ContextVar[Who | None] = ContextVar("acting", default=None)


@contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    """What is recorded inside was done by whoever is behind `request`."""
    answered, acting = _answered.set(request), _acting.set(None)
    try:
        yield
    finally:
        _answered.reset(answered)
        _acting.reset(acting)


@contextmanager
def acting(who: Who) -> Iterator[None]:
    """What is recorded inside was done by `who`, whatever request is being answered."""
    before = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(before)


def by_product() -> Any:
    """What is recorded inside is done by Metric Vault itself, as `acting`."""
    return acting(Who())


def asked_by(user: User | None) -> Any:
    """What is recorded inside was asked for on a page by `user`, whose request may be over (a worker carries it out):
    as `acting`."""
    who = who_acts()
    return acting(Who(Way.PAGE, user.pk, user.get_username()) if user and who.way == Way.PRODUCT else who)


def who_acts() -> Who:
    """Who does what is being done at this moment."""
    instead, request = _acting.get(), _answered.get()
    if instead is not None or request is None:
        return instead or _without_request()
    user = getattr(request, "user", None)
    person = user if isinstance(user, User) and user.is_authenticated else None
    return Who(
        way=_way(request),
        actor_id=person.pk if person else None,
        actor_name=person.get_username() if person else "",
        token_name=getattr(request, "api_token_name", ""),
        address=address_of(request),
        request_id=getattr(request, "request_id", ""),
    )


def _without_request() -> Who:
    """A command, by whoever is logged in on the machine; else the product itself."""
    if not commands.begun:
        return Who()
    try:
        return Who(Way.COMMAND, actor_name=getpass.getuser())
    except (KeyError, OSError):  # a container's user without a name
        return Who(Way.COMMAND)


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
    """Writes an entry down. `thing`: what it is about; `project`: else `thing`'s own. `before` and `after`: values by
    field, never a secret. `actor`: else the request's person. Never raises: what was done stays done."""
    who = who_acts()
    if actor is not None:
        who = replace(who, actor_id=actor.pk, actor_name=actor.get_username())
    if actor_name:
        who = replace(who, actor_name=actor_name)
    _keep([_entry(who, action, thing, project, before, after, detail)])


def record_all(action: AuditEntry.Action, things: Iterable[models.Model], *, detail: str = "") -> None:
    """The same of several things, one entry each."""
    who = who_acts()
    _keep([_entry(who, action, thing, None, None, None, detail) for thing in things])


def record_change(
    thing: models.Model,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    project: Project | None = None,
    detail: str = "",
) -> None:
    """An entry with what of two states of `thing` is not the same; none where all is."""
    was, now = differences(before, after)
    if now or was:
        record(Action.CHANGED, thing, project=project, before=was, after=now, detail=detail)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of two states is not the same, before and after."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def _entry(
    who: Who,
    action: AuditEntry.Action,
    thing: models.Model | None,
    project: Project | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    detail: str,
) -> AuditEntry:
    project = project or _project_of(thing)
    return AuditEntry(
        at=timezone.now(),
        action=action,
        way=who.way,
        actor_id=who.actor_id,
        actor_name=audit_values.text(who.actor_name, 150),
        token_name=who.token_name[:100],
        address=who.address,
        request_id=who.request_id,
        kind=(thing._meta.model_name or "") if thing else "",
        object_id=str(thing.pk) if thing and thing.pk is not None else "",
        object_name=audit_values.text(thing, 300) if thing else "",
        project_id=project.pk if project else None,
        project_title=audit_values.text(project.title, 200) if project else "",
        before=audit_values.fields(before) if before is not None else None,
        after=audit_values.fields(after) if after is not None else None,
        detail=audit_values.text(detail, 1000),
    )


def _keep(entries: list[AuditEntry]) -> None:
    if not entries:
        return
    try:
        with transaction.atomic():
            if len(entries) == 1:
                entries[0].save()
            else:
                AuditEntry.objects.bulk_create(entries, batch_size=_AT_ONCE)
        request = _answered.get()
        if request is not None:
            setattr(request, _COUNT, count(request) + len(entries))
    except DatabaseError:
        first = entries[0]
        logger.exception("audit entries were not kept: %s %s %s", first.action, first.kind, first.object_id)


def count(request: HttpRequest) -> int:
    """How many entries were made while `request` was answered, so far."""
    return int(getattr(request, _COUNT, 0))


def address_of(request: HttpRequest) -> str | None:
    """Where a request came from; None where that is no address. Behind a proxy that the server trusts, uvicorn has put
    the client's address there (`--forwarded-allow-ips`)."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def _way(request: HttpRequest) -> AuditEntry.Way:
    match = request.resolver_match
    if match is None:  # refused before an address was looked up
        return Way.PAGE if "text/html" in request.headers.get("Accept", "") else Way.API
    if "admin" in match.namespaces:
        return Way.ADMIN
    return Way.API if any(name.startswith("api-") for name in match.namespaces) else Way.PAGE


def _project_of(thing: models.Model | None) -> Project | None:
    """The project of a thing, or of what it belongs to: a note's run, a scenario's plan."""
    for _step in range(4):
        if thing is None or isinstance(thing, Project):
            return thing
        found = getattr(thing, "project", None)
        thing = (
            found
            if isinstance(found, Project)
            else next((one for name in _PARENTS if isinstance(one := getattr(thing, name, None), models.Model)), None)
        )
    return None
