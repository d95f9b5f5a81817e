import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from demo.document import document
from projects.models import OpenApiSpec, Project

pytestmark = pytest.mark.django_db


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(document()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _trusting(settings: Settings) -> None:
    settings.METRICVAULT_IMPORT_PRIVATE = True


@pytest.fixture
def shops() -> list[str]:
    """The addresses of two shops."""
    servers = [HTTPServer(("127.0.0.1", 0), _Shop) for _ in range(2)]
    for server in servers:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield [f"http://127.0.0.1:{server.server_address[1]}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


def test_it_makes_a_project_of_the_demo_api(shops: list[str]) -> None:
    call_command("demo_project", base_url=shops[0])
    spec = OpenApiSpec.objects.get()
    assert (spec.project.title, spec.base_url, spec.endpoints.count()) == ("Demo shop", f"{shops[0]}/", 20)
    tags = {"Products", "Orders", "Payments", "Reports", "Account", "Health"}
    assert set(spec.tags.values_list("name", flat=True)) == tags


def test_it_makes_it_once(shops: list[str]) -> None:
    call_command("demo_project", base_url=shops[0])
    call_command("demo_project", base_url=shops[0])
    assert (Project.objects.count(), OpenApiSpec.objects.count()) == (1, 1)


def test_what_was_imported_follows_the_demo_api_to_another_port(shops: list[str]) -> None:
    call_command("demo_project", base_url=shops[0])
    before = set(OpenApiSpec.objects.get().endpoints.values_list("pk", flat=True))
    call_command("demo_project", base_url=shops[1], moved_from=shops[0])
    spec = OpenApiSpec.objects.get()
    assert (spec.base_url, spec.source_url) == (f"{shops[1]}/", f"{shops[1]}/openapi.json")
    assert set(spec.endpoints.values_list("pk", flat=True)) == before


def test_what_somebody_deleted_does_not_come_back(shops: list[str]) -> None:
    call_command("demo_project", base_url=shops[1], moved_from=shops[0])
    assert not Project.objects.exists()


def test_a_demo_api_that_does_not_answer_leaves_no_empty_project() -> None:
    with pytest.raises(CommandError):
        call_command("demo_project", base_url="http://127.0.0.1:1")
    assert not Project.objects.exists()
