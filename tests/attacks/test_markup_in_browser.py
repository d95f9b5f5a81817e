"""Stored markup in a real browser, without the policy that would stop it: pages, reports, and what JavaScript makes of
live messages. The pages are made before; the browser gets them without a server."""

import json
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import django.template.base
import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from history.models import TestHistory
from tests.access.world import World
from tests.attacks.poison import poison
from tests.attacks.rich_rows import enrich
from tests.conftest import CHROMIUM
from tests.needs import find

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = [pytest.mark.django_db, pytest.mark.needs("chromium"), pytest.mark.thorough]
PAGES = ("/projects/{project}/", "/projects/specs/{spec}/", "/projects/endpoints/{endpoint}/", "/tests/{plan}/",
         "/tests/tries/{try}/", "/runs/?q=kestrel", "/runs/{run}/", "/runs/{running}/", "/runs/{run}/report.html",
         "/runs/compare/?runs={run}&runs={ran}", "/projects/environments/{environment}/")  # fmt: skip
HOST = "http://metricvault.test"


def fire(number: int) -> str:
    """Runs as soon as a browser takes it for markup."""
    return f"\"'><img src=x onerror=window.__xss={number}>"


def made(client: Client, world: World) -> dict[str, bytes]:
    found = {}
    for address in PAGES:
        response = client.get(world.fill(address), headers={"accept": "text/html"})
        assert response.status_code == 200, address
        found[world.fill(address)] = b"".join(response.streaming_content) if response.streaming else response.content
        response.close()
    return found


def message(run: int, tags: list[str]) -> bytes:
    """A live message whose words are attacks: kinds of answers come from the target."""
    numbers = {"requests": 1, "tps": 1.0, "p95": 2.0, "error_rate": 0.0, "vus": 1, "answers": {fire(901): 3}}
    parts = {tag: {**numbers, "tag": tag, "name": fire(902), "endpoint": fire(903)} for tag in tags}
    told: dict[str, Any] = {"test_history_id": run, "status": "running", "t": 3, "totals": numbers, **numbers}
    told |= {"parts": parts, "scenarios": list(parts.values())}
    return b"event: stream-open\ndata:\n\nevent: message\ndata: " + json.dumps(told).encode() + b"\n\n"


def ran(pages: dict[bool, dict[str, bytes]], stream: bytes) -> dict[bool, dict[str, Any]]:
    """What ran, by whether guards were there, and by page."""
    from playwright.sync_api import sync_playwright

    guarded = [True]

    def serve(route: "Route") -> None:
        asked = urlsplit(route.request.url)
        address = asked.path + (f"?{asked.query}" if asked.query else "")
        if address in pages[guarded[0]]:
            return route.fulfill(body=pages[guarded[0]][address], content_type="text/html; charset=utf-8")
        if asked.path == "/sse/k6-data":
            return route.fulfill(body=stream, content_type="text/event-stream")
        file = finders.find(asked.path.removeprefix("/static/")) if asked.path.startswith("/static/") else None
        if file is None:
            return route.fulfill(status=404, body="")
        text = Path(str(file)).read_bytes()
        if not guarded[0] and address.endswith("live.js"):
            text = text.replace(b"textContent", b"innerHTML")
        return route.fulfill(body=text, content_type=mimetypes.guess_type(str(file))[0] or "text/plain")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find("chromium"), args=CHROMIUM)
        found: dict[bool, dict[str, Any]] = {}
        for guarded[0] in (True, False):
            tab = browser.new_context(locale="en-US").new_page()
            tab.route("**/*", serve)
            found[guarded[0]] = {}
            for address in pages[guarded[0]]:
                tab.goto(f"{HOST}{address}", wait_until="load")
                tab.wait_for_timeout(100)
                found[guarded[0]][address] = tab.evaluate("window.__xss ?? null")
        browser.close()
    return found


def test_nothing_that_is_stored_or_told_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the attack was tried: without guards it runs in most pages."""
    enrich(world)
    client = Client()
    client.force_login(world.people["administrator"])
    poison(fire)
    run = world.keys["running"]
    tags = list(TestHistory.objects.get(pk=run).scenarios.values_list("scenario_tag", flat=True))
    pages = {True: made(client, world)}
    monkeypatch.setattr(django.template.base, "conditional_escape", str)
    pages[False] = made(client, world)
    found = ran(pages, message(run, tags))
    assert set(found[True].values()) == {None}, found[True]
    assert sum(one is not None for one in found[False].values()) > len(found[False]) / 2, found[False]
