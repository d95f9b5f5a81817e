"""Talks to a demo shop without a network: the whole ASGI path, but no sockets."""

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx

from demo.app import Demo

Call = tuple[str, str, dict[str, Any]]


def ask_all(shop: Demo, calls: Iterable[Call]) -> list[httpx.Response]:
    """Sends every (method, address, httpx arguments) at once."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=shop)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await asyncio.gather(*(client.request(method, url, **rest) for method, url, rest in calls))

    return asyncio.run(ask())


def ask(shop: Demo, method: str, url: str, **rest: Any) -> httpx.Response:
    return ask_all(shop, [(method, url, rest)])[0]
