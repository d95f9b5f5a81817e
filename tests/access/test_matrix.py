"""Everybody at every address: each gets what the table says, whoever is refused reads and changes nothing."""

import os
import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from metricvault.api import api
from tests.access.audit_table import SHOWN_ELSEWHERE, TABLE, named
from tests.access.conftest import Answers, Asking, written
from tests.access.rows import SAFE, Answer, Row, operations, pages, send
from tests.access.web_checks import check_headers, check_page, policy_of
from tests.access.world import CANARY, Persona, World

pytestmark = pytest.mark.django_db
TOKEN_AT_PAGES = "token admin"  # one is enough: no page looks at it
DOORS = {f"admin/{name}/" for name in ("login", "logout", "password_change", "password_change/done")}
DJANGOS = ("login", "logout", "password_", "oidc")  # django.contrib's pages take more methods
ROWS = [row for row in (*pages(), *operations()) if row.kind != "live"]
SHOWN = [row for row in pages() if row.method in SAFE and row.kind not in ("by token", "live")]
READ = [row for row in operations() if row.method in SAFE and row.kind != "live"]
RECORDED = [row for row in ROWS if named(row) in TABLE and named(row) not in SHOWN_ELSEWHERE]
SEALED = ("history:report", "history:k6-report")  # not ours, locked in a sandbox: metricvault.lib.foreign


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


def asked_by(row: Row, world: World) -> Iterator[Persona]:
    """Those at whom the answer changes: browsers who may not, and tokens for want of their scope or for their limit;
    the least of who may, once with a browser and once with a token. Besides, the administrator, who is shown most of a
    page, and at each third row one of the others in turn: each of 3,000 requests costs 10 ms. METRICVAULT_LONG=1
    (`make test-long`): everybody."""
    known = [one for one in world.personae.values() if row.is_api or not one.secret or one.name == TOKEN_AT_PAGES]
    if os.environ.get("METRICVAULT_LONG") == "1":
        yield from known
        return
    may = [one for one in known if _may(row, one)]
    edges = {one.name for one in known if not one.secret and one not in may}  # browsers who may not
    skipped = {"inactive", "stranger"} if "reader" in edges else {"inactive"}  # strangers: see below
    edges -= skipped
    edges |= {next((one.name for one in may if bool(one.secret) is of_tokens), "") for of_tokens in (False, True)}
    if row.is_api:
        edges |= {one.name for one in known if one not in may and (one.limited or one.scope in ("read", "run"))}
    elif row in SHOWN:
        edges.add(_shown_most(row))
    others = [one for one in known if one.name not in edges and one.name not in skipped]
    at, left = divmod(ROWS.index(row), 3)
    in_turn = None if left or not others else others[at % len(others)]
    yield from (one for one in known if one.name in edges or one is in_turn)


def _may(row: Row, persona: Persona) -> bool:
    """Whether it has an effect."""
    return row.expected(persona) == Answer.OK and not (
        row.kind == "left out" and persona.role in ("stranger", "reader")
    )


def _shown_most(row: Row) -> str:
    return "anonymous" if row.kind == "public" else "administrator"


@pytest.mark.thorough
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_gets_what_the_table_says(row: Row, world: World, answers: Answers) -> None:
    wrong = []
    for persona in asked_by(row, world):
        expected, one = row.expected(persona), answers(row, persona)
        got, said = one.answer, f"{persona.name}: {one.status_code}"
        if got != expected and not (expected == Answer.NOT_A_RUN and one.status_code in (401, 403)):
            wrong.append(f"{said}, not {expected}: {one.content[:300]!r}")
        refused = got != Answer.OK or (got == expected and not _may(row, persona))
        if one.changes if refused else row.writes and not one.changes and row.kind != "public":
            wrong.append(f"{said}, and wrote {one.changes}")
        if CANARY.encode() in one.content.lower() and (persona.role in ("unknown", "stranger") or got != Answer.OK):
            wrong.append(f"{said}, and could read of what is not theirs")
    assert not wrong, "\n".join(wrong)


@pytest.mark.thorough
@pytest.mark.parametrize("row", SHOWN, ids=str)
def test_no_page_has_code_in_itself(row: Row, world: World, answers: Answers) -> None:
    one = answers(row, world.personae[_shown_most(row)])
    if row.name in SEALED and one.status_code == 200:
        assert "sandbox" in policy_of(one)
    elif "html" in one.headers.get("Content-Type", "") and one.content:
        check_page(one, str(row))
    else:
        check_headers(one, str(row))


@pytest.mark.thorough
@pytest.mark.parametrize("row", READ, ids=str)
def test_what_programs_read_is_no_script_and_is_kept_nowhere(row: Row, world: World, answers: Answers) -> None:
    for persona in asked_by(row, world):
        one = answers(row, persona)
        kind = one.headers.get("Content-Type", "")
        if "html" in kind and "sandbox" in policy_of(one):
            continue
        check_headers(one, str(row))
        assert not re.search(r"javascript|ecmascript", kind) or "attachment" in one.headers["Content-Disposition"]


@pytest.mark.thorough
@pytest.mark.parametrize("row", RECORDED, ids=str)
def test_it_is_written_down_for_whoever_may(row: Row, world: World, answers: Answers) -> None:
    """In the audit, as audit_table.py says (test_audit.py: of every address that changes something)."""
    may = [one for one in asked_by(row, world) if _may(row, one)]
    assert may
    for persona in may:
        one = answers(row, persona)
        told = {f"{entry.action} {entry.kind}".strip() for entry in one.entries}
        told |= {"edits plan"} if one.edits else set()
        assert told == {TABLE[named(row)]}, f"{persona.name}: {one.status_code}"
        for entry in one.entries:
            assert entry.actor_name
            assert entry.address == "127.0.0.1"
            assert entry.request_id


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
