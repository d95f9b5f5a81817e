"""The outermost part of a web process: what it holds for every request, also for those that Django never sees.

A copy without login answers its own machine only; the addresses for k6 take only what was sent to them by name, and by
no web page; a body is as large and as slow as it may be; every answer bears the headers of all (`metricvault.headers`).
"""

import asyncio
import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from metricvault.headers import with_headers
from metricvault.lib.addresses import is_loopback
from metricvault.lib.asgi import App, Message, Receive, Scope, Send
from metricvault.lib.errors import Busy, Malformed, NotAllowed, ProductError, TooLarge
from metricvault.lib.origins import is_foreign

_FOR_K6 = "/ingest/"
_MB = 1024 * 1024
MOST = 2 * _MB  # bytes of a body
MOST_FILE = 81 * _MB  # where files are sent: a result of 80 MB with its envelope
MOST_AT_ONCE = 200 * _MB  # of all bodies under way in this process: they lie in memory, or in /tmp
_FILES = re.compile(
    r"/(openapi/analyze|data-file|plan/file|test-history/import|tests/import|runs/import/|projects/\d+/(import|data))"
)
_SECONDS = 30.0  # in which a body comes, and one more for each
_BYTES_A_SECOND = 64 * 1024
_Headers = Mapping[bytes, bytes]


class Gate:
    """An ASGI application before all others."""

    def __init__(self, rest: App) -> None:
        self._rest = rest
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the process."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        answer = _Answer(with_headers(send))
        headers: _Headers = dict(scope["headers"])
        body = _Body(self, receive, _most(scope["path"]))
        try:
            _check(scope, headers)
            body.check_length(headers.get(b"content-length", b""))
            await self._rest(scope, body.receive, answer.send)
        except ProductError as error:
            await answer.refuse(error)
        finally:
            self._under_way -= body.size

    def take(self, size: int) -> None:
        """So many bytes more are under way. Raises `Busy`."""
        if self._under_way + size > MOST_AT_ONCE:
            raise Busy("Too many large files are being sent. Try again in a moment.")
        self._under_way += size


def _check(scope: Scope, headers: _Headers) -> None:
    if scope["path"].startswith(_FOR_K6):
        _check_caller_of_k6(scope, headers)
    elif settings.METRICVAULT_OPEN_ACCESS and not all(map(is_loopback, _ends(scope, headers))):
        raise NotAllowed("This copy has no login: it answers to its own machine.")


def _ends(scope: Scope, headers: _Headers) -> list[str]:
    """Where the request came from, where it came in, and whom a proxy brought it from."""
    ends = [str(end[0]) for end in (scope.get("client"), scope.get("server")) if end]
    brought = headers.get(b"x-forwarded-for", b"").decode("latin-1")
    return ends + [address.strip() for address in brought.split(",") if address.strip()]


def _check_caller_of_k6(scope: Scope, headers: _Headers) -> None:
    """k6 is no browser, and was told where to go."""

    def header(name: str) -> str:
        return headers.get(name.encode(), b"").decode("latin-1")

    host = header("host")
    told = urlsplit(settings.METRICVAULT_INGEST_URL).hostname or ""
    name = split_domain_port(host)[0]
    if not name or (name.strip("[]") != told.lower() and not validate_host(name, settings.ALLOWED_HOSTS)):
        raise Malformed(
            "This copy is not known by that name. METRICVAULT_INGEST_URL and ALLOWED_HOSTS say which it has."
        )
    if is_foreign(scope["method"], header, host):
        raise NotAllowed("This request came from a web page.")


def _most(path: str) -> int:
    return MOST_FILE if _FILES.fullmatch(path) else MOST


class _Body:
    """What a caller sends, counted and timed; `ProductError` out of `receive` where it is too much or too slow."""

    def __init__(self, gate: Gate, receive: Receive, most: int) -> None:
        self.size = 0
        self._gate, self._receive, self._most = gate, receive, most
        self._ends: float | None = None
        self._is_whole = False

    def check_length(self, stated: bytes) -> None:
        """Before a byte of it is read."""
        if stated.isdigit() and int(stated[:20]) > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next part. Once the body is whole there is no hurry: what comes then is that the caller goes."""
        if self._is_whole:
            return await self._receive()
        now = asyncio.get_running_loop().time()
        self._ends = self._ends or now + _SECONDS
        try:
            async with asyncio.timeout_at(self._ends + self.size / _BYTES_A_SECOND):
                message = await self._receive()
        except TimeoutError:
            raise Malformed("The request came too slowly.") from None
        size = len(message.get("body", b""))
        if self.size + size > self._most:
            raise self._too_large()
        self._gate.take(size)
        self.size += size
        self._is_whole = not message.get("more_body")
        return message

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The request is too large; at most {self._most // _MB} MB are taken here.")


class _Answer:
    """What goes back; a refusal only where nothing went before."""

    def __init__(self, send: Send) -> None:
        self._send, self._begun = send, False

    async def send(self, message: Message) -> None:
        self._begun = True
        await self._send(message)

    async def refuse(self, error: ProductError) -> None:
        """The API's shape of an error. The rest of the body is not read, so the connection ends with it."""
        if self._begun:
            return
        content = json.dumps(error.as_dict()).encode()
        headers = {"content-type": "application/json", "content-length": str(len(content)), "connection": "close"}
        pairs = [(name.lower().encode(), value.encode()) for name, value in {**headers, **error.headers}.items()]
        await self._send({"type": "http.response.start", "status": error.status, "headers": pairs})
        await self._send({"type": "http.response.body", "body": content})
