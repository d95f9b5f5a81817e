"""Stored markup: whatever people, documents or targets wrote, no page, report, chart or answer takes it for its own."""

import html
from collections.abc import Iterator
from typing import Any

import django.template.base
import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client

from history.drawing import markup as drawing
from tests.access.rows import Row, operations, pages
from tests.access.world import World
from tests.attacks.markup import Page
from tests.attacks.poison import ADDRESSES, fields, mark, poison

pytestmark = pytest.mark.django_db
MORE = ("projects:list", "loadtests:list", "loadtests:active", "loadtests:new", "loadtests:import", "history:list",
        "history:import", "history:deleted", "home")  # fmt: skip
FORMS = ("projects:edit", "projects:import", "projects:import-steps", "projects:spec-edit", "loadtests:add",
         "loadtests:step-add", "loadtests:new", "history:import", "loadtests:import")  # fmt: skip
# Files that no browser takes for a page: a type of its own, and never sniffed at.
FILES = ("text/plain", "text/csv", "application/json", "application/zip", "application/yaml", "text/javascript")


def shown_rows() -> list[Row]:
    """Everything that shows something."""
    found = [row for row in (*pages(), *operations()) if row.method == "GET" and row.kind in ("read", "signed in")]
    return [*found, *(row for row in pages() if row.method == "GET" and row.name in (*MORE, *FORMS))]


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.people["administrator"])
    return client


def answers(client: Client, world: World) -> Iterator[tuple[str, HttpResponseBase]]:
    """Each page, and what HTMX asks for."""
    for row in shown_rows():
        for headers in ({"accept": "text/html"}, {"HX-Request": "true", "accept": "text/html"}):
            if headers.get("HX-Request") and row.is_api:
                continue
            response = client.get(row.address(world), headers=headers)
            yield f"{row} {headers.get('HX-Request', '')}", response
            response.close()


def looked_at(client: Client, world: World) -> tuple[dict[str, set[int]], set[int]]:
    """By page which attacks got through, and which stand anywhere as words."""
    through: dict[str, set[int]] = {}
    shown: set[int] = set()
    for name, response in answers(client, world):
        assert response.status_code < 500, (name, response.content[:300])
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if response.streaming or kind in FILES or not response.content:
            assert kind in (*FILES, "") or response.headers["X-Content-Type-Options"] == "nosniff", (name, kind)
            continue
        assert kind in ("text/html", "image/svg+xml", "application/xml", "text/xml"), (name, kind)
        if "sandbox" in response.headers.get("Content-Security-Policy", ""):
            continue  # k6's own report: locked in, whatever it is
        page = Page(response.content.decode())
        shown |= page.shown
        if page.attacks:
            through[name] = page.attacks
    return through, shown


def test_no_stored_text_becomes_markup(client: Client, world: World) -> None:
    known = poison()
    through, shown = looked_at(client, world)
    assert {name: [known[one] for one in numbers] for name, numbers in through.items()} == {}
    # The attack was tried: most fields stand on some page.
    unseen = {known[number] for number in set(known) - shown}
    assert len(unseen) < len(known) / 3, unseen


def test_without_escaping_it_becomes_markup_on_nearly_every_page(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison()
    monkeypatch.setattr(django.template.base, "conditional_escape", str)
    monkeypatch.setattr(drawing, "escape", lambda words, quote: words)
    through, _shown = looked_at(client, world)
    assert len(through) > 40
    assert any(name.startswith("GET history:chart") for name in through)
    assert any(name.startswith("GET history:report") for name in through)
