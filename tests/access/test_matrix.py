"""Everybody at every address: each gets what the table says, whoever is refused reads and changes nothing."""

import os
import re
from collections.abc import Iterator

import pytest
from django.http import HttpResponseBase
from django.urls import URLPattern, URLResolver, get_resolver

from metricvault.api import api
from tests.access.conftest import Asking, written
from tests.access.rows import SAFE, Answer, Row, operations, pages, send, told
from tests.access.world import CANARY, Persona, World

pytestmark = pytest.mark.django_db
TOKEN_AT_PAGES = "token admin"  # one is enough: no page looks at it
DOORS = {f"admin/{name}/" for name in ("login", "logout", "password_change", "password_change/done")}
DJANGOS = ("login", "logout", "password_", "oidc")  # django.contrib's pages take more methods
ROWS = [row for row in (*pages(), *operations()) if row.kind != "live"]


def patterns(
    resolver: URLResolver | None = None, spaces: tuple[str, ...] = (), before: str = ""
) -> Iterator[tuple[str, str]]:
    """Name with its name spaces and route of every address."""
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            yield from patterns(one, (*spaces, *filter(None, [one.namespace])), before + str(one.pattern))
        elif isinstance(one, URLPattern):
            yield ":".join((*spaces, one.name or "")), before + str(one.pattern)


def test_every_page_is_in_the_table() -> None:
    there = {name for name, _route in patterns() if not name.startswith(("admin:", "api-1:"))}
    assert {row.name for row in pages()} == there - {""}
    assert {route for name, route in patterns() if not name} == DOORS  # of the administration


def test_every_operation_is_in_the_table() -> None:
    described = api.get_openapi_schema()["paths"]
    there = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    assert {row.name for row in operations()} == (there | {"GET /api/openapi.json"}) - {"GET /"}  # that one is a page
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{route}") for name, route in patterns() if "api-1:" in name}
    assert routes - set(described) == {"/api/openapi.json", "/api/swagger"}


def body_of(response: HttpResponseBase) -> bytes:
    if not response.streaming:
        return response.content
    return b"" if response.is_async else b"".join(response.streaming_content)


def asked_by(row: Row, world: World) -> Iterator[Persona]:
    """Those at whom the answer changes: the least of who may, browsers who may not, each scope, each limit. The others
    in turn, for each of 3,000 requests costs 10 ms; METRICVAULT_LONG=1 (`make test-long`): everybody."""
    known = [one for one in world.personae.values() if row.is_api or not one.secret or one.name == TOKEN_AT_PAGES]
    if os.environ.get("METRICVAULT_LONG") == "1":
        yield from known
        return
    may = [one for one in known if row.expected(one) == Answer.OK]
    edges = {one.name for one in known if not one.secret and one not in may}  # browsers who may not
    edges -= {"inactive", "stranger"} if "reader" in edges else {"inactive"}
    edges |= {next((one.name for one in may if bool(one.secret) is of_tokens), "") for of_tokens in (False, True)}
    for at, persona in enumerate(known):
        limited = row.is_api and (persona.limited or (persona.scope in ("read", "run") and persona not in may))
        if persona.name in edges or limited or (at + len(str(row))) % 5 == 0:
            yield persona


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_gets_what_the_table_says(row: Row, world: World, asking: Asking) -> None:
    wrong = []
    for persona in asked_by(row, world):
        expected = row.expected(persona)
        with asking(persona) as client, written() as changes:
            response = send(client, row, row.address(world), row.body(world))
            content = body_of(response)
            response.close()
        got = told(response)
        said = f"{persona.name}: {response.status_code}"
        if got != expected and not (expected == Answer.NOT_A_RUN and response.status_code in (401, 403)):
            wrong.append(f"{said}, not {expected}: {content[:300]!r}")
        refused = got != Answer.OK or (row.kind == "left out" and persona.role in ("stranger", "reader"))
        if changes if refused else row.writes and not changes and row.kind != "public":
            wrong.append(f"{said}, and wrote {changes}")
        if CANARY.encode() in content.lower() and (persona.role in ("unknown", "stranger") or got != Answer.OK):
            wrong.append(f"{said}, and could read of what is not theirs")
    assert not wrong, "\n".join(wrong)


OF_ONE = ("read", "change", "run", "run in a project", "trash", "own", "own another", "author", "personal")
IN_A_PROJECT = [row for row in ROWS if row.kind in OF_ONE]


def test_a_stranger_hears_of_what_is_there_what_everybody_hears_of_what_is_not(world: World, asking: Asking) -> None:
    wrong = []
    for row in IN_A_PROJECT:
        persona = world.personae["token of a stranger" if row.is_api else "stranger"]
        if not row.arguments and row.method not in SAFE:
            continue  # the body names the project, and there is none here
        told_of = []
        for one in (world, world.without_rows()):
            with asking(persona) as client:
                response = send(client, row, row.address(one), {})
            told_of.append((response.status_code, re.sub(rb"\d+", b"7", response.content)))
        if told_of[0] != told_of[1] or told_of[0][0] < 400:
            wrong.append(f"{row}: {told_of}")
    assert not wrong, "\n".join(wrong)


def test_no_address_takes_another_method(world: World, asking: Asking) -> None:
    ours = [row for row in (*pages(), *operations()) if row.kind != "public" and not row.name.startswith(DJANGOS)]
    taken: dict[str, set[str]] = {}
    for row in ours:
        taken.setdefault(row.place, set()).add(row.method)
    wrong = []
    for place, address in {row.place: row.address(world).partition("?")[0] for row in ours}.items():
        methods = {"GET", "POST", "PUT", "PATCH", "DELETE"} if place.startswith("/") else {"GET", "POST", "DELETE"}
        for method in methods - taken[place]:
            with asking(world.personae["administrator"]) as client, written() as changes:
                response = client.generic(method, address, "{}", content_type="application/json")
            if response.status_code != 405 or changes:
                wrong.append(f"{method} {address}: {response.status_code} {changes}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("whose", ["anonymous", "owner"])
def test_the_administration_is_for_staff(world: World, asking: Asking, whose: str) -> None:
    """Who is not is sent to its door, and from there to the login or told so."""
    routes = [route for name, route in patterns() if name.startswith("admin:")]
    wrong = []
    for route in sorted(set(routes) - DOORS)[:: 1 if whose == "anonymous" else 3]:
        address = "/" + re.sub(r"\(\?P<url>.*\)\$", "x", re.sub(r"\^\(\?P<app_label>.*\)/\$", "auth/", route))
        address = re.sub(r"<[^>]*>", "1", address)
        with asking(world.personae[whose]) as client, written() as changes:
            response = client.post(address) if route.endswith(("add/", "change/", "delete/")) else client.get(address)
        leads_to_login = response.status_code == 302 and "/login/?next=" in response.headers["Location"]
        if changes or not leads_to_login:
            wrong.append(f"{address}: {response.status_code} {changes}")
    assert not wrong, "\n".join(wrong)


def test_the_door_of_the_administration_tells_others_so(world: World, asking: Asking) -> None:
    for whose, status in (("anonymous", 302), ("owner", 403)):
        with asking(world.personae[whose]) as client:
            assert client.get("/admin/login/").status_code == status
