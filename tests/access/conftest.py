"""One populated database for all tests of a module; what a test does to it is rolled back."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
from django.conf import settings as product_settings
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client, override_settings

from tests.access.world import Persona, World, make_world

# What a request may write whoever it is from: that it came.
_OF_REQUESTS = ("django_session", "audit_entry", "login_session", "axes_")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


Asking = Callable[[Persona], AbstractContextManager[Client]]


@pytest.fixture
def asking(world: World) -> Asking:
    """A program or browser of somebody; what it does is taken back."""

    @contextmanager
    def asked(persona: Persona) -> Iterator[Client]:
        client = Client(headers={"Authorization": f"Bearer {persona.secret}"} if persona.secret else {})
        client.raise_request_exception = False
        if persona.name in world.sessions:
            client.cookies[product_settings.SESSION_COOKIE_NAME] = world.sessions[persona.name]
        opened = override_settings(METRICVAULT_OPEN_ACCESS=True) if persona.name == "open access" else nullcontext()
        with opened, transaction.atomic():
            yield client
            transaction.set_rollback(True)
        cache.clear()

    return asked


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
