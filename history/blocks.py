"""The minutes of a run with their histograms, packed: from them any span of whole seconds is counted again. Pure.

Packed as `history.metrics.packing` has it. `BlockHistory.sums`: `{"vus": [...], "places": [[scenario tag, step, cell,
requests], ...]}` of a minute, where `vus` and `requests` have an entry for each of its seconds. `BlockHistory.seconds`
has two parts, the first with its length before it, so that who wants to know of all scenarios together need not unpack
the second: `[cell, ...]` by second, and `[[[scenario tag, step, cell], ...], ...]` by second. Cells: see `_Rows`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from history.metrics.cells import Cell, Place, Second
from history.metrics.native_histogram import Histogram, from_plain, to_plain
from history.metrics.packing import pack, unpack

LENGTH = 60  # seconds of a block
_COUNTS = ("failures", "iterations", "dropped", "checks_failed", "checks_passed", "sent", "received")
_HEADER = 4  # bytes of the length before the first part of `seconds`


@dataclass(slots=True)
class Minute:
    """What the seconds from `start` on hold. `places`: their sums; `requests`: those of each second, by place; `vus`:
    by second, None where no generator said."""

    start: int
    vus: list[float | None] = field(default_factory=list)
    places: dict[Place, Cell] = field(default_factory=dict)
    requests: dict[Place, list[int]] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The first second behind it."""
        return self.start + len(self.vus)


@dataclass(slots=True)
class Writer:
    """Takes the seconds of a run in their order and hands out its packed minutes."""

    _minute: Minute = field(default_factory=lambda: Minute(0))
    _wholes: "_Rows" = field(default_factory=lambda: _Rows())
    _seconds: "_Rows" = field(default_factory=lambda: _Rows())

    def see(self, second: Second) -> None:
        """Takes the next second."""
        minute, at = self._minute, len(self._minute.vus)
        minute.vus.append(second.vus)
        for place, cell in second.places.items():
            if place not in minute.requests:
                minute.requests[place] = [0] * LENGTH
            minute.requests[place][at] = cell.requests
        self._wholes.rows.append(self._wholes.of(second.total))
        self._seconds.rows.append([[*place, self._seconds.of(cell)] for place, cell in second.places.items()])

    def sum(self, places: Mapping[Place, Cell]) -> Iterator[tuple[int, bytes, bytes]]:
        """Takes the sum of the seconds since the last one; hands out (first second, sums, seconds) of a minute that is
        full."""
        for place, cell in places.items():
            self._minute.places.setdefault(place, Cell()).add(cell)
        if len(self._minute.vus) >= LENGTH:
            yield from self.rest()

    def rest(self) -> Iterator[tuple[int, bytes, bytes]]:
        """What is left of the last minute."""
        minute = self._minute
        if minute.vus:
            length, sums = len(minute.vus), _Rows()
            for place, cell in minute.places.items():
                sums.rows.append([*place, sums.of(cell), minute.requests[place][:length]])
            wholes = pack(self._wholes.rows, self._wholes.counts)
            seconds = len(wholes).to_bytes(_HEADER, "big") + wholes + pack(self._seconds.rows, self._seconds.counts)
            yield minute.start, pack({"vus": minute.vus, "places": sums.rows}, sums.counts), seconds
            self._minute, self._wholes, self._seconds = Minute(minute.end), _Rows(), _Rows()


@dataclass(slots=True)
class _Rows:
    """Cells as plain values, and the counts of all their buckets."""

    rows: list[Any] = field(default_factory=list)
    counts: bytearray = field(default_factory=bytearray)

    def of(self, cell: Cell) -> list[Any]:
        """`[[failures, iterations, ...] (zeros at its end are left out), answers, histogram]`."""
        numbers = [
            cell.failures,
            cell.iterations,
            cell.dropped,
            cell.checks_failed,
            cell.checks_passed,
            cell.sent,
            cell.received,
        ]
        while numbers and not numbers[-1]:
            numbers.pop()
        return [numbers, cell.answers, to_plain(cell.spread, self.counts)]


@dataclass(slots=True)
class _Reader:
    """Reads cells in the order in which they were packed."""

    counts: bytes
    at: int = 0

    def cell(self, plain: list[Any]) -> Cell:
        """The reverse of `_Rows.of`."""
        numbers, answers, histogram = plain
        spread = from_plain(histogram, self.counts, self.at)
        self.at += histogram[-1]
        more: Mapping[str, int] = dict(zip(_COUNTS, numbers, strict=False))
        return Cell(int(spread.count), spread=spread, answers=answers, **more)


def sums(start: int, packed: bytes) -> Minute:
    """A minute from its `sums`."""
    plain, counts = unpack(packed)
    reader, minute = _Reader(counts), Minute(start, plain["vus"])
    for tag, step, cell, requests in plain["places"]:
        minute.places[tag, step] = reader.cell(cell)
        minute.requests[tag, step] = requests
    return minute


def wholes(packed: bytes) -> list[Cell]:
    """All scenarios together, second by second, from its `seconds`."""
    rows, counts = unpack(packed[_HEADER : _HEADER + _length(packed)])
    reader = _Reader(counts)
    return [reader.cell(row) for row in rows]


def seconds(packed: bytes) -> list[dict[Place, Cell]]:
    """Its seconds by place."""
    rows, counts = unpack(packed[_HEADER + _length(packed) :])
    reader = _Reader(counts)
    return [{(tag, step): reader.cell(cell) for tag, step, cell in row} for row in rows]


def spreads(packed: bytes) -> list[list[tuple[str, Histogram]]]:
    """The response times alone of its `seconds`, each with its scenario tag: a third of the work of all counts."""
    rows, counts = unpack(packed[_HEADER + _length(packed) :])
    found, at = [], 0
    for row in rows:
        second = []
        for tag, _step, (_numbers, _answers, histogram) in row:
            second.append((tag, from_plain(histogram, counts, at)))
            at += histogram[-1]
        found.append(second)
    return found


def _length(packed: bytes) -> int:
    return int.from_bytes(packed[:_HEADER], "big")
