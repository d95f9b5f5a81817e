"""Asking k6's dashboard: one file in a thread, the stream of events on the event loop."""

import asyncio
import http.client
from collections.abc import AsyncGenerator
from contextlib import aclosing

import h11  # HTTP/1.1 without sockets, which uvicorn stands on as well: no client in use here streams on an event loop

from loadtests.runners import Door

_CONNECT, _ANSWER = 3.0, 10.0  # seconds
_MOST = 8 * 1024 * 1024  # bytes, of a file and of one event


class Broken(Exception):
    """The dashboard did not answer as one does."""


def fetch(door: Door, path: str) -> bytes | None:
    """A file; None where the dashboard has none of that name. Raises `Broken`."""
    if door.tls is None:
        connection = http.client.HTTPConnection(door.host, door.port, timeout=_ANSWER)
    else:
        connection = http.client.HTTPSConnection(door.host, door.port, timeout=_ANSWER, context=door.tls)
    try:
        connection.request("GET", door.prefix + path, headers=dict(door.headers))
        answer = connection.getresponse()
        content = answer.read(_MOST + 1)
    except (OSError, http.client.HTTPException) as error:
        raise Broken(type(error).__name__) from error
    finally:
        connection.close()
    if answer.status == 404:
        return None
    if answer.status != 200 or len(content) > _MOST:
        raise Broken(f"HTTP {answer.status}")
    return content


async def events(door: Door, path: str, first: str) -> AsyncGenerator[bytes, None]:
    """The server-sent events at `path`, one by one and without the empty line after each; those from number `first`
    on, "" for all. Leaving it drops the connection at once. Raises `Broken`, OSError, TimeoutError."""
    more = [("Last-Event-ID", first)] if first else []
    left = b""
    async with aclosing(_body(door, path, [("Accept", "text/event-stream"), *more])) as parts:
        async for part in parts:
            *whole, left = (left + part).split(b"\n\n")
            for event in whole:
                yield event
            if len(left) > _MOST:
                raise Broken("an event without an end")


async def _body(door: Door, path: str, headers: list[tuple[str, str]]) -> AsyncGenerator[bytes, None]:
    name = door.host if door.tls else None
    opening = asyncio.open_connection(door.host, door.port, ssl=door.tls, server_hostname=name)
    reader, writer = await asyncio.wait_for(opening, _CONNECT)
    try:
        machine = h11.Connection(h11.CLIENT)
        host = f"[{door.host}]" if ":" in door.host else door.host
        wanted = [("Host", f"{host}:{door.port}"), *door.headers.items(), *headers]
        asked = machine.send(h11.Request(method="GET", target=door.prefix + path, headers=wanted))
        writer.write((asked or b"") + (machine.send(h11.EndOfMessage()) or b""))
        while True:
            event = machine.next_event()
            if event is h11.NEED_DATA:
                machine.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Response) and event.status_code != 200:
                raise Broken(f"HTTP {event.status_code}")
            elif isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                return
    except h11.ProtocolError as error:
        raise Broken(str(error)) from error
    finally:
        writer.transport.abort()  # not one moment longer: k6 waits for it to be gone
