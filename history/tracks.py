"""The seconds of a run followed: the whole of it, its scenarios, their steps and stages."""

from collections import deque
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from history.blocks import LENGTH
from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import Snapshot
from history.metrics.timeline import Cell, Place, Second, Timeline, seconds_of, sum_cells
from history.models import ScenarioHistory, StageHistory, StepHistory

RATES = ("t", "tps", "error_rate")
PERCENTILES, SHARES = ("p50", "p90", "p95", "p99"), (0.50, 0.90, 0.95, 0.99)
_COUNTED = ("iterations", "dropped", "checks_passed", "checks_failed", "sent", "received")
COUNTED = ("requests", "failures", *_COUNTED)
COLUMNS = ("t", "requests", "failures", "tps", "error_rate", "avg", *PERCENTILES, "vus", *_COUNTED)


@dataclass(slots=True)
class Rates:
    """The seconds of a stage, a step or a phase, as far as highest and lowest rates are found in them, and their sum.
    `vus`: by second, where they are followed."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in RATES})
    sum: Cell = field(default_factory=Cell)
    vus: list[float | None] = field(default_factory=list)

    def add(self, t: int, cell: Cell) -> None:
        """Appends one second, which is not added to the sum."""
        for name, value in zip(RATES, (t, float(cell.requests), cell.error_rate), strict=True):
            self.columns[name].append(value)

    def join(self, other: "Rates") -> None:
        """Appends the seconds of another, and adds its sum."""
        for name in RATES:
            self.columns[name] += other.columns[name]
        self.sum.add(other.sum)
        self.vus += other.vus


@dataclass(slots=True)
class Track:
    """The seconds of one scenario or the whole run, one list a column, and their sum. `longest`: by second, the upper
    edge of the bucket that holds its longest response time (ms). `times`: the percentiles of each `stretch` seconds,
    where that is more than one."""

    stretch: int = 1
    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    sum: Cell = field(default_factory=Cell)
    longest: list[float | None] = field(default_factory=list)
    times: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in PERCENTILES})
    _rows: list[tuple[Any, ...]] = field(default_factory=list)
    _open: Cell = field(default_factory=Cell)
    _opened: int = 0

    def add(self, t: int, cell: Cell, vus: float | None) -> None:
        """Appends one second, which `add_sum` gets with others."""
        one, spread, requests, failures = cell, cell.spread, cell.requests, cell.failures
        counts = (one.iterations, one.dropped, one.checks_passed, one.checks_failed, one.sent, one.received)
        if not requests:
            self._rows.append((t, 0, failures, 0.0, None, None, None, None, None, None, vus, *counts))
            self.longest.append(None)
            return
        average, rate = spread.total / spread.count, cell.error_rate
        times = spread.percentiles(*SHARES)
        self._rows.append((t, requests, failures, float(requests), rate, average, *times, vus, *counts))
        self.longest.append(spread.longest)

    def add_sum(self, cell: Cell, until: int) -> None:
        """Adds all seconds up to `until` that were not added yet; together they are `cell`."""
        if self.stretch == 1:
            self.sum.add(cell)
            return
        self._open.add(cell)
        if until - self._opened >= self.stretch:
            self._close(until)

    def _close(self, until: int) -> None:
        add_times(self.times, self._open.spread)
        self.sum.add(self._open)
        self._open, self._opened = Cell(), until

    def close(self) -> None:
        """To be called after the last second."""
        length = len(self._rows)
        if self.stretch > 1 and length > self._opened:
            self._close(length)
        if self._rows:
            self.columns = dict(zip(COLUMNS, map(list, zip(*self._rows, strict=True)), strict=True))


def add_times(columns: dict[str, list[Any]], spread: Histogram) -> None:
    """Appends the percentiles of `spread` to columns of that name."""
    for name, value in zip(PERCENTILES, spread.percentiles(*SHARES), strict=True):
        columns[name].append(value)


@dataclass(slots=True)
class Tracks:
    """Everything that is followed over the seconds of a run."""

    whole: Track
    scenarios: dict[str, Track]
    stages: dict[int, Rates]  # by StageHistory.pk
    steps: dict[Place, Rates] = field(default_factory=dict)  # of scenarios with several steps


@dataclass(frozen=True, slots=True)
class Window:
    """A stage of a scenario: the seconds from `start` up to `end` of the run. The last one has what comes after it."""

    stage: StageHistory
    tag: str
    start: float
    end: float
    first: bool = False
    last: bool = False


def starts(plan: Mapping[str, Any]) -> dict[str, float]:
    """When each scenario of a plan snapshot begins, in seconds from the start of the load."""
    scenarios = plan.get("scenarios", [])
    return {one["tag"]: float(one.get("load", {}).get("start_time") or 0.0) for one in scenarios}


def windows(scenarios: Iterable[ScenarioHistory], begins: Mapping[str, float]) -> list[Window]:
    """The stages of the scenarios with their times, from the start of the load; `begins` as of `starts`."""
    found = []
    for scenario in scenarios:
        start = begins.get(scenario.scenario_tag, 0.0)
        stages = list(scenario.stages.all())
        for stage in stages:
            end = start + stage.duration
            ends = (stage is stages[0], stage is stages[-1])
            found.append(Window(stage, scenario.scenario_tag, start, end, *ends))
            start = end
    return found


def place(scenario: ScenarioHistory, step: StepHistory, several: bool) -> Place:
    """How the requests of a step are tagged: as k6 is told in `loadtests.k6.script`."""
    return scenario.scenario_tag, str(step.position + 1) if several else ""


class Watcher:
    """Sees what is followed."""

    def see(self, second: Second) -> None:
        """Each second."""

    def sum(self, places: Mapping[Place, Cell]) -> None:
        """All seconds together that it saw since the last sum, some seconds later, at the end of each minute at the
        latest."""


def follow(
    snapshots: Iterable[Snapshot],
    tags: list[str],
    stages: Iterable[Window] = (),
    steps: Iterable[Place] = (),
    watcher: Watcher | None = None,
    stretch: int = 1,
) -> tuple[Timeline, Tracks]:
    """Runs all snapshots through one timeline and follows the run, its scenarios, stages and steps. `stretch`: see
    `Track`; it divides a minute, or is some of them."""
    timeline, coming, watcher = Timeline(), list(stages), watcher or Watcher()
    every = {window.stage.pk: Rates() for window in coming}
    tracks = Tracks(Track(stretch), {tag: Track(stretch) for tag in tags}, every, {one: Rates() for one in steps})
    untold = {tag: deque(window for window in coming if window.tag == tag) for tag in tags}
    together: dict[Place, Cell] = {}
    grain = stretch if 1 < stretch < LENGTH else LENGTH
    length = 0
    for second in seconds_of(snapshots, timeline):
        length = second.t + 1
        _take(second, tracks)
        _add_to_stages(second, tracks, untold, timeline.staged)
        for where, cell in second.places.items():
            known = together.get(where)
            if known is None:
                known = together[where] = Cell()
            known.add(cell)
        watcher.see(second)
        if length % grain == 0:
            _take_sum(together, tracks, watcher, length)
            together = {}
    _take_sum(together, tracks, watcher, length)
    for track in (tracks.whole, *tracks.scenarios.values()):
        track.close()
    for window in coming:
        _cut(tracks.stages[window.stage.pk], tracks.scenarios[window.tag], window)
    return timeline, tracks


def _take(second: Second, tracks: Tracks) -> None:
    tracks.whole.add(second.t, second.total, second.vus)
    nothing = Cell()
    for tag, track in tracks.scenarios.items():
        track.add(second.t, second.cells.get(tag, nothing), None)
    for one, rates in tracks.steps.items():
        rates.add(second.t, second.steps.get(one, nothing))


def _add_to_stages(second: Second, tracks: Tracks, untold: dict[str, deque[Window]], staged: Container[str]) -> None:
    """Adds up the stages of scenarios whose requests do not tell theirs (`staged` do): those of older versions. A
    second belongs to the stage in which its middle lies. `untold`: the stages of each scenario that are not over."""
    middle = second.t + 0.5
    for tag, cell in second.cells.items():
        coming = untold.get(tag)
        if not coming or tag in staged or (len(coming) == 1 and coming[0].first):  # one stage is the scenario
            continue
        while coming[0].end <= middle and not coming[0].last:
            coming.popleft()
        if coming[0].start <= middle:
            tracks.stages[coming[0].stage.pk].sum.add(cell)


def _cut(rates: Rates, track: Track, window: Window) -> None:
    """The seconds of a stage out of those of its scenario."""
    length = len(track.columns["t"])
    first = max(0, ceil(window.start - 0.5))
    last = length if window.last else min(length, ceil(window.end - 0.5))
    rates.columns = {name: track.columns[name][first:last] for name in (*RATES, "dropped")}


def _take_sum(together: Mapping[Place, Cell], tracks: Tracks, watcher: Watcher, length: int) -> None:
    by_tag: dict[str, list[Cell]] = {}
    for (tag, step), cell in together.items():
        by_tag.setdefault(tag, []).append(cell)
        if (tag, step) in tracks.steps:
            tracks.steps[tag, step].sum.add(cell)
    sums = {tag: cells[0] if len(cells) == 1 else sum_cells(cells) for tag, cells in by_tag.items()}
    for tag, track in tracks.scenarios.items():
        track.add_sum(sums.get(tag, _NOTHING), length)
    tracks.whole.add_sum(sum_cells(sums.values()), length)
    watcher.sum(together)


_NOTHING = Cell()
