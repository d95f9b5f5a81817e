"""Cumulative snapshots to seconds: the one place where live and final numbers come from. Pure.

Load generators push about once a second, aligned to nothing. Between two pushes of a generator a series grew by
the difference of its two states; that difference is spread evenly over the time between the pushes. Whole counts
stay whole: a second gets floor(share so far) minus what earlier seconds got, so the sum over the seconds is the
count that k6 sent, to the request. The response times of a push are dealt out whole, too, each second getting as many
as it got requests, of the same shape: whatever seconds are added up, their histogram has each request once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import floor
from operator import add

from history.metrics.cells import Cell, Numbers, Place, Second, numbers, sum_cells
from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import CounterKey, RequestKey, Snapshot

__all__ = ["Cell", "Numbers", "Place", "Second", "Timeline", "build", "numbers", "seconds_of", "sum_cells"]

PUSH_INTERVAL = 1.0
SILENCE = 5.0  # seconds without a push after which a generator is no longer waited for
_LONGEST_GAP = 4 * 3600.0
_Row = dict[Place, Cell]  # a second by place
# Where the counters of a push go, by name and the label `ok`; others are only added up.
_SPREAD = {
    ("iterations", ""): "iterations",
    ("dropped_iterations", ""): "dropped",
    ("mv_failed", ""): "failures",
    ("mv_checks", "false"): "checks_failed",
    ("mv_checks", "true"): "checks_passed",
    ("data_sent", ""): "sent",
    ("data_received", ""): "received",
}


@dataclass(frozen=True, slots=True, eq=False)
class _Grown:
    """What a counter is about; there is one of each kind and place in a timeline."""

    name: str
    column: str  # the field of a cell that it is added to
    place: Place  # whose cell


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
    so that the sum over the seconds stays right. `staged`: tags of the scenarios whose requests tell their stage.
    """

    def __init__(self) -> None:
        self.origin: float | None = None
        self.handed_out = 0
        self._generators: dict[str, _Generator] = {}
        self._waited: set[str] = set()
        self._cells: dict[int, dict[Place, Cell]] = {}
        self._counted: dict[str, _Grown | None] = {}  # by the counter's text: those of several stages are one
        self._kinds: dict[tuple[str, str, Place], _Grown] = {}
        self.staged: set[str] = set()
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
        seconds, shares = self._parts(start, snapshot.moment)
        rows = [self._cells.get(t, {}) for t in seconds]
        good = self._take_requests(generator, snapshot, rows, shares, is_late=is_late)
        for grown, count in self._grown_counters(generator, snapshot, is_late=is_late).items():
            place, column = grown.place, grown.column
            if grown.name == "mv_failed" and any(weights := good.get(place, ())):
                counts = _by_weight(count, weights)  # no second gets more failures than it got requests
            else:
                counts = _evenly(count, shares)
            for at, share in enumerate(counts):
                if share:
                    cell = rows[at].get(place)
                    if cell is None:
                        cell = rows[at][place] = Cell()
                    setattr(cell, column, getattr(cell, column) + share)
        self._cells.update((t, row) for t, row in zip(seconds, rows, strict=True) if row)
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
        self, generator: _Generator, snapshot: Snapshot, rows: list[_Row], shares: list[float], *, is_late: bool
    ) -> dict[Place, list[int]]:
        """Adds them to the `rows` of their seconds. Answers how many requests that k6 took for good each second got by
        it, by place."""
        good: dict[Place, list[int]] = {}
        grown: dict[Place, tuple[Histogram, list[int]]] = {}
        for key, difference in self._grown_requests(generator, snapshot, is_late=is_late):
            place, answer, expected = key.place, key.answer, key.expected
            counts = _evenly(int(difference.count), shares)
            for at, count in enumerate(counts):
                if count:
                    failures = 0 if expected else count
                    cell = rows[at].get(place)
                    if cell is None:
                        rows[at][place] = Cell(count, failures, _NOTHING, answers={answer: count})
                        continue
                    cell.requests += count
                    cell.failures += failures
                    cell.answers[answer] = cell.answers.get(answer, 0) + count
            if expected:
                good[place] = _sums(good[place], counts) if place in good else counts
            if place in grown:
                spread, before = grown[place]
                spread.add(difference)
                counts = _sums(before, counts)
                difference = spread
            grown[place] = (difference, counts)
        for place, (spread, counts) in grown.items():
            for at, part in enumerate(spread.dealt(counts)):
                if part is not None:
                    cell = rows[at][place]
                    if cell.spread.count:
                        cell.spread.add(part)
                    else:
                        cell.spread = part
        return good

    def _grown_requests(
        self, generator: _Generator, snapshot: Snapshot, *, is_late: bool
    ) -> Iterator[tuple[RequestKey, Histogram]]:
        """What each series grew by, where it did."""
        series = generator.series
        for key, state in snapshot.requests.items():
            known = series.get(key)
            if known is None and key.stage:
                self.staged.add(key.scenario)
            difference = state.minus(known or _NOTHING)
            if difference is None and is_late:
                continue
            if difference is None:
                generator.before.setdefault(key, Histogram()).add(known or _NOTHING)
                difference = state.minus(_NOTHING)  # k6 began again from zero
            series[key] = state
            if difference is not None and difference.count > 0:
                yield key, difference

    def _grown_counters(self, generator: _Generator, snapshot: Snapshot, *, is_late: bool) -> dict[_Grown, int]:
        """By how much the counters grew, those of all stages and checks together."""
        grown: dict[_Grown, int] = {}
        counters, places = generator.counters, self._counted
        for text, value in (snapshot.counters or {}).items():
            known = counters.get(text, 0.0)
            if value < known:
                if is_late:
                    continue
                generator.counted_before[text] = generator.counted_before.get(text, 0.0) + known
                known = 0.0
            counters[text] = value
            count = round(value - known)
            if count > 0:
                where = places[text] if text in places else self._grown(text)
                if where is not None:
                    grown[where] = grown.get(where, 0) + count
        return grown

    def _grown(self, text: str) -> _Grown | None:
        key = CounterKey.of(text)
        column = _column(key)
        found = None
        if column is not None:
            about = (key.name, column, (key.scenario, key.step))
            found = self._kinds.get(about) or self._kinds.setdefault(about, _Grown(*about))
        return self._counted.setdefault(text, found)

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
            yield Second(t, vus, _by_scenario(places), steps, places)

    def take_all(self) -> Iterator[Second]:
        """Hands out everything that is left, for a run that is over."""
        return self.take(self.seconds_seen)

    def totals(self) -> dict[str, Cell]:
        """Everything since the start by scenario tag, straight from the cumulative states: exact."""
        return _by_scenario(self.step_totals())

    def step_totals(self) -> dict[Place, Cell]:
        """The same by scenario tag and step; what belongs to no step, as iterations, is at step ""."""
        return self._totals(lambda key: (key.scenario, key.step))

    def stage_totals(self) -> dict[Place, Cell]:
        """The same by scenario tag and stage ("1" for the first); what k6 tags with no stage is at ""."""
        return self._totals(lambda key: (key.scenario, key.stage))

    def _totals(self, where: Callable[[RequestKey | CounterKey], Place]) -> dict[Place, Cell]:
        found: dict[Place, Cell] = {}
        for key, state in self._states():
            count = int(state.count)
            one = Cell(count, 0 if key.expected else count, state, answers={key.answer: count})
            found.setdefault(where(key), Cell()).add(one)
        for text, value in self._counters():
            counter = CounterKey.of(text)
            column = _column(counter)
            if column is not None:
                cell = found.setdefault(where(counter), Cell())
                setattr(cell, column, getattr(cell, column) + round(value))
        return found

    def counted(self, name: str) -> dict[CounterKey, int]:
        """The counters called `name` ("mv_checks", "mv_no_row") since the start, those of all stages together."""
        found: dict[CounterKey, int] = {}
        for text, value in self._counters():
            counter = CounterKey.of(text)
            if counter.name == name:
                counter = replace(counter, stage="")
                found[counter] = found.get(counter, 0) + round(value)
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

    def _parts(self, start: float, end: float) -> tuple[list[int], list[float]]:
        """The seconds that (start, end] spans, each once, and the share of that time that is over at the end of each.
        What belongs to seconds that were handed out is the next one's."""
        assert self.origin is not None
        a, b = start - self.origin, end - self.origin
        first, last = floor(a), floor(b) if b > floor(b) else floor(b) - 1
        found: dict[int, float] = {}
        for t in range(first, max(first, last) + 1):
            found[max(t, self.handed_out, 0)] = min(1.0, (t + 1 - a) / (b - a)) if b > a and t < last else 1.0
        return list(found), list(found.values())


_NOTHING = Histogram()  # never changed


def _column(key: CounterKey) -> str | None:
    """The field of a cell that a counter is added to; None: none. Bytes of no scenario are no load."""
    return None if key.name.startswith("data_") and not key.scenario else _SPREAD.get((key.name, key.ok))


def _evenly(count: int, shares: list[float]) -> list[int]:
    """`count` over seconds: floor(share so far) minus what the seconds before got."""
    if len(shares) == 1:
        return [count]
    if len(shares) == 2:  # a push a second, aligned to nothing
        reached = int(count * shares[0]) if shares[0] < 1.0 else count
        return [reached, count - reached]
    found, given = [], 0
    for share in shares:
        reached = count if share >= 1.0 else int(count * share)
        found.append(reached - given)
        given = reached
    return found


def _by_weight(count: int, weights: Sequence[int]) -> list[int]:
    """`count` in whole parts; up to the sum of the weights none is greater than its weight."""
    whole = sum(weights)
    reached = [count * passed // whole for passed in accumulate(weights)]
    return [here - given for here, given in zip(reached, [0, *reached], strict=False)]


def _sums(one: list[int], other: list[int]) -> list[int]:
    return list(map(add, one, other))


def _by_scenario(places: dict[Place, Cell]) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for (scenario, step), cell in places.items():
        if step or scenario in found:
            found.setdefault(scenario, Cell()).add(cell)
        else:
            found[scenario] = cell
    return found


def seconds_of(snapshots: Iterable[Snapshot], timeline: Timeline) -> Iterator[Second]:
    """The seconds of a run through `timeline`, each as soon as it is complete, as live pages get them."""
    for snapshot in snapshots:
        timeline.feed(snapshot)
        yield from timeline.take(timeline.complete_until(snapshot.moment))
    yield from timeline.take_all()


def build(snapshots: Iterable[Snapshot]) -> tuple[float | None, list[Second]]:
    """The origin and all seconds of a run that is over."""
    timeline = Timeline()
    for snapshot in snapshots:
        timeline.feed(snapshot)
    return timeline.origin, list(timeline.take_all())
