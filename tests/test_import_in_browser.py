"""Importing on the page of a real product: a protected document, its progress, its changes, its validation."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.needs("chromium", "redis-server", "k6"), pytest.mark.thorough]


def document(version: str, *paths: str) -> dict[str, Any]:
    operations = {
        path: {"get": {"summary": f"Of {path}", "tags": ["shop"], "responses": {"200": {"description": "ok"}}}}
        for path in paths
    }
    info = {"title": "Protected shop", "version": version}
    return {"openapi": "3.1.0", "info": info, "servers": [{"url": "http://127.0.0.1:9"}], "paths": operations}


class Protected(ThreadingHTTPServer):
    """Gives its document to who knows the token; after `gate` is open."""

    daemon_threads = True
    content: dict[str, Any]
    gate: threading.Event


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Protected)
        self.server.gate.wait(20)
        known = self.headers.get("Authorization") == "Bearer s3cret"
        body = json.dumps(self.server.content).encode() if known else b""
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Protected]:
    server = Protected(("127.0.0.1", 0), Handler)
    server.content, server.gate = document("1", "/kept", "/gone"), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.gate.set()
    server.shutdown()
    server.server_close()


def test_a_protected_document_is_imported_and_followed(product: Product, page: "Page", server: Protected) -> None:
    project = product.api.post("/project", json={"title": "Protected"}).json()["id"]
    page.goto(f"{product.url}/projects/{project}/import")
    page.fill("#id_openapi_url", f"http://127.0.0.1:{server.server_port}/openapi.json")
    page.get_by_text("The document needs a login").click()
    page.fill("#id_headers", "Authorization: Bearer s3cret")
    page.get_by_role("button", name="Import").click()
    page.wait_for_url("**/projects/imports/*/")
    page.get_by_text("Fetching the document").wait_for()
    assert product.api.get("/healthz").status_code == 200  # the product goes on meanwhile
    server.gate.set()
    page.wait_for_url("**/projects/specs/*/")
    page.get_by_text("Protected shop is imported: 2 endpoints.").wait_for()
    page.locator("#findings[data-validation=done]").wait_for(timeout=30_000)
    page.get_by_text("valid OpenAPI 3.1.0").wait_for()

    page.get_by_role("link", name="/gone").click()
    page.locator(".drawer").get_by_text("Of /gone").wait_for()

    server.content = document("2", "/kept", "/fresh")
    page.get_by_role("link", name="Read again").click()
    page.get_by_text("Kept from an earlier import and sent again: Authorization.").wait_for()
    page.get_by_role("button", name="Read again").click()
    page.locator("[data-state=review]").wait_for()
    assert page.locator("[data-changes=removed]").inner_text() == "1"
    assert len(product.api.get("/endpoint", params={"project_id": project}).json()["items"]) == 2
    page.get_by_role("button", name="Apply changes").click()
    page.get_by_text("1 endpoints are new, 0 changed, 1 are gone").wait_for()
    found = product.api.get("/endpoint", params={"project_id": project}).json()["items"]
    assert [one["path"] for one in found] == ["/kept", "/fresh"]
    page.fill("#q", "fresh")
    page.get_by_role("link", name="/kept").wait_for(state="detached")
