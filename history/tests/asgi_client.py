"""A caller of an ASGI application, without a server between: for tests of what stands before Django."""

import asyncio
import contextlib
import json
from typing import Any

from metricvault.lib.asgi import App


class Call:
    """One request under way: `status` and `headers` once it began to answer, `events()` of a stream as they come."""

    def __init__(self, app: App, path: str, query: str = "", *, method: str = "GET", **headers: str) -> None:
        given = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        self._scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 5),
            "server": ("localhost", 80),
        }
        self._app = app
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.status, self.headers, self.is_over = 0, dict[str, str](), False

    async def __aenter__(self) -> "Call":
        return await self.send(b"")

    async def send(self, body: bytes) -> "Call":
        """Sends the request with this body; returns once it is answered, or begins to be."""
        await self._to_app.put({"type": "http.request", "body": body, "more_body": False})
        self._task = asyncio.create_task(self._app(self._scope, self._to_app.get, self._put))
        start = await self._next()
        self.status = start["status"]
        self.headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return self

    async def _put(self, message: Any) -> None:
        await self._from_app.put(message)

    async def _next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._from_app.get(), 10)

    async def body(self) -> bytes:
        """The whole answer."""
        parts = []
        while True:
            message = await self._next()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(parts)

    async def events(self) -> list[tuple[str, Any]]:
        """The next part of a stream: (event, data) pairs. Nothing and `is_over` once it has ended."""
        message = await self._next()
        self.is_over = not message.get("more_body")
        found = []
        for event in filter(None, message.get("body", b"").decode().split("\n\n")):
            lines = (line.partition(":") for line in event.splitlines())
            fields = {name: value.strip() for name, _colon, value in lines}
            found.append((fields["event"], json.loads(fields["data"]) if fields["data"] else None))
        return found

    async def __aexit__(self, *problem: object) -> None:
        """Goes away, as a browser that is closed."""
        await self._to_app.put({"type": "http.disconnect"})
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(self._task, 10)
