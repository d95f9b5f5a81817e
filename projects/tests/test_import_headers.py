"""A protected document: its request headers are kept for the next import, and nobody sees them."""

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse

from projects import importing
from projects.models import DocumentImport, OpenApiSpec, Project
from projects.sealing import unseal
from projects.tests.documents import with_paths

SECRET = "Bearer s3cret"
PAGE = "<html><redoc spec-url='/openapi.json'></redoc></html>"


class Protected(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers.get("Authorization") in (SECRET, "Basic YWxpY2U6czNjcmV0")
        text = PAGE if self.path == "/docs" else json.dumps(with_paths({"/a": {"get": {}}}))
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(text) if known else 0))
        self.end_headers()
        if known:
            self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Protected)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def private_allowed() -> Iterator[None]:
    with override_settings(METRICVAULT_IMPORT_PRIVATE=True):
        yield


def by_page(client: Client, project: Project, url: str, headers: str = "", **more: str) -> DocumentImport:
    """Asks for an import on the page, and carries it out as a worker does."""
    data = {"way": "openapi_url", "openapi_url": url, "headers": headers, **more}
    client.post(reverse("projects:import", args=[project.pk]), data)
    row = DocumentImport.objects.latest("pk")
    importing.carry_out(row.pk)
    row.refresh_from_db()
    return row


def by_api(client: Client, project: Project, url: str, **more: Any) -> Any:
    data = {"project_id": project.pk, "openapi_url": url, **more}
    return client.post("/openapi/analyze", json.dumps(data), content_type="application/json")


def test_the_page_imports_a_protected_document(shop: Project, alice_client: Client, server: str) -> None:
    assert "asks for a login" in by_page(alice_client, shop, f"{server}/openapi.json").message
    assert by_page(alice_client, shop, f"{server}/openapi.json", f"Authorization: {SECRET}").state == "done"


def test_the_document_behind_a_protected_page_is_found(shop: Project, alice_client: Client, server: str) -> None:
    row = by_page(alice_client, shop, f"{server}/docs", f"Authorization: {SECRET}")
    assert (row.state, OpenApiSpec.objects.get().source_url) == ("done", f"{server}/openapi.json")


def test_the_next_import_sends_them_again(shop: Project, alice_client: Client, server: str) -> None:
    by_page(alice_client, shop, f"{server}/openapi.json", f"Authorization: {SECRET}")
    assert by_page(alice_client, shop, f"{server}/openapi.json").state == "done"
    assert by_api(alice_client, shop, f"{server}/openapi.json").status_code == 201


def test_other_projects_do_not_get_them(shop: Project, alice: User, alice_client: Client, server: str) -> None:
    by_page(alice_client, shop, f"{server}/openapi.json", f"Authorization: {SECRET}")
    other = Project.objects.create(title="Other", owner=alice)
    assert by_page(alice_client, other, f"{server}/openapi.json").state == "failed"


def test_they_can_be_forgotten(shop: Project, alice_client: Client, server: str) -> None:
    by_page(alice_client, shop, f"{server}/openapi.json", f"Authorization: {SECRET}")
    assert by_page(alice_client, shop, f"{server}/openapi.json", forget_headers="on").state == "failed"
    assert OpenApiSpec.objects.get().sealed_headers == ""


def test_the_api_takes_them(shop: Project, alice_client: Client, server: str) -> None:
    assert by_api(alice_client, shop, f"{server}/openapi.json").status_code == 502
    answer = by_api(alice_client, shop, f"{server}/openapi.json", headers={"Authorization": SECRET})
    assert answer.status_code == 201
    kept = unseal(OpenApiSpec.objects.get().sealed_headers)
    assert kept is not None
    assert kept.pairs == (("Authorization", SECRET),)


def test_a_header_that_cannot_be_sent_names_its_field(shop: Project, alice_client: Client, server: str) -> None:
    answer = by_api(alice_client, shop, f"{server}/openapi.json", headers={"Host": "s3cret"})
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (422, "headers")
    data = {"way": "openapi_url", "openapi_url": server, "headers": "nonsense s3cret"}
    page = alice_client.post(reverse("projects:import", args=[shop.pk]), data)
    html = page.content.decode()
    assert (page.status_code, html.count('data-problem="headers"')) == (422, 1)
    assert "s3cret" not in html
    assert DocumentImport.objects.count() == 0


def test_a_login_in_the_address_is_kept_as_a_header(shop: Project, alice_client: Client, server: str) -> None:
    address = server.replace("http://", "http://alice:s3cret@")
    row = by_page(alice_client, shop, f"{address}/openapi.json")
    assert (row.state, row.url) == ("done", f"{server}/openapi.json")
    assert OpenApiSpec.objects.get().source_url == f"{server}/openapi.json"
    assert by_api(alice_client, shop, f"{server}/openapi.json").status_code == 201


def test_nobody_sees_them(
    shop: Project, alice_client: Client, administrator: User, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    by_page(alice_client, shop, f"{server}/openapi.json", f"Authorization: {SECRET}")
    by_page(alice_client, shop, f"{server}/nowhere", "Authorization: Bearer wrong-s3cret")
    answer = by_api(alice_client, shop, f"{server}/openapi.json", headers={"Authorization": SECRET})
    spec, row = OpenApiSpec.objects.get(), DocumentImport.objects.earliest("pk")
    admin = Client()
    admin.force_login(administrator)
    seen = [
        answer.content.decode(),
        alice_client.get(f"/openapi/{spec.pk}").content.decode(),
        alice_client.get(reverse("projects:spec", args=[spec.pk])).content.decode(),
        alice_client.get(reverse("projects:import", args=[shop.pk]) + f"?spec={spec.pk}").content.decode(),
        alice_client.get(reverse("projects:import-steps", args=[row.pk])).content.decode(),
        admin.get(reverse("admin:projects_openapispec_change", args=[spec.pk])).content.decode(),
        admin.get(reverse("admin:projects_documentimport_change", args=[row.pk])).content.decode(),
        caplog.text,
        serializers.serialize("json", [spec, *DocumentImport.objects.all()]),
    ]
    assert [text for text in seen if "s3cret" in text] == []
    assert "Kept from an earlier import and sent again: Authorization." in seen[3]


def test_the_database_does_not_hold_them(shop: Project, alice_client: Client, server: str) -> None:
    by_page(alice_client, shop, f"{server}/openapi.json", f"Authorization: {SECRET}")
    by_page(alice_client, shop, f"{server}/nowhere", f"Authorization: {SECRET}")
    with connection.cursor() as cursor:
        for table in ("openapi_spec", "document_import"):
            cursor.execute(f"SELECT * FROM {table}")
            assert "s3cret" not in str(cursor.fetchall())
    # An import that is over keeps them with the document only.
    assert set(DocumentImport.objects.values_list("sealed_headers", flat=True)) == {""}
