"""Open streams without threads: a small ASGI application before Django, for the address of the live messages and others
like it.

Django decides, with all its middleware, whether and to what a caller may listen (`k6_data`); then its request is over,
its thread and its database connection are free, and the stream goes on on the event loop alone.
"""

import asyncio
import contextlib
import logging
import re
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from types import FrameType
from typing import Any, Protocol

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils.translation import gettext as _

from history.live.rights import Right, lost
from metricvault.lib.asgi import App, Message, Receive, Scope, Send
from metricvault.lib.errors import Busy, TooMany

logger = logging.getLogger(__name__)
PATH = "/sse/k6-data"
LOOK = 3.0  # seconds between two looks at whether they who listen still may
KEEP_ALIVE = 20.0  # seconds after which a stream without messages says that it is alive
_OPENED_AT_ONCE = 4  # each takes a thread and a database connection while it lasts
_KEY = "metricvault.opening"


class Stream(Protocol):
    """An open stream: `close` ends it, called on its event loop; `parts` is what goes over the wire until then."""

    def close(self) -> None: ...

    def parts(self) -> AsyncGenerator[bytes, None]: ...


class Opening:
    """A request for a stream on its way through Django; the view fills in `stream`, or raises."""

    def __init__(self, streams: "Streams") -> None:
        self.stream: Stream | None = None
        self.right: Right | None = None
        self._streams = streams

    @staticmethod
    def of(request: HttpRequest) -> "Opening | None":
        """None where Django was called directly."""
        found: Opening | None = getattr(request, "scope", {}).get(_KEY)
        return found

    def admit(self, right: Right) -> None:
        """Raises `Busy` where this process serves enough streams, `TooMany` where the person has enough. The stream
        ends when `right` is lost."""
        self._streams.admit(right.user)
        self.right = right


class Streams:
    """The ASGI application: `PATH` and what `more` matches are streamed here, everything else is Django's."""

    def __init__(self, django: App, more: re.Pattern[str] | None = None) -> None:
        self._django, self._more = django, more
        self._doors = asyncio.Semaphore(_OPENED_AT_ONCE)
        self._open: dict[Stream, Right] = {}
        self._looking: asyncio.Task[None] | None = None
        self._of_user: Counter[int] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and self._is_stream(scope["path"]):
            await self._serve(scope, receive, send)
        else:
            await self._django(scope, receive, send)

    def _is_stream(self, path: str) -> bool:
        return path == PATH or (self._more is not None and self._more.fullmatch(path) is not None)

    def admit(self, user: int) -> None:
        """See `Opening.admit`."""
        if len(self._open) >= settings.METRICVAULT_MAX_STREAMS:
            raise Busy(_("Too many live pages are open. Close some, or try again later."))
        if not settings.METRICVAULT_OPEN_ACCESS and self._of_user[user] >= settings.METRICVAULT_MAX_USER_STREAMS:
            raise TooMany(_("You have too many live pages open. Close some."))

    def end_all(self) -> None:
        """Ends every stream; pages come back by themselves, to the next process."""
        for stream in tuple(self._open):
            stream.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        opening = Opening(self)
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)

        async with self._doors:
            await self._django({**scope, _KEY: opening}, receive, keep)
        if opening.stream is None or opening.right is None:
            for message in said:
                await send(message)
        elif said:  # else the caller has gone already
            await self._stream(opening.stream, opening.right, said[0], receive, send)

    async def _stream(self, stream: Stream, right: Right, start: Message, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        watch = asyncio.create_task(_close_when_gone(stream, receive))
        user = right.user
        self._open[stream] = right
        self._of_user[user] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_after())
        try:
            await send({**start, "headers": headers})
            async with contextlib.aclosing(stream.parts()) as parts:
                async for part in parts:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body"})
        except OSError:
            pass  # the caller has gone
        finally:
            del self._open[stream]
            self._of_user[user] -= 1
            if not self._of_user[user]:
                del self._of_user[user]
            watch.cancel()
            if not self._open and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look_after(self) -> None:
        """Ends the streams whose rights are lost."""
        while self._open:
            await asyncio.sleep(LOOK)
            gone = await asyncio.to_thread(_lost, set(self._open.values()))
            for stream, right in tuple(self._open.items()):
                if right in gone:
                    stream.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._end_with_the_process()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def _end_with_the_process(self) -> None:
        """A server that is told to end waits for open streams, so they have to hear of it, too."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def ending(number: int, frame: FrameType | None, before: Any = before) -> None:
                loop.call_soon_threadsafe(self.end_all)
                if callable(before):
                    before(number, frame)

            with contextlib.suppress(ValueError):  # not the main thread: nobody sends it signals
                signal.signal(number, ending)


def _lost(rights: set[Right]) -> set[Right]:
    """None of them, where the database is away for a moment."""
    try:
        return lost(rights)
    except Exception:
        logger.warning("nobody looked whether they who listen still may", exc_info=True)
        return set()
    finally:
        connection.close()


async def _close_when_gone(stream: Stream, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.close()
