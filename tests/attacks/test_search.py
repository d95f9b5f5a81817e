"""What is typed into searches, filters and orders is looked for, never run."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from metricvault.api import api
from tests.access.operation_table import USUAL
from tests.access.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
SQL = ("' OR '1'='1", "') OR 1=1 --", '"; DROP TABLE project; --', "1 UNION SELECT password FROM auth_user",
       "%' ESCAPE '", "\x00", "title\x00", "-(SELECT 1)", "id; SELECT 1", "\\", "٣", "9" * 400)  # fmt: skip
PAGES = {
    "/projects/": ("q", "sort", "page"),
    "/tests/": ("q", "project", "state", "sort", "page"),
    "/runs/": ("q", "project", "plan", "status", "outcome", "label", "release", "since", "until", "pinned", "sort",
               "page", "runs"),
    "/runs/trends/?project={project}&": ("request", "measure", "last", "page"),
    "/runs/{run}/?": ("from", "to"),
    "/projects/{project}/?": ("q", "tag", "method", "sort", "page", "spec"),
    "/tests/new?project={project}&": ("q", "endpoint"),
    "/audit/": ("q", "person", "action", "way", "project", "kind", "since", "until", "before"),
    "/runs/{run}/export.csv?": ("part",),
    "/targets/requests": ("page",),
}  # fmt: skip


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.people["administrator"])
    return client


def filters(world: World) -> Iterator[tuple[str, str]]:
    """Each address with each of its parameters."""
    for address, names in PAGES.items():
        place = world.fill(address)
        for name in names:
            yield place if place.endswith(("?", "&")) else f"{place}?", name
    for path, operations in api.get_openapi_schema()["paths"].items():
        operation = operations.get("get", {})
        place = path.format(name="throughput", **{name: world.keys[row] for name, row in USUAL.items()})
        for one in operation.get("parameters", ()):
            if one["in"] == "query" and "k6-data" not in path and one["schema"].get("type") != "boolean":
                yield f"{place}?", one["name"]


class Statements:
    """Looks at each statement: what was typed never stands in its text."""

    def __init__(self) -> None:
        self.typed = ""
        self.found: list[str] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if len(self.typed) > 3 and self.typed in str(sql):
            self.found.append(str(sql))
        return execute(sql, params, many, context)


def test_nothing_that_is_typed_becomes_part_of_a_statement(client: Client, world: World) -> None:
    statements, known = Statements(), list(filters(world))
    assert len(known) > 60
    with connection.execute_wrapper(statements):
        for number, (place, name) in enumerate(known):
            statements.typed = SQL[number % len(SQL)]
            answer = client.get(place + urlencode({name: statements.typed}), headers={"HX-Request": "true"})
            assert answer.status_code < 500, (place, name, statements.typed)
            answer.close()
    assert statements.found == []


SEARCHES = ("/projects/?q=", "/tests/?q=", "/test-history/simple?q=", "/endpoint?q=", "/audit?q=")


@pytest.mark.parametrize("sql", ["' OR '1'='1", "') OR 1=1 --", "%"])
def test_a_search_for_sql_finds_what_has_these_words(client: Client, world: World, sql: str) -> None:
    for place in SEARCHES:
        answer = client.get(place + urlencode({"": sql})[1:], headers={"HX-Request": "true"})
        assert answer.status_code == 200, place
        if place.startswith(("/test-history", "/endpoint")):
            assert answer.json()["count"] == 0, (place, sql)
        elif not place.startswith("/audit"):
            assert b"kestrel" not in answer.content.lower(), (place, sql)


def test_where_values_stand_in_the_statement_the_attack_finds_everything(client: Client, world: World) -> None:
    def careless(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if params and "LIKE" in str(sql):
            sql, params = str(sql) % tuple(f"'{one}'" for one in params), None
        return execute(sql, params, many, context)

    with connection.execute_wrapper(careless):
        answer = client.get(
            "/projects/?" + urlencode({"q": "x'OR/**/1=1/**/OR/**/''LIKE'"}), headers={"HX-Request": "true"}
        )
    assert b"kestrel" in answer.content.lower()
