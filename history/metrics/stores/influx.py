"""The store for production: InfluxDB by its 1.x API. docs/influxdb.md describes what lies where.

A snapshot is one point of `metricvault_snapshot`. Its time is not when it was measured but its place: when it was
taken in, in microseconds, and in the last three digits of the nanoseconds the number of its load generator. InfluxDB
overwrites a point of the same time and tags; places are never the same: one process gives each microsecond once, and
two processes that take the same one serve two generators, because a generator makes one push after another.
"""

import threading
import time
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from history.metrics.remote_write import Snapshot, to_bytes
from history.metrics.stores.base import Published
from history.metrics.stores.influx_lines import result_lines
from history.metrics.stores.influx_server import InfluxOptions, InfluxServer
from history.metrics.stores.unpacked import unpacked

__all__ = ["InfluxOptions", "InfluxStore"]

SNAPSHOTS = "metricvault_snapshots"  # retention policies
RESULTS = "metricvault_results"
_POINT = "metricvault_snapshot"
_PUBLISHED = ("metricvault_second", "metricvault_run_second", "metricvault_run")
_PART = 60_000  # characters; InfluxDB promises to keep strings of 64 KB
_PAGE = 200  # snapshots asked for at once
_LIGHT_PAGE = 20_000  # moments asked for at once
_LOOK_BACK = 1000  # newest places that are looked through for one that came late
_LOOK_EVERY = 1.0  # seconds
_LINES = 5000  # points written at once


@dataclass(slots=True)
class _Memory:
    """Which of the newest places a reader has seen, and when it last looked for others among them."""

    seen: set[int] = field(default_factory=set)
    looked: float = 0.0


class _Cursor(int):
    """A place, with what its reader remembers: web processes get their places before their snapshots arrive, so one
    may arrive behind another that was read."""

    memory: _Memory

    def __new__(cls, place: int, memory: _Memory) -> "_Cursor":
        cursor = super().__new__(cls, place)
        cursor.memory = memory
        return cursor


class _Clock:
    """Gives out microseconds, each once, never an earlier one, whatever the machine's clock does."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def take(self) -> int:
        """The microseconds since the epoch, or a little later."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return self._last


_clock = _Clock()


class InfluxStore:
    """Snapshots as points under a short retention policy; published seconds under a long one."""

    outside = True

    def __init__(self, options: InfluxOptions) -> None:
        policies = {SNAPSHOTS: options.snapshot_days, RESULTS: options.second_days}
        self._server = InfluxServer(options, policies)

    def write(self, run_id: int, snapshots: list[Snapshot]) -> None:
        """One request; InfluxDB answers once the points are in its log on disk."""
        lines = []
        for snapshot in snapshots:
            payload = to_bytes(snapshot)
            unpacked.remember([(snapshot, payload)])
            lines.append(_line(run_id, snapshot, payload))
        if lines:
            self._server.write(lines, SNAPSHOTS)

    def read(self, run_id: int, since: int = 0) -> Iterator[tuple[int, Snapshot]]:
        """By moment, or what arrived since; in pages, so that a long run need not fit into memory."""
        return self._read_on(run_id, since) if since else self._read_all(run_id)

    def _read_all(self, run_id: int) -> Iterator[tuple[int, Snapshot]]:
        """Snapshots come by place and leave by moment: those that wait for an earlier one wait packed."""
        moments = list(self._moments(run_id))
        order = [place for _moment, place in sorted((moment, place) for place, moment in moments)]
        memory = _Memory()
        waiting: dict[int, bytes] = {}
        given = 0
        last = moments[-1][0] if moments else 0
        for place, payload in self._payloads(run_id, 0, last):
            waiting[place] = payload
            memory.seen.add(place)
            while given < len(order) and order[given] in waiting:
                yield _Cursor(order[given], memory), unpacked.of(waiting.pop(order[given]))
                given += 1
        for place in order[given:]:
            if place in waiting:
                yield _Cursor(place, memory), unpacked.of(waiting.pop(place))

    def _read_on(self, run_id: int, since: int) -> Iterator[tuple[int, Snapshot]]:
        memory: _Memory = getattr(since, "memory", None) or _Memory()
        newest = int(since)
        for place, payload in self._payloads(run_id, newest):
            newest = place
            memory.seen.add(place)
            yield _Cursor(newest, memory), unpacked.of(payload)
        if newest == since or time.monotonic() - memory.looked >= _LOOK_EVERY:
            memory.looked = time.monotonic()
            for place, payload in self._missed(run_id, newest, memory):
                memory.seen.add(place)
                yield _Cursor(newest, memory), unpacked.of(payload)

    def _missed(self, run_id: int, newest: int, memory: _Memory) -> Iterator[tuple[int, bytes]]:
        """What lies among the newest places and was not seen."""
        where = f"time <= {newest} ORDER BY time DESC LIMIT {_LOOK_BACK}"
        places = {int(row["time"]) for row in self._snapshots(run_id, "moment", where)}
        memory.seen &= places
        missed = places - memory.seen
        if missed:
            found = self._payloads(run_id, min(missed) - 1, max(missed))
            yield from ((place, payload) for place, payload in found if place in missed)

    def _moments(self, run_id: int) -> Iterator[tuple[int, float]]:
        """(place, moment) of all snapshots, by place."""
        after, found = 0, _LIGHT_PAGE
        while found == _LIGHT_PAGE:
            found = 0
            for row in self._snapshots(run_id, "moment", f"time > {after} ORDER BY time LIMIT {_LIGHT_PAGE}"):
                after, found = int(row["time"]), found + 1
                yield after, float(row["moment"])

    def _payloads(self, run_id: int, after: int, until: int = 0) -> Iterator[tuple[int, bytes]]:
        """(place, packed snapshot) by place. A point that is not whole has not arrived yet."""
        end, found = f" AND time <= {until}" if until else "", _PAGE
        while found == _PAGE:
            found = 0
            for row in self._snapshots(run_id, "/^part_/", f"time > {after}{end} ORDER BY time LIMIT {_PAGE}"):
                after, found = int(row["time"]), found + 1
                payload = _joined(row)
                if payload is not None:
                    yield after, payload

    def _snapshots(self, run_id: int, columns: str, where: str) -> Iterator[dict[str, Any]]:
        source = f'"{SNAPSHOTS}"."{_POINT}" WHERE "run" = \'{run_id:d}\''
        return self._server.rows(f"SELECT {columns} FROM {source} AND {where}")  # noqa: S608  # nosec B608  # numbers and our own words

    def delete(self, run_id: int) -> None:
        """The run's points, and with them its series."""
        self._delete(_POINT, run_id)

    def _delete(self, measurement: str, run_id: int) -> None:
        self._server.command(f'DELETE FROM "{measurement}" WHERE "run" = \'{run_id:d}\'')  # noqa: S608  # nosec B608  # a number

    def check(self) -> None:
        """Whether it answers, and has the database and its policies: makes them where they are missing."""
        self._server.prepare()

    def prepare(self) -> None:
        """Makes the database and its retention policies, and gives the policies the lengths that are asked for."""
        self._server.prepare()

    def publish(self, shown: Published) -> None:
        """One point a second and strand, and one for the summary."""
        lines = result_lines(shown)
        while batch := list(islice(lines, _LINES)):
            self._server.write(batch, RESULTS)

    def unpublish(self, run_id: int) -> None:
        """Every point of the run."""
        for measurement in _PUBLISHED:
            self._delete(measurement, run_id)

    def close(self) -> None:
        """Closes the connections; they open again by themselves."""
        self._server.close()


def _line(run_id: int, snapshot: Snapshot, payload: bytes) -> str:
    """One point in line protocol."""
    place = _clock.take() * 1000 + _generator(snapshot.instance)
    text = b64encode(payload).decode("ascii")
    text = f"{len(text)}:{text}"
    parts = (f'part_{at // _PART}="{text[at : at + _PART]}"' for at in range(0, len(text), _PART))
    return f"{_POINT},run={run_id:d} moment={float(snapshot.moment)!r},{','.join(parts)} {place}"


def _generator(instance: str) -> int:
    """The number of a load generator, 0 to 999."""
    number = int(instance) if instance.isascii() and instance.isdecimal() else zlib.crc32(instance.encode())
    return number % 1000


def _joined(row: dict[str, Any]) -> bytes | None:
    """The payload of a point; None where a part of it is missing yet."""
    names = sorted((name for name in row if name.startswith("part_")), key=lambda name: int(name[5:]))
    length, _colon, text = "".join(row[name] or "" for name in names).partition(":")
    return b64decode(text) if length.isdecimal() and len(text) == int(length) else None
