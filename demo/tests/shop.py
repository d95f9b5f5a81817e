"""Talks to a demo shop without a network: the whole ASGI path, but no sockets."""

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx

from demo.app import Demo

Call = tuple[str, str, dict[str, Any]]


def ask_all(shop: Demo, calls: Iterable[Call], client: tuple[str, int] = ("127.0.0.1", 40000)) -> list[httpx.Response]:
    """Sends every (method, address, httpx arguments) at once, from `client`."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=shop, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client_:
            return await asyncio.gather(*(client_.request(method, url, **rest) for method, url, rest in calls))

    return asyncio.run(ask())


def ask(shop: Demo, method: str, url: str, **rest: Any) -> httpx.Response:
    return ask_all(shop, [(method, url, rest)])[0]


class Clock:
    """A fake clock that stands still until it is moved on."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now
