"""The product with one more address, `/test-stream`: two events, the second one only once somebody has asked for
`/test-stream/next`. What stands before it can hold the first one back, or not."""

import asyncio

from metricvault.asgi import application as product
from metricvault.lib.asgi import Receive, Scope, Send

_next = asyncio.Event()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application."""
    path = scope.get("path", "")
    if not path.startswith("/test-stream"):
        await product(scope, receive, send)
        return
    kind = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": kind})
    if path.endswith("/next"):
        _next.set()
    else:
        _next.clear()
        await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
        await _next.wait()
        await send({"type": "http.response.body", "body": b"data: second\n\n", "more_body": True})
    await send({"type": "http.response.body"})
