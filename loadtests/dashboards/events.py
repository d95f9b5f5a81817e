"""A viewer's stream of a dashboard. It must never keep k6 alive, which waits at its end for everybody to be gone.

So k6's side is read as fast as it comes, however slowly the viewer reads, and dropped with the first of: k6's `stop`,
the viewer gone or too far behind, the run no longer running, `LONGEST` seconds. A page whose stream ended otherwise
than by `stop` opens a new one by itself, and goes on where it was.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.db import DatabaseError, connection

from history.live.streams import KEEP_ALIVE
from history.models import TestHistory
from history.states import Status
from loadtests.dashboards import upstream
from loadtests.k6.dashboard import EVENTS, is_stop, without_folder
from loadtests.runners import Door

logger = logging.getLogger(__name__)
LONGEST = 120.0  # seconds of one connection to k6, whatever happens
LOOK = 2.0  # seconds between two looks at the states of the runs that are shown
_ALIVE = b": alive\n\n"  # a comment
_MOST_WAITING = 4 * 1024 * 1024  # bytes that a viewer may be behind


class DashboardEvents:
    """An open stream, for `history.live.streams`; `first` is the event to begin with, "" for all there were."""

    def __init__(self, run: int, door: Door, first: str) -> None:
        self.run = run
        self._door, self._first = door, first
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._told = asyncio.Event()
        self._over = False
        self._reading: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Ends it; to be called on its event loop."""
        if self._reading is not None:
            self._reading.cancel()
        self._end()

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """What goes over the wire, until it is over."""
        if self._over:  # the viewer has gone before it began
            return
        self._reading = asyncio.create_task(self._read())
        _shown.add(self)
        try:
            yield _ALIVE  # so that the page knows at once that it is connected
            while self._waiting or not self._over:
                try:
                    async with asyncio.timeout(KEEP_ALIVE):
                        await self._told.wait()
                except TimeoutError:
                    yield _ALIVE
                    continue
                self._told.clear()
                part, self._size = b"".join(self._waiting), 0
                self._waiting.clear()
                if part:
                    yield part
        finally:
            _shown.discard(self)
            self.close()

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(LONGEST), aclosing(upstream.events(self._door, EVENTS, self._first)) as events:
                async for event in events:
                    self._tell(without_folder(event) + b"\n\n")
                    if is_stop(event) or self._size > _MOST_WAITING:
                        return
        except (upstream.Broken, OSError, TimeoutError) as error:
            logger.debug("run %s: k6's dashboard: %s", self.run, error)
        finally:
            self._end()

    def _tell(self, part: bytes) -> None:
        self._waiting.append(part)
        self._size += len(part)
        self._told.set()

    def _end(self) -> None:
        self._over = True
        self._told.set()


class _Shown:
    """All open streams of this process; one task looks after their runs, with one query for all."""

    def __init__(self) -> None:
        self._streams: set[DashboardEvents] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, stream: DashboardEvents) -> None:
        self._streams.add(stream)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_after())

    def discard(self, stream: DashboardEvents) -> None:
        self._streams.discard(stream)
        if not self._streams and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _look_after(self) -> None:
        while self._streams:
            await asyncio.sleep(LOOK)
            running = await asyncio.to_thread(_running, {stream.run for stream in self._streams})
            for stream in tuple(self._streams):
                if stream.run not in running:
                    stream.close()


_shown = _Shown()


def _running(runs: set[int]) -> set[int]:
    """Those that send load; all, where the database is away for a moment."""
    try:
        return set(TestHistory.objects.filter(pk__in=runs, status=Status.RUNNING).values_list("pk", flat=True))
    except DatabaseError:
        return runs
    finally:
        connection.close()
