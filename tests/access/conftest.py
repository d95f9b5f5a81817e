"""One populated database for all tests of a module; what a test does to it is rolled back."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as product_settings
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client, override_settings
from django.test.client import ClientHandler

from loadtests.models import PlanEdit
from projects.models import AuditEntry
from tests.access.rows import Answer, Row, send, told
from tests.access.world import Persona, World, make_world

# What a request may write whoever it is from: that it came.
_OF_REQUESTS = ("django_session", "audit_entry", "login_session", "axes_")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


Asking = Callable[[Persona], AbstractContextManager[Client]]
_together = ClientHandler(enforce_csrf_checks=False)  # the middleware is built once


@contextmanager
def _asked(world: World, persona: Persona) -> Iterator[Client]:
    client = Client(headers={"Authorization": f"Bearer {persona.secret}"} if persona.secret else {})
    client.raise_request_exception = False
    client.handler = _together
    if persona.name in world.sessions:
        client.cookies[product_settings.SESSION_COOKIE_NAME] = world.sessions[persona.name]
    opened = override_settings(METRICVAULT_OPEN_ACCESS=True) if persona.name == "open access" else nullcontext()
    with opened, transaction.atomic():
        yield client
        transaction.set_rollback(True)
    cache.clear()


@pytest.fixture
def asking(world: World) -> Asking:
    """A program or browser of somebody; what it does is taken back."""
    return functools.partial(_asked, world)


@dataclass(frozen=True)
class Answered:
    """What somebody was told at an address of the tables, and what is there of it before it is taken back: `changes`,
    the statements; `entries` of the audit, and whether a plan keeps an edit."""

    answer: Answer
    status_code: int
    headers: Mapping[str, str]
    content: bytes
    changes: list[str]
    entries: list[AuditEntry]
    edits: bool


Answers = Callable[[Row, Persona], Answered]


@pytest.fixture(scope="module")
def answers(world: World) -> Answers:
    """Each question is asked once, by the first test of the module that wants to know."""
    known: dict[tuple[str, str], Answered] = {}

    def asked(row: Row, persona: Persona) -> Answered:
        question = repr(row), persona.name
        if question not in known:
            known[question] = _answered(world, row, persona)
        return known[question]

    return asked


def _answered(world: World, row: Row, persona: Persona) -> Answered:
    with _asked(world, persona) as client:
        with written() as changes:
            response = send(client, row, row.address(world), row.body(world))
            content = body_of(response)
            response.close()
        entries = list(AuditEntry.objects.filter(pk__gt=world.last_entry))
        edits = PlanEdit.objects.exists()
    return Answered(told(response), response.status_code, response.headers, content, changes, entries, edits)


def body_of(response: HttpResponseBase) -> bytes:
    if not response.streaming:
        return response.content
    return b"" if response.is_async else b"".join(response.streaming_content)


@contextmanager
def written() -> Iterator[list[str]]:
    """The statements that change what people keep."""
    found: list[str] = []

    def note(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        verb, *words = str(sql).replace('"', "").split(None, 3)[:3]
        table = words[1] if verb in ("INSERT", "DELETE") and len(words) > 1 else words[0] if words else ""
        answer = execute(sql, params, many, context)
        changes = verb == "INSERT" or (verb in ("UPDATE", "DELETE") and context["cursor"].rowcount != 0)
        if changes and not table.startswith(_OF_REQUESTS) and (verb, table) != ("UPDATE", "api_token"):
            found.append(f"{verb} {table}")
        return answer

    with connection.execute_wrapper(note):
        yield found
