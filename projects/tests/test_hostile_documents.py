"""Hostile documents through the API and the page: a sentence, the right status, and nothing opened or connected to."""

import functools
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from projects import child, reading, validation
from projects.models import DocumentImport, Endpoint, OpenApiSpec, Project
from projects.tests import warm_child
from projects.tests.documents import PUBLISHED, with_paths

BAD = sorted(path for path in (PUBLISHED / "bad").glob("*") if path.suffix in (".json", ".yaml"))
GENERATOR = PUBLISHED / "bad" / "11-gen-nested.py"
REFUSED = {
    "01-empty.yaml", "02-html-page.json", "03-truncated.json", "04-billion-laughs.yaml", "05-list.json",
    "12-garbage.json", "16-python-tag.yaml", "17-deep-100k.json", "20-tabs.yaml", "23-asyncapi.yaml",
}  # fmt: skip
here = pytest.mark.skipif(not BAD, reason="needs the hostile documents in ../shared/specs, which are not here")

# What the same files do, small enough to stand here.
OWN: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 422),
    "html": (b"<!doctype html><html><title>Log in</title></html>", 422),
    "cut off": (b'{"openapi": "3.0.0", "paths": {"/a"', 422),
    "laughs": (b"a0: &a0 x\n" + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9))
               for n in range(1, 11)) + b"openapi: 3.0.0\npaths: {/a: {get: *a10}}", 422),
    "deep": (b'{"openapi": "3.0.0", "paths": ' + b"[" * 100_000, 422),
    "python": (b"openapi: !!python/object/apply:os.system ['true']", 422),
    "file": (b'openapi: 3.0.0\npaths: {/a: {$ref: "file:///etc/passwd"}, /b: {get: {}}}', 201),
    "remote": (b'openapi: 3.0.0\npaths: {/a: {$ref: "http://127.0.0.1:9/x"}, /b: {get: {}}}', 201),
    "cyclic": (b'openapi: 3.0.0\npaths: {/a: {$ref: "#/paths/~1a"}, /b: {get: {}}}', 201),
    "NUL": (b'{"openapi": "3.0.0", "paths": {"/\\u0000": {"get": {"summary": "\\ud800"}}}}', 201),
}  # fmt: skip

_watched = False
_ROOT = Path(__file__).resolve().parents[2]
_OWN = tuple(
    os.path.realpath(path)
    for path in {*sys.path, sys.prefix, sys.base_prefix, str(_ROOT), "/usr/share/zoneinfo"}
    if path
)


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watched:
        return
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.fork"):
        raise AssertionError(f"the document caused {event}")
    if event == "open" and isinstance(arguments[0], str) and not os.path.realpath(arguments[0]).startswith(_OWN):
        raise AssertionError(f"the document opened {arguments[0]}")


@functools.cache
def _listen() -> None:
    """Once it is there it stays, and costs a little at each call that Python tells of: only where it is needed."""
    sys.addaudithook(_guard)


def cpu_seconds() -> float:
    """What this process and its children have worked: on a busy machine the clock says little."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Python itself fails the test on a connection, a process, or a file outside of what it runs from."""
    global _watched
    monkeypatch.setattr("projects.sending.send", lambda task, key: True)
    _listen()
    start = cpu_seconds()
    _watched = True
    yield
    _watched = False
    assert cpu_seconds() - start < 5


def cases() -> list[Any]:
    own = [pytest.param(data, status, id=name) for name, (data, status) in OWN.items()]
    given = [pytest.param(path, 422 if path.name in REFUSED else 201, id=path.name, marks=here) for path in BAD]
    return own + given


def content(source: Any) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else bytes(source)


def is_sentence(text: str) -> bool:
    return text.endswith(".") and " " in text and "Traceback" not in text and "root:" not in text


@pytest.mark.parametrize(("source", "status"), cases())
def test_by_the_api(
    shop: Project, alice_client: Client, source: Any, status: int, request: pytest.FixtureRequest
) -> None:
    file = SimpleUploadedFile("document", content(source))
    request.getfixturevalue("guarded")
    answer = alice_client.post("/openapi/analyze", {"project_id": shop.pk, "file": file})
    assert answer.status_code == status
    found = answer.json()
    if status == 422:
        assert is_sentence(found["error"]["message"])
        assert {detail["field"] for detail in found["error"]["details"]} == {"file"}
        assert (OpenApiSpec.objects.count(), Endpoint.objects.count()) == (0, 0)
    else:
        assert all(is_sentence(one["message"]) for one in found["warnings"])
        assert "root:" not in json.dumps(found)


@pytest.mark.parametrize(("source", "status"), cases())
def test_by_the_page(
    shop: Project, alice_client: Client, source: Any, status: int, request: pytest.FixtureRequest
) -> None:
    file = SimpleUploadedFile("document", content(source))
    request.getfixturevalue("guarded")
    answer = alice_client.post(reverse("projects:import", args=[shop.pk]), {"way": "file", "file": file})
    assert answer.status_code == (422 if status == 422 else 302)
    html = answer.content.decode()
    if status == 422:
        assert html.count('data-problem="file"') == 1
        assert OpenApiSpec.objects.count() == 0
    else:
        html = alice_client.get(answer.headers["Location"]).content.decode()
        assert Endpoint.objects.exists() or "No endpoints" in html
    assert "Traceback" not in html
    assert "root:" not in html
    assert "<script>alert" not in html


@pytest.mark.parametrize(("source", "status"), [case for case in cases() if case.values[1] == 201])
def test_its_validation_ends(
    shop: Project, alice_client: Client, source: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process that its own guard keeps from opening anything (test_validation.py)."""
    monkeypatch.setattr("projects.validation.run_child", warm_child.run_child)
    file = SimpleUploadedFile("document", content(source))
    key = alice_client.post("/openapi/analyze", {"project_id": shop.pk, "file": file}).json()["id"]
    assert validation.validate(key)
    found = alice_client.get(f"/openapi/{key}").json()["validation"]
    assert found["state"] == "done"
    assert all(one["message"].strip() for one in found["findings"])
    assert "root:" not in json.dumps(found)


NESTED = (b"[", b'{"a":', b"- ", b"a: [", b"? ")


@pytest.mark.parametrize("opening", NESTED)
def test_eighteen_megabytes_of_nesting_end_in_a_sentence(shop: Project, alice_client: Client, opening: bytes) -> None:
    file = SimpleUploadedFile("deep", opening * (18 * 1024**2 // len(opening)))
    start = cpu_seconds()
    answer = alice_client.post("/openapi/analyze", {"project_id": shop.pk, "file": file})
    assert answer.status_code in (413, 422)
    assert is_sentence(answer.json()["error"]["message"])
    assert cpu_seconds() - start < 5


@here
@pytest.mark.parametrize("by", ["api", "page"])
def test_thirty_megabytes_of_nesting_are_too_large(
    shop: Project, alice_client: Client, tmp_path: Path, by: str
) -> None:
    path = tmp_path / "nested.json"
    subprocess.run([sys.executable, str(GENERATOR), str(path)], check=True, capture_output=True)
    file = SimpleUploadedFile("nested.json", path.read_bytes())
    if by == "api":
        answer = alice_client.post("/openapi/analyze", {"project_id": shop.pk, "file": file})
        assert answer.status_code == 413
        assert "20 MB" in answer.json()["error"]["message"]
    else:
        answer = alice_client.post(reverse("projects:import", args=[shop.pk]), {"way": "file", "file": file})
        assert answer.status_code == 422
        assert "20 MB" in answer.content.decode()
    assert (OpenApiSpec.objects.count(), DocumentImport.objects.count()) == (0, 0)


def test_a_crowd_of_values_ends_in_a_sentence(shop: Project, alice_client: Client) -> None:
    crowd = b'{"openapi": "3.0.0", "paths": {"/a": {"get": {"x": [' + b"{}," * 6_000_000 + b"0]}}}}"
    answer = alice_client.post(
        "/openapi/analyze", {"project_id": shop.pk, "file": SimpleUploadedFile("crowd.json", crowd)}
    )
    assert answer.status_code in (201, 413)
    assert answer.status_code == 201 or is_sentence(answer.json()["error"]["message"])


def test_what_needs_more_memory_than_there_is_ends_in_a_sentence(
    shop: Project, alice_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projects.reading.LIMITS", child.Limits(50 * 1024**2, 10, 10, 0))
    document = json.dumps(with_paths({}, info={"title": "T", "description": "x" * 10_000_000}))
    answer = alice_client.post(
        "/openapi/analyze", {"project_id": shop.pk, "file": SimpleUploadedFile("a", document.encode())}
    )
    assert answer.status_code == 413
    assert "more memory or time" in answer.json()["error"]["message"]
    assert OpenApiSpec.objects.count() == 0


def test_half_a_gigabyte_is_enough_for_all_of_them() -> None:
    program = (
        "import sys\nfrom projects.reading import _read\nfrom projects.openapi import DocumentError\n"
        "for path in sys.argv[1:]:\n"
        "    try: _read(open(path, 'rb').read(), '', '')\n"
        "    except DocumentError: pass\n"
        # Not ru_maxrss: that begins with what the process had which started it.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, BAD)], cwd=_ROOT, capture_output=True, check=True, timeout=60
    )
    assert int(done.stdout) / 1024 < 500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0  # the process that asked is alive


def test_a_large_document_is_read_elsewhere_and_the_same(shop: Project, alice_client: Client) -> None:
    document = with_paths({"/a": {"get": {"summary": "한국어"}}}, info={"title": "T", "description": "x" * 300_000})
    file = SimpleUploadedFile("large.json", json.dumps(document).encode())
    answer = alice_client.post("/openapi/analyze", {"project_id": shop.pk, "file": file})
    assert (answer.status_code, Endpoint.objects.get().summary) == (201, "한국어")


def test_only_so_many_are_read_at_once(shop: Project, alice_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects.reading._room", threading.BoundedSemaphore(1))
    monkeypatch.setattr("projects.reading.PATIENCE", 0.05)
    document = json.dumps(with_paths({}, info={"title": "T", "description": "x" * 300_000}))
    with reading._room:
        answer = alice_client.post(
            "/openapi/analyze", {"project_id": shop.pk, "file": SimpleUploadedFile("a", document.encode())}
        )
    assert answer.status_code == 503
    assert "Try again in a minute" in answer.json()["error"]["message"]
