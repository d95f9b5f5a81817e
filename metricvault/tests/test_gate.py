"""What a web process holds for every request, before Django and beside it."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from history.tests.asgi_client import Call
from metricvault import gate
from metricvault.gate import Gate
from metricvault.lib.asgi import Receive, Scope, Send

MB = 1024 * 1024


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and says how long it was."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"SAMEORIGIN")]})
    await send({"type": "http.response.body", "body": str(size).encode()})


def answer(path: str, body: bytes = b"", *, client: str = "127.0.0.1", server: str = "127.0.0.1", **more: str) -> Call:
    """What the gate says; its headers and `content`."""

    async def scene() -> Call:
        call = Call(Gate(application), path, method=more.pop("method", "GET"), **more)
        call._scope |= {"client": (client, 5), "server": (server, 80)}
        await call.send(body)
        call.content = await call.body()  # type: ignore[attr-defined]
        await call.__aexit__()
        return call

    return asyncio.run(scene())


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize(
    "ends",
    [{"client": "192.0.2.7"}, {"server": "192.0.2.1"}, {"x_forwarded_for": "192.0.2.7"}],
    ids=["from elsewhere", "by another address", "by a proxy"],
)
def test_a_copy_without_login_answers_its_own_machine(settings: Settings, ends: dict[str, str], guarded: bool) -> None:
    settings.METRICVAULT_OPEN_ACCESS = guarded
    assert answer("/runs/", **ends).status == (403 if guarded else 200)
    assert answer("/runs/").status == answer("/runs/", client="::1", server="::1").status == 200


@pytest.mark.parametrize("path", ["/ingest/7/write", "/ingest/7/token/key"])
@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, 200),
        ({"host": "metricvault-web:8000"}, 200),
        ({"host": "evil.example"}, 400),
        ({"host": ""}, 400),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
    ],
)
def test_the_addresses_for_k6_know_their_name_and_no_page(
    settings: Settings, path: str, told: dict[str, str], status: int
) -> None:
    settings.METRICVAULT_INGEST_URL = "http://metricvault-web:8000"
    settings.METRICVAULT_OPEN_ACCESS = True
    found = answer(path, method="POST", client="10.1.2.3", **told)  # pods are elsewhere, and have a token
    assert found.status == status


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/project", 2 * MB, 200), ("/project", 2 * MB + 1, 413), ("/openapi/analyze", 3 * MB, 200)],
)
def test_a_body_is_as_large_as_its_address_takes(path: str, size: int, status: int) -> None:
    stated = {"content_length": str(size)}
    assert answer(path, b"x" * size, method="POST").status == status
    assert answer(path, b"x" * size, method="POST", **stated).status == status


def test_files_have_80_mb_and_no_more() -> None:
    assert answer("/test-history/import", method="POST", content_length=str(80 * MB)).status == 200
    assert answer("/test-history/import", method="POST", content_length=str(82 * MB)).status == 413


def test_all_together_have_so_much_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MOST_AT_ONCE", 100)
    found = answer("/project", b"x" * 101, method="POST")
    assert (found.status, found.headers["retry-after"]) == (503, "10")


def test_what_was_read_counts_no_longer_once_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MOST_AT_ONCE", 100)
    one = Gate(application)

    async def scene() -> list[int]:
        found = []
        for _turn in range(3):
            call = Call(one, "/project", method="POST")
            await call.send(b"x" * 60)
            await call.__aexit__()
            found.append(call.status)
        return found

    assert asyncio.run(scene()) == [200, 200, 200]


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_SECONDS", 0.02)

    async def scene() -> dict[str, Any]:
        said: list[Any] = []

        async def send(message: Any) -> None:
            said.append(message)

        never: Callable[[], Awaitable[Any]] = asyncio.Queue[Any]().get
        headers = [(b"host", b"localhost")]
        scope = {"type": "http", "method": "POST", "path": "/project", "headers": headers, "client": ("127.0.0.1", 5)}
        await asyncio.wait_for(Gate(application)(scope, never, send), 5)
        return {"status": said[0]["status"], **json.loads(said[1]["body"])}

    assert asyncio.run(scene())["status"] == 400


def test_every_answer_bears_the_headers_of_all() -> None:
    """Those that an answer has of its own come before them."""
    for found in (answer("/runs/"), answer("/ingest/7/write", origin="null", method="POST")):
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["cross-origin-resource-policy"] == "same-origin"
        assert found.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert found.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in found.headers
    assert answer("/runs/").headers["x-frame-options"] == "SAMEORIGIN"


def test_behind_tls_they_say_that_it_stays_so(settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    assert answer("/").headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


# Whether the server starts at all: asked while it loads the application.


@pytest.mark.parametrize(
    ("bind", "told", "starts"),
    [
        ("127.0.0.1", {"host": "127.0.0.1"}, True),
        ("127.0.0.1", {"host": "localhost"}, True),
        ("127.0.0.1", {"host": "0.0.0.0"}, False),
        ("127.0.0.1", {"host": "::"}, False),
        ("127.0.0.1", {"host": "192.0.2.1"}, False),
        ("127.0.0.1", {"uds": "/tmp/socket"}, False),
        ("0.0.0.0", {"host": "127.0.0.1"}, False),
    ],
)
def test_no_server_starts_that_would_open_a_copy_to_others(
    settings: Settings, bind: str, told: dict[str, Any], starts: bool
) -> None:
    settings.METRICVAULT_OPEN_ACCESS, settings.METRICVAULT_BIND = True, bind
    server = uvicorn.Config("metricvault.listening:check_open_access", factory=True, log_config=None, **told)
    refusal = contextlib.nullcontext() if starts else pytest.raises(ImproperlyConfigured, match="Open access")
    with refusal:
        server.load()


def test_with_a_login_it_listens_where_it_is_told(settings: Settings) -> None:
    settings.METRICVAULT_OPEN_ACCESS, settings.METRICVAULT_BIND = False, "0.0.0.0"
    uvicorn.Config("metricvault.listening:check_open_access", host="0.0.0.0", factory=True, log_config=None).load()
