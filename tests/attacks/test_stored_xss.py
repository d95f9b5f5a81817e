"""Stored markup: whatever people, documents or targets wrote, no page, report, chart or answer takes it for its own."""

from collections.abc import Iterator

import django.template.base
import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone

from history.drawing import markup as drawing
from projects.models import AuditEntry, Project
from tests.access.rows import Row, operations, pages
from tests.access.world import World
from tests.attacks.markup import Page
from tests.attacks.poison import poison
from tests.attacks.rich_rows import enrich

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
PARTS = ("history:span", "history:log", "loadtests:try-shown", "loadtests:try-step", "history:failures")  # for HTMX
FILES_ALONE = ("history:export-zip", "history:export-json", "history:export-csv")
# Files that no browser takes for a page: a type of its own, and never sniffed at.
PAGES = ("text/html", "image/svg+xml", "application/xml")
FILES = ("text/plain", "text/csv", "application/json", "application/zip", "application/yaml", "text/javascript")

SHOWS = ("read", "signed in", "change", "own", "administrators")
# Shown in the administration alone, or as a file, or not at all.
NOWHERE = {
    "AuditEntry.kind", "AuditEntry.object_id",
    "DocumentImport.found_url", "DocumentImport.name", "Endpoint.servers", "Environment.credentials",
    "GeneratorSettings.cpu_limit", "GeneratorSettings.cpu_request", "GeneratorSettings.image",
    "GeneratorSettings.labels", "GeneratorSettings.memory_limit", "GeneratorSettings.memory_request",
    "GeneratorSettings.service_account", "Identity.issuer", "Identity.subject", "PlanEdit.before", "PlanEdit.who",
    "Scenario.load", "ScenarioHistory.answers", "Step.content_type", "Tag.description", "TargetRequest.answer",
    "TestHistory.answers", "TestHistory.script", "TestHistory.summary", "TimelineHistory.columns", "Try.log",
    "Try.plan_snapshot", "Validation.problem",
}  # fmt: skip
UNGUARDED = ("projects:detail", "projects:spec", "loadtests:plan", "loadtests:try-shown", "history:list", "history:run",
             "history:failures", "history:report", "audit", "targets")  # fmt: skip


def shown_rows() -> list[Row]:
    """Everything that shows something."""
    return [
        row
        for row in (*pages(), *(one for one in operations() if one.place.endswith((".html", ".svg", ".xml"))))
        if row.method == "GET" and row.kind in SHOWS and row.name not in FILES_ALONE
    ]


@pytest.fixture
def client(world: World) -> Client:
    """An administrator, who sees all; every text has something."""
    enrich(world)
    about = {"object_id": "7", "project": Project.objects.get(pk=world.keys["project"]), "detail": "more"}
    about |= {"before": {"title": "a"}, "after": {"title": "b"}, "actor_name": "bob", "token_name": "nightly"}
    AuditEntry.objects.create(at=timezone.now(), action="changed", way="page", kind="plan", **about)
    client = Client()
    client.force_login(world.people["administrator"])
    return client


def answers(client: Client, world: World, rows: list[Row]) -> Iterator[tuple[str, HttpResponseBase]]:
    """Each page, or the part of it that HTMX asks for."""
    for row in rows:
        headers = {"HX-Request": "true"} if row.name in PARTS else {"accept": "text/html"}
        response = client.get(row.address(world), headers=headers)
        yield str(row), response
        response.close()


def looked_at(client: Client, world: World, rows: list[Row]) -> tuple[dict[str, set[int]], set[int]]:
    """By page which attacks got through, and which stand anywhere as words."""
    through: dict[str, set[int]] = {}
    shown: set[int] = set()
    for name, response in answers(client, world, rows):
        assert response.status_code in (200, 302), (name, response.status_code)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        assert response.headers["X-Content-Type-Options"] == "nosniff", name
        if kind in FILES or "k6-report" in name:  # a foreign page, locked in: history/tests, metricvault.lib.foreign
            continue
        assert kind in PAGES, (name, kind)
        page = Page((b"".join(response.streaming_content) if response.streaming else response.content).decode())
        shown |= page.shown
        if page.attacks:
            through[name] = page.attacks
    return through, shown


def test_no_stored_text_becomes_markup(client: Client, world: World) -> None:
    known = poison()
    through, shown = looked_at(client, world, shown_rows())
    assert {name: [known[one] for one in numbers] for name, numbers in through.items()} == {}
    # The attack was tried: every field stands on some page but these.
    assert {known[number] for number in set(known) - shown} - NOWHERE == set()


def test_without_escaping_it_becomes_markup(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    poison()
    monkeypatch.setattr(django.template.base, "conditional_escape", str)
    monkeypatch.setattr(drawing, "escape", lambda words, quote: words)
    tried = [row for row in shown_rows() if row.name in UNGUARDED]
    through, _shown = looked_at(client, world, tried)
    assert set(through) == {str(row) for row in tried}
