"""The seconds of a run followed: the whole of it, its scenarios, their steps and stages."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from history.metrics.native_histogram import upper_bound
from history.metrics.remote_write import Snapshot
from history.metrics.timeline import Cell, Place, Second, Timeline, numbers, seconds_of
from history.models import ScenarioHistory, StageHistory, StepHistory

RATES = ("t", "tps", "error_rate")
PERCENTILES = ("p50", "p90", "p95", "p99")
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
        """Appends one second."""
        for name, value in zip(RATES, (t, float(cell.requests), cell.error_rate), strict=True):
            self.columns[name].append(value)
        self.sum.add(cell)

    def join(self, other: "Rates") -> None:
        """Appends the seconds of another."""
        for name in RATES:
            self.columns[name] += other.columns[name]
        self.sum.add(other.sum)
        self.vus += other.vus


@dataclass(slots=True)
class Track:
    """The seconds of one scenario or the whole run, one list a column, and their sum. `longest`: by second, the upper
    edge of the bucket that holds its longest response time (ms). `times`: the percentiles of each `stretch` seconds."""

    stretch: int = 1
    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    sum: Cell = field(default_factory=Cell)
    longest: list[float | None] = field(default_factory=list)
    times: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in PERCENTILES})
    _open: Cell = field(default_factory=Cell)
    _seconds: int = 0

    def add(self, t: int, cell: Cell, vus: float | None) -> None:
        """Appends one second."""
        found = numbers(cell)
        rates = (t, found.requests, found.failures, found.tps, found.error_rate)
        times = (found.avg, found.p50, found.p90, found.p95, found.p99)
        counts = (getattr(cell, name) for name in _COUNTED)
        for name, value in zip(COLUMNS, (*rates, *times, vus, *counts), strict=True):
            self.columns[name].append(value)
        highest = cell.spread.highest
        self.longest.append(None if highest is None else upper_bound(highest))
        self._open.add(cell)
        self._seconds += 1
        if self._seconds == self.stretch:
            self.close()

    def close(self) -> None:
        """Ends the stretch that is open; to be called after the last second."""
        if self._seconds:
            if self.stretch > 1:
                add_times(self.times, self._open)
            self.sum.add(self._open)
            self._open, self._seconds = Cell(), 0


def add_times(columns: dict[str, list[Any]], cell: Cell) -> None:
    """Appends the percentiles of `cell` to columns of that name."""
    found = numbers(cell)
    for name in PERCENTILES:
        columns[name].append(getattr(found, name))


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
            found.append(Window(stage, scenario.scenario_tag, start, end, last=stage is stages[-1]))
            start = end
    return found


def place(scenario: ScenarioHistory, step: StepHistory, several: bool) -> Place:
    """How the requests of a step are tagged: as k6 is told in `loadtests.k6.script`."""
    return scenario.scenario_tag, str(step.position + 1) if several else ""


def follow(
    snapshots: Iterable[Snapshot],
    tags: list[str],
    stages: Iterable[Window] = (),
    steps: Iterable[Place] = (),
    watch: Callable[[Second], object] | None = None,
    stretch: int = 1,
) -> tuple[Timeline, Tracks]:
    """Runs all snapshots through one timeline and follows the run, its scenarios, stages and steps; `watch` sees each
    second. `stretch`: see `Track`."""
    timeline, coming = Timeline(), list(stages)
    every = {window.stage.pk: Rates() for window in coming}
    tracks = Tracks(Track(stretch), {tag: Track(stretch) for tag in tags}, every, {one: Rates() for one in steps})
    by_tag = [deque(window for window in coming if window.tag == tag) for tag in tags]
    for second in seconds_of(snapshots, timeline):
        _take(second, tracks)
        _take_stages(second, tracks, by_tag)
        if watch is not None:
            watch(second)
    for track in (tracks.whole, *tracks.scenarios.values()):
        track.close()
    return timeline, tracks


def _take(second: Second, tracks: Tracks) -> None:
    tracks.whole.add(second.t, second.total, second.vus)
    nothing = Cell()
    for tag, track in tracks.scenarios.items():
        track.add(second.t, second.cells.get(tag, nothing), None)
    for one, rates in tracks.steps.items():
        rates.add(second.t, second.steps.get(one, nothing))


def _take_stages(second: Second, tracks: Tracks, by_tag: list[deque[Window]]) -> None:
    """A second belongs to the stage in which its middle lies. `by_tag`: stages of each scenario, without those that
    are over."""
    middle = second.t + 0.5
    for coming in by_tag:
        while coming and coming[0].end <= middle and not coming[0].last:
            coming.popleft()
        if coming and coming[0].start <= middle:
            tracks.stages[coming[0].stage.pk].add(second.t, second.cells.get(coming[0].tag, Cell()))
