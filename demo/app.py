"""The demo shop as an ASGI application without a framework: it is what load is aimed at, so it has to be quick."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from demo.account import EXPIRES_IN, Account
from demo.answers import Answer, Request, refusal
from demo.control import control
from demo.counts import UNKNOWN, Count, Counts
from demo.document import document
from demo.recording import Recording
from demo.routes import Route, find
from demo.seconds import Seconds
from demo.shop import Shop

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_MOST_BODY = 1024 * 1024
_STEPS = 100
_JSON = (b"content-type", b"application/json")


class Demo:
    """Each instance is a shop with counts of its own. `clock`: seconds since 1970; `factor` multiplies all response
    times; `expires_in`: seconds that an OAuth2 token holds."""

    def __init__(self, expires_in: float = EXPIRES_IN, clock: Callable[[], float] = time.time) -> None:
        self.counts = Counts()
        self.seconds = Seconds()
        self.recording = Recording()
        self.account = Account(expires_in)
        self.document = Answer(200, json.dumps(document(), ensure_ascii=False, indent=1).encode())
        self.factor = 1.0
        self._shop = Shop(self.account)
        self._clock = clock
        self._frozen_until = 0.0

    def reset(self) -> None:
        """What was received is forgotten; orders, tokens and how the shop behaves stay."""
        self.counts = Counts()
        self.seconds.reset()
        self.recording.reset()
        self.account.granted.clear()

    def freeze(self, seconds: float) -> None:
        """Nothing is answered until then; what already waits for an earlier freeze to end waits for that at least."""
        self._frozen_until = time.monotonic() + seconds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"].startswith(("/__", "/openapi.json")):
                await _send(send, control(self, scope))
            else:
                await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Counts the request, then takes its time, then answers. No await stands between finding out which number
        the request has and counting it, so concurrent requests cannot share one."""
        route, value, status = find(scope["method"], scope["path"])
        now = self._clock()
        key = route.key if route else UNKNOWN
        self.seconds.arrived(key, scope.get("client"), now)
        try:
            body = await _body(receive) if scope["method"] not in ("GET", "HEAD", "DELETE") else b""
            counts = self.counts.of(key, _run(scope))
            for count in counts:
                count.total += 1
            number = counts[1].total
            if route is None:
                reply = refusal(status, f"The shop has no {scope['method']} {scope['path']}.")
            elif body is None:
                reply = refusal(413, "At most 1 MB.")
            else:
                if body:
                    self.counts.last_bodies[key] = body
                reply = self._reply(route, number, value, scope, body, now)
            if reply.status >= 400:
                for count in counts:
                    count.failed += 1
            if self.recording.on:
                self.recording.keep(scope, key, reply.status, body or b"", now)
            if self._frozen_until or (route is not None and route.high):
                await self._take_time(route, number)
            await _send(send, reply)
            _answered(counts)
        finally:
            self.seconds.left(self._clock())

    def _reply(self, route: Route, number: int, value: str, scope: Message, body: bytes, now: float) -> Answer:
        if route.fails_every and number % route.fails_every == 0:
            return refusal(503, f"Every {route.fails_every}th request fails here, and this was one.")
        query = scope["query_string"].decode("latin-1")
        return self._shop.answer(Request(route, value, query, scope["headers"], body, now))

    async def _take_time(self, route: Route | None, number: int) -> None:
        if self._frozen_until:
            await self._thaw()
        if route is not None and route.high and self.factor:
            await asyncio.sleep(delay(route, number) * self.factor)
            if self._frozen_until:
                await self._thaw()

    async def _thaw(self) -> None:
        while (left := self._frozen_until - time.monotonic()) > 0:
            await asyncio.sleep(left)
        self._frozen_until = 0.0


def delay(route: Route, number: int) -> float:
    """Seconds that the `number`th request takes: a walk over a hundred even steps from low to high, out of order."""
    return (route.low + (route.high - route.low) * (number * 37 % _STEPS) / (_STEPS - 1)) / 1000


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
    headers = [*reply.headers]
    if reply.status != 204:  # RFC 9110, 8.6: that one says no length
        headers += (_JSON, (b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
