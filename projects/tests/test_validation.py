"""The validation of documents, in the background and in a process of its own."""

import io
import json
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from projects import child, validation
from projects.findings import sentence_of
from projects.models import OpenApiSpec, Project, Validation
from projects.spec_import import analyze
from projects.tests import warm_child
from projects.tests.documents import ORDERS, with_paths

OK = {"responses": {"200": {"description": "ok"}}}


def looked_at(document: Any) -> dict[str, Any]:
    """What the child process answers about `document`."""
    text = document if isinstance(document, str) else json.dumps(document)
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as answer:
        question.write(text.encode())
        question.seek(0)
        assert warm_child.run_child("projects.validation_child", validation.LIMITS, question, answer) == 0
        answer.seek(0)
        return dict(json.load(answer))


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is done with an answer. How the child is really started: the test of an import."""
    monkeypatch.setattr("projects.validation.run_child", warm_child.run_child)


def sentences(document: Any) -> list[tuple[str, str]]:
    return [(one["where"], str(sentence_of(one))) for one in looked_at(document)["findings"]]


def test_a_good_document_has_no_findings() -> None:
    assert looked_at(with_paths({"/a": {"get": OK}})) == {"findings": [], "count": 0}


def test_a_finding_has_its_place_and_a_sentence() -> None:
    paths = {
        "/a": {"get": {"responses": {"200": {}}}, "put": {**OK, "tags": "one"}},
        "/b/{id}": {"get": OK},
        "/c": {"post": {**OK, "operationId": "x"}, "get": {**OK, "operationId": "x"}},
    }
    found = sentences({**with_paths(paths), "openapi": "3.0.3"})
    assert ("PUT /a: tags", '"one" stands where OpenAPI wants this type: array.') in found
    assert ("GET /b/{id}", "The path and its parameters do not agree about “id”.") in found
    assert ("GET /c", "The operationId “x” is given twice.") in found
    assert any(where.startswith("GET /a: responses") for where, _said in found)


def test_request_bodies_and_named_schemas_are_looked_at_too() -> None:
    bad = {"type": "integer", "default": "five"}
    body = {"requestBody": {"content": {"application/json": {"schema": bad}}}}
    document = with_paths({"/a": {"post": {**OK, **body}}}, components={"schemas": {"Bad": {**bad, "default": "six"}}})
    found = sentences({**document, "openapi": "3.0.3"})
    assert ("POST /a", "'five' stands where OpenAPI wants this type: integer.") in found
    assert ("components/schemas/Bad", "'six' stands where OpenAPI wants this type: integer.") in found


def test_integer_keys_are_understood() -> None:
    text = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {responses: {200: {description: ok}}}}}"
    assert looked_at(text) == {"findings": [], "count": 0}


def test_an_unknown_version_is_said() -> None:
    assert sentences({**with_paths({}), "openapi": "9.9.9"}) == [
        ("", "Version “9.9.9” of OpenAPI is not known to the validator. It did not look.")
    ]


def test_what_the_validator_stumbles_over_does_not_stop_it() -> None:
    found = sentences({**with_paths({"/a": {"get": {"parameters": [5], "responses": 5}}}), "info": 5})
    assert any(where == "info" for where, _said in found)
    assert any("could not look at all of it" in said for _where, said in found)


def test_a_thousand_findings_are_counted_and_two_hundred_kept() -> None:
    found = looked_at({**with_paths({f"/a{number}/{{id}}": {"get": OK} for number in range(500)})})
    assert (len(found["findings"]), found["count"]) == (200, 500)


@pytest.fixture
def trap() -> Iterator[tuple[str, list[str]]]:
    """A server that notes who connects."""
    seen: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            try:
                server.accept()[0].close()
                seen.append("connected")
            except TimeoutError:
                continue

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
    over.set()
    thread.join()
    server.close()


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
def test_no_reference_is_followed(trap: tuple[str, list[str]], version: str, tmp_path: Path) -> None:
    url, seen = trap
    secret = tmp_path / "secret.json"
    secret.write_text('{"type": "object", "description": "s3cret"}')
    outside = [f"{url}/a.json", f"{secret}", f"file://{secret}", f"../{secret.name}#/x", "//127.0.0.1/x", "a.json"]
    schemas: dict[str, Any] = {f"S{number}": {"$ref": ref} for number, ref in enumerate(outside)}
    schemas["Moved"] = {"$id": f"{url}/here", "$schema": f"{url}/dialect", "allOf": [{"$ref": "#/$defs/x"}]}
    schemas["Moved"]["default"] = 5
    schemas["Dynamic"] = {"$dynamicRef": f"{url}/d#x", "default": 5}
    media = {"schema": {"$ref": f"{url}/body.json"}}
    paths = {
        "/a": {"$ref": f"{url}/path.json"},
        "/b": {"post": {**OK, "parameters": [{"$ref": f"{url}/p.json"}], "requestBody": {"content": {"x/y": media}}}},
    }
    document = {**with_paths(paths, components={"schemas": schemas}), "openapi": version, "$self": url}
    found = looked_at({**document, "jsonSchemaDialect": f"{url}/dialect"})
    assert seen == []
    assert "s3cret" not in json.dumps(found)
    told = [one["values"]["ref"] for one in found["findings"] if one["kind"] == "outside"]
    assert set(outside) <= set(told)


WOULD_OPEN = (
    "import socket; socket.create_connection(('127.0.0.1', 9))",
    "import socket; socket.getaddrinfo('example.com', 80)",
    "open('/etc/hostname').read()",
    "open('/tmp/x.json', 'w')",
    "import subprocess; subprocess.run(['true'])",
    "import os; os.system('true')",
    "import urllib.request as u; u.urlopen('file:///etc/hostname')",
)
TRY_EACH = """
import os, sys
import projects.validation_child as v
for code in sys.argv[1:]:
    if not (child := os.fork()):
        sys.addaudithook(v._guard)
        try:
            exec(code)
        except PermissionError:
            os._exit(3)
        finally:
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_even_a_library_that_would_open_something_cannot() -> None:
    command = [sys.executable, "-c", TRY_EACH, *WOULD_OPEN]
    done = subprocess.run(command, capture_output=True, text=True, cwd=child.ROOT, timeout=60, check=False)
    refused = dict(zip(WOULD_OPEN, done.stdout.split(), strict=True))
    assert set(refused.values()) == {"3"}, refused


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('"a" is a required property', "“a” is missing."),
        ("'a' is a required property", "“a” is missing."),
        ("5 is not of type 'object', 'boolean'", "5 stands where OpenAPI wants this type: object, boolean."),
        ("Additional properties are not allowed ('a', 'b' were unexpected)", "OpenAPI knows no 'a', 'b' here."),
        ("{} has less than 1 property", "There has to be at least one entry."),
        ("'x' is not a 'date-time'", "'x' is no date-time."),
        ("something new", "The validator says: something new"),
        ("100 % (%s) new", "The validator says: 100 % (%s) new"),
    ],
)
def test_what_the_library_says_becomes_a_sentence(said: str, sentence: str) -> None:
    assert str(sentence_of({"kind": "said", "values": {"message": said}})) == sentence


def row_of(spec: OpenApiSpec) -> Validation:
    return Validation.objects.get(openapi_spec=spec)


def test_an_import_asks_for_it_and_a_worker_does_it(
    shop: Project, django_capture_on_commit_callbacks: Any, alice_client: Client
) -> None:
    with mock.patch("projects.sending.send") as send, django_capture_on_commit_callbacks(execute=True):
        spec = analyze(shop, text=json.dumps(with_paths({"/a/{id}": {"get": OK}}))).spec
    assert send.call_args.args == ("validate_document", spec.pk)
    assert alice_client.get(f"/openapi/{spec.pk}").json()["validation"]["state"] == "waiting"
    assert validation.validate(spec.pk)
    assert alice_client.get(f"/openapi/{spec.pk}").json()["validation"] == {
        "state": "done",
        "message": "",
        "finding_count": 1,
        "findings": [
            {"where": "GET /a/{id}", "message": "The path and its parameters do not agree about “id”."},
        ],
    }


@pytest.mark.usefixtures("warm")
def test_the_same_text_is_not_validated_again_but_a_new_one_is(shop: Project) -> None:
    spec = analyze(shop, text=ORDERS).spec
    validation.validate(spec.pk)
    analyze(shop, text=ORDERS)
    assert row_of(spec).state == "done"
    analyze(shop, text=ORDERS.replace("주문", "새 주문").replace("새 주문 API", "주문 API") + "\nx-new: 1")
    assert row_of(spec).state == "waiting"


def test_a_result_about_an_older_text_is_dropped(shop: Project) -> None:
    spec = analyze(shop, text=ORDERS).spec

    def newer(*args: Any) -> dict[str, Any]:
        analyze(shop, text=ORDERS + "\nx-new: 1")
        return {"findings": [], "count": 0}

    with mock.patch("projects.validation._look", side_effect=newer):
        validation.validate(spec.pk)
    assert row_of(spec).state == "waiting"


def test_one_at_a_time(shop: Project) -> None:
    first = analyze(shop, text=ORDERS).spec
    second = analyze(shop, text=json.dumps(with_paths({"/a": {"get": OK}}))).spec
    Validation.objects.filter(openapi_spec=first).update(state="running", changed_at=timezone.now())
    assert not validation.validate(second.pk)
    assert row_of(second).state == "waiting"


@pytest.mark.usefixtures("warm")
def test_nothing_is_validated_while_a_load_test_runs(orders: OpenApiSpec, alice_client: Client) -> None:
    run = orders.project.test_histories.create(title="r", job_name="r")
    assert not validation.validate(orders.pk)
    address = reverse("projects:spec-findings", args=[orders.pk])
    assert "waits for the running load test" in alice_client.get(address).content.decode()
    type(run).objects.update(is_completed=True)
    assert validation.validate(orders.pk)
    assert row_of(orders).state == "done"


@pytest.mark.parametrize("output", [b"", b"{", b"null"])
def test_a_child_that_dies_ends_it_with_a_sentence(orders: OpenApiSpec, output: bytes, alice_client: Client) -> None:
    def dies(module: str, limits: child.Limits, question: Any, answer: io.BytesIO, *more: Any) -> int:
        answer.write(output)
        return -9

    with mock.patch("projects.validation.run_child", side_effect=dies):
        validation.validate(orders.pk)
    assert row_of(orders).state == "failed"
    html = alice_client.get(reverse("projects:spec-findings", args=[orders.pk])).content.decode()
    assert "did not end: the document needs more time or memory" in html
    assert "hx-trigger" not in html


def lost(spec: OpenApiSpec, attempts: int) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    Validation.objects.filter(openapi_spec=spec).update(state="running", attempts=attempts, changed_at=long_ago)


@pytest.mark.usefixtures("warm")
def test_a_worker_that_was_killed_is_found_and_it_is_done_again(orders: OpenApiSpec) -> None:
    lost(orders, 1)
    assert validation.tend(timezone.now()) == [orders.pk]
    validation.validate(orders.pk)
    assert row_of(orders).state == "done"


def test_what_kills_two_workers_is_said_not_to_have_ended(orders: OpenApiSpec, alice_client: Client) -> None:
    lost(orders, 2)
    found = alice_client.get(f"/openapi/{orders.pk}").json()["validation"]  # nobody tends here: no worker, no beat
    assert found["state"] == "failed"
    assert "interrupted twice" in found["message"]
    assert validation.tend(timezone.now()) == []


def test_reading_it_again_starts_a_failed_one_anew(shop: Project, orders: OpenApiSpec) -> None:
    Validation.objects.update(state="failed", attempts=2)
    analyze(shop, text=ORDERS)
    assert (row_of(orders).state, row_of(orders).attempts) == ("waiting", 0)


@pytest.mark.usefixtures("warm")
def test_the_page_asks_until_it_has_ended(orders: OpenApiSpec, alice_client: Client) -> None:
    address = reverse("projects:spec-findings", args=[orders.pk])
    assert "hx-trigger" in alice_client.get(address).content.decode()
    validation.validate(orders.pk)
    html = alice_client.get(address).content.decode()
    assert "hx-trigger" not in html
    assert "valid OpenAPI 3.1.0" in html


@pytest.mark.usefixtures("warm")
def test_findings_are_read_in_the_readers_language(shop: Project) -> None:
    spec = analyze(shop, text=json.dumps(with_paths({"/a/{id}": {"get": OK}}))).spec
    validation.validate(spec.pk)
    with translation.override("ko"):
        assert "니다" in validation.shown(spec)["findings"][0]["message"]


def ask_child(program: str, limits: child.Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Runs `program` as the module of a child; its exit code and what it printed."""
    (tmp_path / "asked.py").write_text(f"def main():\n    {program}\n")
    (tmp_path / "projects").symlink_to(child.ROOT / "projects")
    monkeypatch.setattr("projects.child.ROOT", tmp_path)
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as answer:
        code = child.run_child("asked", limits, question, answer)
        answer.seek(0)
        return code, answer.read().decode()


def test_the_child_runs_at_the_lowest_priority_and_within_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, resource as r; print(os.nice(0), r.getrlimit(r.RLIMIT_AS)[0], r.getrlimit(r.RLIMIT_CPU)[0], "
        "r.getrlimit(r.RLIMIT_CORE)[0], 'SECRET_KEY' in os.environ)"
    )
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    code, said = ask_child(program, validation.LIMITS, tmp_path, monkeypatch)
    assert (code, said.split()) == (0, ["19", str(2 * 1024**3), "180", "0", "False"])


@pytest.mark.parametrize(
    ("program", "limits"),
    [
        ("import time; time.sleep(60)", child.Limits(10**9, 10, 0.1, 0)),
        ("x = bytearray(10**9)", child.Limits(3 * 10**8, 10, 20, 0)),
        ("while True: pass", child.Limits(10**9, 1, 20, 0)),
    ],
)
def test_a_child_that_takes_too_much_is_ended(
    program: str, limits: child.Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask_child(program, limits, tmp_path, monkeypatch)[0] != 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, whose kernel ends a child with its parent")
def test_a_child_ends_with_the_process_that_started_it() -> None:
    start = (
        "import subprocess, sys, os, time; from projects.child import bound\n"
        "code = 'import sys, time; from projects.child import bound; bound(10**9, 60, 0, int(sys.argv[1]));"
        "print(flush=True); time.sleep(60)'\n"
        "process = subprocess.Popen([sys.executable, '-c', code, str(os.getpid())], stdout=subprocess.PIPE)\n"
        "process.stdout.readline(); print(process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", start], cwd=child.ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    started = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([started], timeout=5)
    assert not started.is_running() or started.status() == psutil.STATUS_ZOMBIE
