"""The minutes of a run with their histograms, packed: from them any span of whole seconds is counted again. Pure.

Packed with zlib over JSON. `BlockHistory.sums`: `{"vus": [...], "places": [[scenario tag, step, cell, requests], ...]}`
of a minute, where `vus` and `requests` have an entry for each of its seconds. `BlockHistory.seconds` has two parts, the
first with its length before it, so that who wants to know of all scenarios together need not unpack the second:
`[cell, ...]` by second, and `[[[scenario tag, step, cell], ...], ...]` by second. Cells: see `_packed`.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from history.metrics.cells import Cell, Place, Second
from history.metrics.native_histogram import Histogram

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
    _wholes: list[Any] = field(default_factory=list)
    _seconds: list[Any] = field(default_factory=list)

    def add(self, second: Second) -> Iterator[tuple[int, bytes, bytes]]:
        """Takes the next second; hands out (first second, sums, seconds) of a minute that is full."""
        minute, at = self._minute, len(self._minute.vus)
        minute.vus.append(second.vus)
        for place, cell in second.places.items():
            known = minute.places.get(place)
            if known is None:
                known = minute.places[place] = Cell()
                minute.requests[place] = [0] * LENGTH
            known.add(cell)
            minute.requests[place][at] = cell.requests
        packed = [[*place, _packed(cell)] for place, cell in second.places.items()]
        self._wholes.append(packed[0][2] if len(packed) == 1 else _packed(second.total))
        self._seconds.append(packed)
        if at + 1 == LENGTH:
            yield from self.rest()

    def rest(self) -> Iterator[tuple[int, bytes, bytes]]:
        """What is left of the last minute."""
        minute = self._minute
        if minute.vus:
            length = len(minute.vus)
            rows = [[*place, _packed(cell), minute.requests[place][:length]] for place, cell in minute.places.items()]
            wholes = _zip(self._wholes)
            seconds = len(wholes).to_bytes(_HEADER, "big") + wholes + _zip(self._seconds)
            yield minute.start, _zip({"vus": minute.vus, "places": rows}), seconds
            self._minute, self._wholes, self._seconds = Minute(minute.end), [], []


def sums(start: int, packed: bytes) -> Minute:
    """A minute from its `sums`."""
    plain = _unzip(packed)
    minute = Minute(start, plain["vus"])
    for tag, step, cell, requests in plain["places"]:
        minute.places[tag, step] = _cell(cell)
        minute.requests[tag, step] = requests
    return minute


def wholes(packed: bytes) -> list[Cell]:
    """All scenarios together, second by second, from its `seconds`."""
    return [_cell(one) for one in _unzip(packed[_HEADER : _HEADER + _length(packed)])]


def seconds(packed: bytes) -> list[dict[Place, Cell]]:
    """Its seconds by place."""
    rows = _unzip(packed[_HEADER + _length(packed) :])
    return [{(tag, step): _cell(cell) for tag, step, cell in row} for row in rows]


def _length(packed: bytes) -> int:
    return int.from_bytes(packed[:_HEADER], "big")


def _zip(plain: Any) -> bytes:
    return zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 1)


def _unzip(packed: bytes) -> Any:
    return json.loads(zlib.decompress(packed))


def _packed(cell: Cell) -> list[Any]:
    """`[requests, [failures, iterations, ...] (zeros at its end are left out), answers, total ms, zero, index of the
    first bucket, [count, ...] from there on]`."""
    counts = [getattr(cell, name) for name in _COUNTS]
    while counts and not counts[-1]:
        counts.pop()
    spread = cell.spread
    return [cell.requests, counts, cell.answers, round(spread.total, 6), spread.zero, spread.first, spread.counts]


def _cell(plain: list[Any]) -> Cell:
    requests, counts, answers, total, zero, first, counted = plain
    more: Mapping[str, int] = dict(zip(_COUNTS, counts, strict=False))
    return Cell(requests, spread=Histogram.of(requests, total, zero, first, counted), answers=answers, **more)
