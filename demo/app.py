"""The demo shop as an ASGI application without a framework: it is what load is aimed at, so it has to be quick."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from demo.answers import Answer, answer, find, refusal
from demo.counts import UNKNOWN, Count, Counts
from demo.document import document
from demo.routes import Route

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_MOST_BODY = 1024 * 1024
_STEPS = 100


class Demo:
    """Each instance is a shop with counts of its own."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._document = Answer(200, json.dumps(document(), ensure_ascii=False, indent=1).encode())

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            own = self._own_address(scope["method"], scope["path"])
            if own is not None:
                await _send(send, own)
            else:
                await self._shop(scope, receive, send)

    def _own_address(self, method: str, path: str) -> Answer | None:
        """The document and the counts, which are not counted themselves."""
        if path == "/openapi.json":
            return self._document if method == "GET" else refusal(405, "Only GET.")
        if path == "/__counts" and method == "GET":
            return Answer(200, json.dumps(self.counts.as_dict(), ensure_ascii=False).encode())
        if path == "/__counts/reset" and method == "POST":
            self.counts = Counts()
            return Answer(200, b'{"status":"reset"}')
        return refusal(404, "GET /__counts, or POST /__counts/reset.") if path.startswith("/__counts") else None

    async def _shop(self, scope: Message, receive: Receive, send: Send) -> None:
        """Counts the request, then takes its time, then answers. No await stands between finding out which number
        the request has and counting it, so concurrent requests cannot share one."""
        route, value, status = find(scope["method"], scope["path"])
        body = await _body(receive) if scope["method"] not in ("GET", "HEAD", "DELETE") else b""
        counts = self.counts.of(route.key if route else UNKNOWN, _run(scope))
        for count in counts:
            count.total += 1
        number = counts[1].total
        if route is None:
            reply = refusal(status, f"The shop has no {scope['method']} {scope['path']}.")
        elif body is None:
            reply = refusal(413, "At most 1 MB.")
        else:
            if body:
                self.counts.last_bodies[route.key] = body
            reply = _reply(route, number, value, scope, body)
        if reply.status >= 400:
            for count in counts:
                count.failed += 1
        if route is not None and route.high:
            await asyncio.sleep(delay(route, number))
        await _send(send, reply)
        _answered(counts)


def delay(route: Route, number: int) -> float:
    """Seconds that the `number`th request takes: a walk over a hundred even steps from low to high, out of order."""
    return (route.low + (route.high - route.low) * (number * 37 % _STEPS) / (_STEPS - 1)) / 1000


def _reply(route: Route, number: int, value: str, scope: Message, body: bytes) -> Answer:
    if route.fails_every and number % route.fails_every == 0:
        return refusal(503, f"Every {route.fails_every}th request fails here, and this was one.")
    return answer(route, value, scope["query_string"].decode("latin-1"), body)


def _answered(counts: tuple[Count, ...]) -> None:
    for count in counts:
        count.answered += 1


def _run(scope: Message) -> str:
    for name, value in scope["headers"]:
        if name == b"x-run":
            return str(value[:100].decode("latin-1"))
    return ""


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is larger than any order."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= _MOST_BODY:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= _MOST_BODY else None


async def _send(send: Send, reply: Answer) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(reply.body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
