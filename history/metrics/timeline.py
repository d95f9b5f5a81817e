"""Cumulative snapshots to seconds: the one place where live and final numbers come from. Pure.

Load generators push about once a second, aligned to nothing. Between two pushes of a generator a series grew by
the difference of its two states; that difference is spread evenly over the time between the pushes. Whole counts
stay whole: a second gets floor(share so far) minus what earlier seconds got, so the sum over the seconds is the
count that k6 sent, to the request.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import floor

from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import RequestKey, Snapshot

PUSH_INTERVAL = 1.0
SILENCE = 5.0  # seconds without a push after which a generator is no longer waited for
_LONGEST_GAP = 4 * 3600.0


@dataclass(slots=True)
class Cell:
    """The requests of one scenario (or of all) in a stretch of time. `requests` and `failures` are whole;
    `spread` holds their response times, split in fractions where a push crossed a boundary."""

    requests: int = 0
    failures: int = 0
    spread: Histogram = field(default_factory=Histogram)

    def add(self, other: "Cell") -> None:
        """Adds another cell in place."""
        self.requests += other.requests
        self.failures += other.failures
        self.spread.add(other.spread)

    @property
    def error_rate(self) -> float | None:
        """Failed requests in percent; None without requests."""
        return 100.0 * self.failures / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class Second:
    """What happened in [origin + t, origin + t + 1). `vus` is None where no generator said."""

    t: int
    vus: float | None
    cells: dict[str, Cell]

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
    p50, p95, p99 = spread.percentiles(0.50, 0.95, 0.99)
    return Numbers(
        requests=cell.requests,
        failures=cell.failures,
        tps=cell.requests / duration if duration > 0 else 0.0,
        error_rate=cell.error_rate,
        avg=spread.average,
        p50=p50,
        p95=p95,
        p99=p99,
    )


@dataclass(slots=True)
class _Generator:
    """What is known of one load generator: its series as of its newest push."""

    moment: float
    series: dict[RequestKey, Histogram] = field(default_factory=dict)
    before: dict[RequestKey, Histogram] = field(default_factory=dict)  # of a k6 that began again from zero
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
        self._cells: dict[int, dict[str, Cell]] = {}
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
        for key, state in snapshot.requests.items():
            known = generator.series.get(key)
            if known is not None and state.count < known.count:
                if is_late:
                    continue
                generator.before.setdefault(key, Histogram()).add(known)
                known = None  # k6 began again from zero
            difference = state.minus(known) if known else state
            if difference.count > 0:
                self._spread(key, difference, start, snapshot.moment)
            generator.series[key] = state
        if not is_late:
            generator.moment = snapshot.moment
            generator.closed = snapshot.closing
            generator.vus = 0.0 if snapshot.closing else generator.vus
            waited = snapshot.instance in self._waited
            self._waited.discard(snapshot.instance)
            if snapshot.vus is not None and not (waited and not snapshot.vus):  # the 0 is from before
                generator.vus = snapshot.vus
                self._vus.setdefault(self._second(snapshot.moment), {})[snapshot.instance] = snapshot.vus

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
            yield Second(t, vus, self._cells.pop(t, {}))

    def take_all(self) -> Iterator[Second]:
        """Hands out everything that is left, for a run that is over."""
        return self.take(self.seconds_seen)

    def totals(self) -> dict[str, Cell]:
        """Everything since the start by scenario tag, straight from the cumulative states: exact."""
        found: dict[str, Cell] = {}
        for key, state in self._states():
            failures = 0 if key.expected else int(state.count)
            found.setdefault(key.scenario, Cell()).add(Cell(int(state.count), failures, state))
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

    def _second(self, moment: float) -> int:
        assert self.origin is not None  # feed() sets it first
        return max(self.handed_out, floor(moment - self.origin))

    def _spread(self, key: RequestKey, difference: Histogram, start: float, end: float) -> None:
        """Adds `difference`, which came about in (start, end], to the seconds it spans."""
        assert self.origin is not None
        a, b = start - self.origin, end - self.origin
        first, last = floor(a), floor(b) if b > floor(b) else floor(b) - 1
        count, given = int(difference.count), 0
        for t in range(first, max(first, last) + 1):
            reached = min(1.0, (t + 1 - a) / (b - a)) if b > a and t < last else 1.0
            before = max(0.0, (t - a) / (b - a)) if b > a and t > first else 0.0
            whole = count if reached >= 1.0 else floor(count * reached)
            cells = self._cells.setdefault(max(t, self.handed_out, 0), {})
            cell = cells.setdefault(key.scenario, Cell())
            cell.requests += whole - given
            cell.failures += 0 if key.expected else whole - given
            cell.spread.add(difference, reached - before)
            given = whole


def build(snapshots: Iterable[Snapshot]) -> tuple[float | None, list[Second]]:
    """The origin and all seconds of a run that is over."""
    timeline = Timeline()
    for snapshot in snapshots:
        timeline.feed(snapshot)
    return timeline.origin, list(timeline.take_all())
