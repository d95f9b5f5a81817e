"""The seconds of a run with their histograms: of a finished run from the minutes it keeps, else those so far.

Everything that is counted again for a part of a run (spans, heatmaps, overviews) is counted from here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from math import floor
from typing import Any, Protocol

from history import blocks
from history.blocks import LENGTH, Minute
from history.metrics.cells import Cell, Place, Second, sum_cells
from history.metrics.native_histogram import Histogram, merged
from history.metrics.stores import open_store
from history.metrics.timeline import Timeline, seconds_of
from history.models import BlockHistory, TestHistory

_ALL = ("", "")


@dataclass(slots=True)
class Sums:
    """Some seconds of a run together. `places`: what they hold; `requests`: by second, of each place; `vus`: by
    second."""

    places: dict[Place, Cell] = field(default_factory=dict)
    requests: dict[Place, list[int]] = field(default_factory=dict)
    vus: list[float | None] = field(default_factory=list)

    def add(self, minute: Minute, whole: bool, seconds: list[dict[Place, Cell]], first: int, last: int) -> None:
        """Adds the seconds from `first` up to `last` of a minute (counted from its start): its sums where that is the
        `whole` of it, else `seconds`."""
        before = len(self.vus)
        for place, counts in minute.requests.items():
            known = self.requests.setdefault(place, [])
            known += [0] * (before - len(known))
            known += counts[first:last]
        self.vus += minute.vus[first:last]
        for cells in [minute.places] if whole else seconds[first:last]:
            for place, cell in cells.items():
                self.places.setdefault(place, Cell()).add(cell)


class Kept(Protocol):
    """The seconds of a run, 0 up to `length`; `[start, end)` has to lie in them."""

    length: int

    def sum(self, start: int, end: int) -> Sums:
        """The seconds of [start, end) together."""

    def sums(self, start: int, end: int, step: int) -> Iterator[dict[Place, Cell]]:
        """The sums of each `step` seconds by place, from `start` on; the last ones may be fewer seconds."""

    def totals(self, start: int, end: int, step: int) -> Iterator[Cell]:
        """The same, of all scenarios together."""

    def spreads(self, start: int, end: int, step: int) -> Iterator[dict[str, Histogram]]:
        """The response times alone of each `step` seconds by scenario tag, "" for all scenarios together."""


def kept(run: TestHistory) -> Kept | None:
    """None for a finished run of which no minutes are kept: it is of an older version. Raises `StoreError`."""
    if not run.is_finished:
        snapshots = (snapshot for _cursor, snapshot in open_store().read(run.pk))
        seconds = [second for second in seconds_of(snapshots, Timeline()) if second.t < run.live_second]
        return _SoFar(seconds)
    last = BlockHistory.objects.filter(test_history=run).order_by("-start").values_list("start", "sums").first()
    return _Minutes(run.pk, blocks.sums(last[0], bytes(last[1])).end) if last else None


def whole_seconds(run: TestHistory, length: int) -> int:
    """How many of the `length` seconds lasted whole: the last one of a finished run may not have."""
    ended = run.is_finished and run.test_duration
    return min(length, floor(run.test_duration + 1e-6)) if ended and run.test_duration else length


class _Minutes:
    """Of a finished run."""

    def __init__(self, run_id: int, length: int) -> None:
        self.length = length
        self._rows = BlockHistory.objects.filter(test_history=run_id)

    def sum(self, start: int, end: int) -> Sums:
        """Whole minutes, and the seconds of those at the edges."""
        found = Sums()
        edges = {at for at in (start - start % LENGTH, end - end % LENGTH) if at < start or end < at + LENGTH}
        parts = dict(self._rows.filter(start__in=edges).values_list("start", "seconds"))
        for at, sums in self._read("sums", start, end):
            minute = blocks.sums(at, sums)
            first, last = max(start - at, 0), min(end, minute.end) - at
            whole = first == 0 and last == len(minute.vus)
            found.add(minute, whole, [] if whole else blocks.seconds(bytes(parts[at])), first, last)
        return found

    def sums(self, start: int, end: int, step: int) -> Iterator[dict[Place, Cell]]:
        """From whole minutes where `step` is some of them."""
        if self._in_minutes(start, end, step):
            minutes = (blocks.sums(at, sums).places for at, sums in self._read("sums", start, end))
            return _stretches(minutes, step // LENGTH)
        rows = self._read("seconds", start, end)
        every = (cells for at, seconds in rows for cells in blocks.seconds(seconds)[max(0, start - at) : end - at])
        return _stretches(every, step)

    def totals(self, start: int, end: int, step: int) -> Iterator[Cell]:
        """From the seconds of all scenarios together, which are kept apart."""
        if self._in_minutes(start, end, step):
            return (sum_cells(places.values()) for places in self.sums(start, end, step))
        rows = self._read("seconds", start, end)
        every = (cell for at, seconds in rows for cell in blocks.wholes(seconds)[max(0, start - at) : end - at])
        return (places[_ALL] for places in _stretches(({_ALL: cell} for cell in every), step))

    def spreads(self, start: int, end: int, step: int) -> Iterator[dict[str, Histogram]]:
        """From whole minutes where `step` is some of them."""
        if self._in_minutes(start, end, step):
            return map(_by_tag, self.sums(start, end, step))
        rows = self._read("seconds", start, end)
        every = (one for at, packed in rows for one in blocks.spreads(packed)[max(0, start - at) : end - at])
        return (_merged(chain.from_iterable(seconds)) for seconds in _batches(every, step))

    def _in_minutes(self, start: int, end: int, step: int) -> bool:
        return not (step % LENGTH or start % LENGTH or (end % LENGTH and end < self.length))

    def _read(self, column: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        rows = self._rows.filter(start__gt=start - LENGTH, start__lt=end).values_list("start", column)
        for at, packed in rows.iterator(chunk_size=20):
            yield at, bytes(packed)


class _SoFar:
    """Of a run that lasts."""

    def __init__(self, seconds: list[Second]) -> None:
        self.length = len(seconds)
        self._seconds = seconds

    def sum(self, start: int, end: int) -> Sums:
        """One second after another."""
        found = Sums()
        for at, second in enumerate(self._seconds[start:end]):
            found.vus.append(second.vus)
            for place, cell in second.places.items():
                found.places.setdefault(place, Cell()).add(cell)
                found.requests.setdefault(place, [0] * (end - start))[at] = cell.requests
        return found

    def sums(self, start: int, end: int, step: int) -> Iterator[dict[Place, Cell]]:
        """Likewise."""
        return _stretches((second.places for second in self._seconds[start:end]), step)

    def totals(self, start: int, end: int, step: int) -> Iterator[Cell]:
        """Likewise."""
        return (sum_cells(places.values()) for places in self.sums(start, end, step))

    def spreads(self, start: int, end: int, step: int) -> Iterator[dict[str, Histogram]]:
        """Likewise."""
        return map(_by_tag, self.sums(start, end, step))


def _by_tag(places: dict[Place, Cell]) -> dict[str, Histogram]:
    return _merged((tag, cell.spread) for (tag, _step), cell in places.items())


def _merged(parts: Iterable[tuple[str, Histogram]]) -> dict[str, Histogram]:
    """By scenario tag, and all of them."""
    found: dict[str, Histogram] = {}
    for tag, spread in parts:
        known = found.get(tag)
        if known is None:
            known = found[tag] = Histogram()
        known.add(spread)
    return {**found, "": merged(found.values())}


def _batches(seconds: Iterable[Any], many: int) -> Iterator[list[Any]]:
    rest = iter(seconds)
    while some := list(islice(rest, many)):
        yield some


def _stretches(parts: Iterable[dict[Place, Cell]], many: int) -> Iterator[dict[Place, Cell]]:
    """So `many` parts added up at a time; the last ones may be fewer."""
    found: dict[Place, Cell] = {}
    waiting = 0
    for cells in parts:
        waiting += 1
        for place, cell in cells.items():
            known = found.get(place)
            if known is None:
                known = found[place] = Cell()
            known.add(cell)
        if waiting == many:
            yield found
            found, waiting = {}, 0
    if waiting:
        yield found
