"""Bodies and files that explode when they are read: refused with a 4xx, by every address that takes them."""

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.test import Client

from history import importing
from loadtests import plan_yaml
from metricvault.api import api
from projects.models import DataFile, OpenApiSpec
from projects.openapi import MAX_BYTES
from tests.access.operation_table import USUAL
from tests.access.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
DEEP = "[" * 100_000
# Read by json.loads, they raise RecursionError or ValueError, make infinity, or say something twice.
BOMBS = {
    "deep lists": DEEP,
    "deep objects": '{"a":' * 50_000,
    "deep in a field": '{"title": ' + DEEP,
    "5,000 digits": '{"project_id": ' + "9" * 5_000 + "}",
    "a number beyond all": '{"project_id": 1e999}',
    "not a number": '{"project_id": NaN}',
    "half a pair": '{"title": "\\ud800", "name": "\\ud800", "text": "\\ud800"}',
    "no text at all": "\udcff\udcfe",
    "nothing": "null",
}
HARMLESS = ("a number beyond all", "not a number", "half a pair")


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.people["alice"])
    return client


def takers(world: World) -> list[tuple[str, str]]:
    """Method and address of each operation that reads JSON."""
    found = []
    for path, operations in api.get_openapi_schema()["paths"].items():
        for method, operation in operations.items():
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                keys = {name: world.keys[row] for name, row in USUAL.items()}
                found.append((method, path.format(**keys)))
    assert len(found) > 12
    return found


@pytest.mark.parametrize("name", BOMBS)
def test_json_that_explodes_is_refused(client: Client, world: World, name: str) -> None:
    body = BOMBS[name].encode("utf-8", "surrogateescape")
    for method, address in takers(world):
        answer = getattr(client, method)(address, body, content_type="application/json")
        refused = 400 <= answer.status_code < 500  # harmless ones may stand where nobody looks at them
        assert refused or (name in HARMLESS and answer.status_code < 300), (method, address, answer.status_code)


@pytest.mark.parametrize("name", ["deep lists", "deep objects", "5,000 digits"])
def test_without_care_such_a_body_is_no_4xx(name: str) -> None:
    with pytest.raises((RecursionError, ValueError)):
        json.loads(BOMBS[name] + ("]" * 100_000 if name == "deep lists" else ""))


LAUGHS = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefghij", "bcdefghijk", strict=True)
)
DEEP_YAML = "openapi: 3.0.0\nx: " + "[" * 60_000


@pytest.mark.parametrize("text", [LAUGHS, DEEP_YAML, "a: " + "9" * 200_000, "!!python/object/apply:os.system [id]"])
def test_yaml_that_explodes_is_refused(client: Client, world: World, text: str) -> None:
    project = world.keys["project"]
    specs = OpenApiSpec.objects.count()
    answers: list[HttpResponse] = [
        client.post(f"/plan/file?project_id={project}", text, content_type="application/yaml"),
        client.post("/tests/import", {"project": project, "text": text}),
        client.post("/openapi/analyze", {"project_id": project, "document": text}, content_type="application/json"),
        client.post(f"/projects/{project}/import", {"way": "document", "document": text}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert OpenApiSpec.objects.count() == specs


def test_without_its_guard_a_plan_file_of_aliases_would_be_read() -> None:
    few = "a: &a [x, x]\nb: [*a, *a]\n"
    with pytest.raises(Exception, match="aliases"):
        plan_yaml.read_yaml(few)
    assert yaml.safe_load(few)["b"] == [["x", "x"]] * 2


def zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def imported(client: Client, world: World, data: bytes, name: str) -> HttpResponse:
    form = {"project_id": world.keys["project"], "file": ContentFile(data, name)}
    return client.post("/openapi/analyze", form)


# Packed when they are sent: every process imports this module.
ARCHIVES: dict[str, Callable[[], bytes]] = {
    "spaces": lambda: zipped("openapi.json", b" " * 3 * MAX_BYTES),
    "zip in zip": lambda: zipped("openapi.json", zipped("openapi.json", b" " * 2 * MAX_BYTES)),
    "gzip": lambda: b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + zlib.compress(b" " * 3 * MAX_BYTES)[2:],
    "cut": lambda: zipped("openapi.json", b"{}")[:-30],
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_that_explode_are_refused(client: Client, world: World, name: str) -> None:
    data = ARCHIVES[name]()
    assert len(data) < 500_000
    assert 400 <= imported(client, world, data, "bomb.zip").status_code < 500


def test_results_and_tables_that_explode_are_refused(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = world.keys["project"]
    wide = b",".join(b"c%d" % number for number in range(200_000))
    for table in (wide, b"a,b\n" + b'"' * 1_000_000, b"a\n" + b"\0" * 100_000):
        files = DataFile.objects.count()
        form: dict[str, Any] = {"project_id": project, "name": "bomb", "file": ContentFile(table, "bomb.csv")}
        assert 400 <= client.post("/data-file", form).status_code < 500
        assert DataFile.objects.count() == files
    many = b'{"metrics": {' + b",".join(b'"m%d": {"count": 1}' % number for number in range(150_000)) + b"}}"
    form = {"project_id": project, "file": ContentFile(many, "k6.json")}
    refused = client.post("/test-history/import", form)
    assert refused.status_code == 413
    monkeypatch.setattr(importing, "MOST_SIGNS", {})
    form = {"project_id": project, "file": ContentFile(many, "k6.json")}
    assert client.post("/test-history/import", form).status_code == 422  # read as a whole, then found to be too much
