"""Cumulative snapshots to seconds: the one place where live and final numbers come from. Pure.

Load generators push about once a second, aligned to nothing. Between two pushes of a generator a series grew by
the difference of its two states; that difference is spread evenly over the time between the pushes. Whole counts
stay whole: a second gets floor(share so far) minus what earlier seconds got, so the sum over the seconds is the
count that k6 sent, to the request.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from math import floor

from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import CounterKey, RequestKey, Snapshot

PUSH_INTERVAL = 1.0
SILENCE = 5.0  # seconds without a push after which a generator is no longer waited for
_LONGEST_GAP = 4 * 3600.0
Place = tuple[str, str]  # scenario tag and step ("" in scenarios of one step)


@dataclass(slots=True)
class Cell:
    """The requests of one scenario (or of a step, or of all) in a stretch of time. Counts are whole; `spread` holds the
    response times, split in fractions where a push crossed a boundary.

    `failures`: requests that k6 took for failed, and those of which only a check or an extraction failed.
    `dropped`: iterations that k6 could not begin in time. `checks_failed`: checks and extractions, not requests.
    """

    requests: int = 0
    failures: int = 0
    spread: Histogram = field(default_factory=Histogram)
    iterations: int = 0
    dropped: int = 0
    checks_failed: int = 0

    def add(self, other: "Cell") -> None:
        """Adds another cell in place."""
        self.requests += other.requests
        self.failures += other.failures
        self.iterations += other.iterations
        self.dropped += other.dropped
        self.checks_failed += other.checks_failed
        self.spread.add(other.spread)

    @property
    def error_rate(self) -> float | None:
        """Failed requests in percent; None without requests. What a check found may be told a push later than its
        request: a second then has a failure too many for its requests, and no more than all of them failed."""
        return min(100.0, 100.0 * self.failures / self.requests) if self.requests else None


@dataclass(frozen=True, slots=True)
class Second:
    """What happened in [origin + t, origin + t + 1). `vus` is None where no generator said. `cells` by scenario tag;
    `steps` only of scenarios that have several."""

    t: int
    vus: float | None
    cells: dict[str, Cell]
    steps: dict[Place, Cell] = field(default_factory=dict)

    @property
    def total(self) -> Cell:
        """All scenarios together."""
        return sum_cells(self.cells.values())


@dataclass(frozen=True, slots=True)
class Numbers:
    """A cell as numbers: req/s, percent, milliseconds; None where there was nothing to measure."""

    requests: int
    failures: int
    tps: float
    error_rate: float | None
    avg: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


def sum_cells(cells: Iterable[Cell]) -> Cell:
    """The sum of several cells as a new one."""
    whole = Cell()
    for cell in cells:
        whole.add(cell)
    return whole


def numbers(cell: Cell, duration: float = 1.0) -> Numbers:
    """The numbers of `cell`, which lasted `duration` seconds.

    Where no request is counted there are no response times, though a fraction of a push may have been split into it.
    """
    spread = cell.spread if cell.requests else Histogram()
    p50, p90, p95, p99 = spread.percentiles(0.50, 0.90, 0.95, 0.99)
    return Numbers(
        requests=cell.requests,
        failures=cell.failures,
        tps=cell.requests / duration if duration > 0 else 0.0,
        error_rate=cell.error_rate,
        avg=spread.average,
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
    )


_Part = tuple[int, float, float]  # a second; the shares of a push's time that are over at its begin and at its end
# Where the counters of a push go, by name and the label `ok`; others are only added up.
_SPREAD = {
    ("iterations", ""): "iterations",
    ("dropped_iterations", ""): "dropped",
    ("mv_failed", ""): "failures",
    ("mv_checks", "false"): "checks_failed",
}


@dataclass(slots=True)
class _Generator:
    """What is known of one load generator: its series as of its newest push."""

    moment: float
    series: dict[RequestKey, Histogram] = field(default_factory=dict)
    before: dict[RequestKey, Histogram] = field(default_factory=dict)  # of a k6 that began again from zero
    counters: dict[str, float] = field(default_factory=dict)
    counted_before: dict[str, float] = field(default_factory=dict)
    vus: float = 0.0
    closed: bool = False
    started: float | None = None


class Timeline:
    """Takes the snapshots of a run in any order and hands out its seconds, each once, oldest first.

    `origin` is the time at which the load began, in seconds since the epoch: as k6 says, else one push interval
    before the first push. A difference that belongs to a second already handed out is counted in the next one,
    so that the sum over the seconds stays right.
    """

    def __init__(self) -> None:
        self.origin: float | None = None
        self.handed_out = 0
        self._generators: dict[str, _Generator] = {}
        self._waited: set[str] = set()
        self._cells: dict[int, dict[Place, Cell]] = {}
        self._keys: dict[str, CounterKey] = {}
        self._vus: dict[int, dict[str, float]] = {}
        self._last_vus: dict[str, float] = {}

    def feed(self, snapshot: Snapshot) -> None:
        """Takes one snapshot. The same one twice changes nothing; a late one counts what it alone knows."""
        if not snapshot.has_begun and snapshot.instance not in self._generators:
            self._waited.add(snapshot.instance)  # for the other generators
            return
        if self.origin is None:
            self.origin = snapshot.started or snapshot.moment - PUSH_INTERVAL
        generator = self._generators.get(snapshot.instance)
        if generator is None:
            began = max(self.origin, snapshot.started or self.origin)
            generator = self._generators[snapshot.instance] = _Generator(min(began, snapshot.moment))
        generator.started = generator.started or snapshot.started
        is_late = snapshot.moment < generator.moment
        start = max(generator.moment if not is_late else snapshot.moment - PUSH_INTERVAL, self.origin)
        start = max(start, snapshot.moment - _LONGEST_GAP)
        parts = self._parts(start, snapshot.moment)
        grown = self._take_requests(generator, snapshot, parts, is_late=is_late)
        self._take_counters(generator, snapshot, parts, grown, is_late=is_late)
        if not is_late:
            generator.moment = snapshot.moment
            generator.closed = snapshot.closing
            generator.vus = 0.0 if snapshot.closing else generator.vus
            waited = snapshot.instance in self._waited
            self._waited.discard(snapshot.instance)
            if snapshot.vus is not None and not (waited and not snapshot.vus):  # the 0 is from before
                generator.vus = snapshot.vus
                self._vus.setdefault(self._second(snapshot.moment), {})[snapshot.instance] = snapshot.vus

    def _take_requests(
        self, generator: _Generator, snapshot: Snapshot, parts: list[_Part], *, is_late: bool
    ) -> dict[Place, dict[int, int]]:
        """Answers how many requests that k6 took for good each second got by it."""
        grown: dict[Place, dict[int, int]] = {}
        for key, state in snapshot.requests.items():
            known = generator.series.get(key)
            if known is not None and state.count < known.count:
                if is_late:
                    continue
                generator.before.setdefault(key, Histogram()).add(known)
                known = None  # k6 began again from zero
            difference = state.minus(known) if known else state
            generator.series[key] = state
            if difference.count <= 0:
                continue
            place = (key.scenario, key.step)
            counts = _evenly(int(difference.count), parts)
            for (t, before, reached), count in zip(parts, counts, strict=True):
                cell = self._cell(t, place)
                cell.requests += count
                cell.failures += 0 if key.expected else count
                cell.spread.add(difference, reached - before)
                if key.expected:
                    seconds = grown.setdefault(place, {})
                    seconds[t] = seconds.get(t, 0) + count
        return grown

    def _take_counters(
        self,
        generator: _Generator,
        snapshot: Snapshot,
        parts: list[_Part],
        grown: dict[Place, dict[int, int]],
        *,
        is_late: bool,
    ) -> None:
        for text, value in (snapshot.counters or {}).items():
            known = generator.counters.get(text, 0.0)
            if value < known:
                if is_late:
                    continue
                generator.counted_before[text] = generator.counted_before.get(text, 0.0) + known
                known = 0.0
            generator.counters[text] = value
            count = round(value - known)
            key = self._keys.get(text) or self._keys.setdefault(text, CounterKey.of(text))
            column = _SPREAD.get((key.name, key.ok))
            if count <= 0 or column is None:
                continue
            place = (key.scenario, key.step)
            good = grown.get(place, {})
            if key.name == "mv_failed" and any(good.values()):
                # No second gets more failures than it got requests.
                counts = dict(zip(good, _by_weight(count, list(good.values())), strict=True))
            else:
                counts = dict(zip((t for t, _before, _reached in parts), _evenly(count, parts), strict=True))
            for t, share in counts.items():
                if share:
                    cell = self._cell(t, place)
                    setattr(cell, column, getattr(cell, column) + share)

    def complete_until(self, now: float) -> int:
        """The number of whole seconds that nothing more is expected for, at time `now` (seconds since the epoch)."""
        if self.origin is None:
            return 0
        waited_for = [g.moment for g in self._generators.values() if not g.closed and now - g.moment < SILENCE]
        reached = min(waited_for) if waited_for else max(g.moment for g in self._generators.values())
        return max(self.handed_out, floor(reached - self.origin))

    @property
    def starts(self) -> dict[str, float]:
        """When each generator began, as k6 says, in seconds since the epoch."""
        return {name: one.started for name, one in self._generators.items() if one.started is not None}

    @property
    def seconds_seen(self) -> int:
        """The number of seconds begun so far, the last one perhaps not whole."""
        highest = max(self._cells, default=-1), max(self._vus, default=-1)
        return max(self.handed_out, max(highest) + 1)

    def take(self, until: int) -> Iterator[Second]:
        """Hands out the seconds before `until` that were not handed out yet."""
        while self.handed_out < until:
            t = self.handed_out
            self.handed_out += 1
            self._last_vus.update(self._vus.pop(t, {}))
            vus = sum(self._last_vus.values()) if self._last_vus else None
            places = self._cells.pop(t, {})
            steps = {place: cell for place, cell in places.items() if place[1]}
            yield Second(t, vus, _by_scenario(places), steps)

    def take_all(self) -> Iterator[Second]:
        """Hands out everything that is left, for a run that is over."""
        return self.take(self.seconds_seen)

    def totals(self) -> dict[str, Cell]:
        """Everything since the start by scenario tag, straight from the cumulative states: exact."""
        return _by_scenario(self.step_totals())

    def step_totals(self) -> dict[Place, Cell]:
        """The same by scenario tag and step; what belongs to no step, as iterations, is at step ""."""
        found: dict[Place, Cell] = {}
        for key, state in self._states():
            failures = 0 if key.expected else int(state.count)
            found.setdefault((key.scenario, key.step), Cell()).add(Cell(int(state.count), failures, state))
        for text, value in self._counters():
            counter = CounterKey.of(text)
            column = _SPREAD.get((counter.name, counter.ok))
            if column is not None:
                cell = found.setdefault((counter.scenario, counter.step), Cell())
                setattr(cell, column, getattr(cell, column) + round(value))
        return found

    def counted(self, name: str) -> dict[CounterKey, int]:
        """The counters called `name` ("mv_checks", "mv_no_row") since the start."""
        found: dict[CounterKey, int] = {}
        for text, value in self._counters():
            counter = CounterKey.of(text)
            if counter.name == name:
                found[counter] = found.get(counter, 0) + round(value)
        return found

    def answers(self) -> dict[str, dict[str, int]]:
        """How many requests of each scenario ended with which status ("0": no answer) since the start."""
        found: dict[str, dict[str, int]] = {}
        for key, state in self._states():
            statuses = found.setdefault(key.scenario, {})
            statuses[key.status] = statuses.get(key.status, 0) + int(state.count)
        return found

    def _states(self) -> Iterator[tuple[RequestKey, Histogram]]:
        for generator in self._generators.values():
            yield from generator.series.items()
            yield from generator.before.items()

    def _counters(self) -> Iterator[tuple[str, float]]:
        for generator in self._generators.values():
            yield from generator.counters.items()
            yield from generator.counted_before.items()

    def _second(self, moment: float) -> int:
        assert self.origin is not None  # feed() sets it first
        return max(self.handed_out, floor(moment - self.origin))

    def _cell(self, t: int, place: Place) -> Cell:
        places = self._cells.setdefault(t, {})
        cell = places.get(place)
        if cell is None:  # not setdefault, which would make one each time
            cell = places[place] = Cell()
        return cell

    def _parts(self, start: float, end: float) -> list[_Part]:
        """The seconds that (start, end] spans."""
        assert self.origin is not None
        a, b = start - self.origin, end - self.origin
        first, last = floor(a), floor(b) if b > floor(b) else floor(b) - 1
        parts = []
        for t in range(first, max(first, last) + 1):
            reached = min(1.0, (t + 1 - a) / (b - a)) if b > a and t < last else 1.0
            before = max(0.0, (t - a) / (b - a)) if b > a and t > first else 0.0
            parts.append((max(t, self.handed_out, 0), before, reached))
        return parts


def _evenly(count: int, parts: list[_Part]) -> list[int]:
    """`count` over seconds: floor(share so far) minus what the seconds before got."""
    reached = [count if share >= 1.0 else floor(count * share) for _t, _before, share in parts]
    return [whole - given for whole, given in zip(reached, [0, *reached], strict=False)]


def _by_weight(count: int, weights: list[int]) -> list[int]:
    """`count` in whole parts; up to the sum of the weights none is greater than its weight."""
    whole = sum(weights)
    reached = [count * passed // whole for passed in accumulate(weights)]
    return [here - given for here, given in zip(reached, [0, *reached], strict=False)]


def _by_scenario(places: dict[Place, Cell]) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for (scenario, step), cell in places.items():
        if step or scenario in found:
            found.setdefault(scenario, Cell()).add(cell)
        else:
            found[scenario] = cell
    return found


def build(snapshots: Iterable[Snapshot]) -> tuple[float | None, list[Second]]:
    """The origin and all seconds of a run that is over."""
    timeline = Timeline()
    for snapshot in snapshots:
        timeline.feed(snapshot)
    return timeline.origin, list(timeline.take_all())
