"""The seconds of a run followed: the whole of it, its scenarios, their steps and stages."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from history.metrics.native_histogram import upper_bound
from history.metrics.remote_write import Snapshot
from history.metrics.timeline import Cell, Place, Second, Timeline, numbers
from history.models import ScenarioHistory, StageHistory, StepHistory

RATES = ("t", "tps", "error_rate")
COLUMNS = ("t", "requests", "failures", "tps", "error_rate", "avg", "p50", "p95", "p99", "vus", "iterations", "dropped")


@dataclass(slots=True)
class Rates:
    """The seconds of one stage or step, as far as highest and lowest rates are found in them, and their sum."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in RATES})
    sum: Cell = field(default_factory=Cell)

    def add(self, t: int, cell: Cell) -> None:
        """Appends one second."""
        for name, value in zip(RATES, (t, float(cell.requests), cell.error_rate), strict=True):
            self.columns[name].append(value)
        self.sum.add(cell)


@dataclass(slots=True)
class Track:
    """The seconds of one scenario or the whole run, one list a column, and their sum. `longest`: by second, the upper
    edge of the bucket that holds its longest response time (ms)."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    sum: Cell = field(default_factory=Cell)
    longest: list[float | None] = field(default_factory=list)

    def add(self, t: int, cell: Cell, vus: float | None) -> None:
        """Appends one second."""
        found = numbers(cell)
        row = (t, found.requests, found.failures, found.tps, found.error_rate, found.avg, found.p50, found.p95)
        for name, value in zip(COLUMNS, (*row, found.p99, vus, cell.iterations, cell.dropped), strict=True):
            self.columns[name].append(value)
        buckets = cell.spread.buckets if cell.requests else {}
        self.longest.append(upper_bound(max(buckets)) if buckets else None)
        self.sum.add(cell)


@dataclass(slots=True)
class Tracks:
    """Everything that is followed over the seconds of a run."""

    whole: Track
    scenarios: dict[str, Track]
    stages: dict[int, Rates]  # by StageHistory.pk
    steps: dict[Place, Rates] = field(default_factory=dict)  # of scenarios with several steps


@dataclass(frozen=True, slots=True)
class Window:
    """A stage of a scenario: the seconds from `start` up to `end` of the run."""

    stage: StageHistory
    tag: str
    start: float
    end: float

    def holds(self, t: int) -> bool:
        """Whether the middle of second `t` lies in the stage."""
        return self.start <= t + 0.5 < self.end


def starts(plan: Mapping[str, Any]) -> dict[str, float]:
    """When each scenario of a plan snapshot begins, in seconds from the start of the load."""
    scenarios = plan.get("scenarios", [])
    return {one["tag"]: float(one.get("load", {}).get("start_time") or 0.0) for one in scenarios}


def windows(scenarios: Iterable[ScenarioHistory], begins: Mapping[str, float]) -> list[Window]:
    """The stages of the scenarios with their times, from the start of the load; `begins` as of `starts`."""
    found = []
    for scenario in scenarios:
        start = begins.get(scenario.scenario_tag, 0.0)
        for stage in scenario.stages.all():
            found.append(Window(stage, scenario.scenario_tag, start, start + stage.duration))
            start += stage.duration
    return found


def place(scenario: ScenarioHistory, step: StepHistory, several: bool) -> Place:
    """How the requests of a step are tagged: as k6 is told in `loadtests.k6.script`."""
    return scenario.scenario_tag, str(step.position + 1) if several else ""


def follow(
    snapshots: Iterable[Snapshot],
    tags: list[str],
    stages: list[Window],
    steps: Iterable[Place] = (),
    watch: Callable[[Second], object] | None = None,
) -> tuple[Timeline, Tracks]:
    """Runs all snapshots through one timeline and follows the run, its scenarios, stages and steps; `watch` sees each
    second."""
    timeline = Timeline()
    tracks = Tracks(Track(), {tag: Track() for tag in tags}, {window.stage.pk: Rates() for window in stages})
    tracks.steps.update((one, Rates()) for one in steps)
    for snapshot in snapshots:
        timeline.feed(snapshot)
        _take(timeline.take(timeline.complete_until(snapshot.moment)), tracks, stages, watch)
    _take(timeline.take_all(), tracks, stages, watch)
    return timeline, tracks


def _take(
    seconds: Iterable[Second], tracks: Tracks, stages: list[Window], watch: Callable[[Second], object] | None
) -> None:
    for second in seconds:
        tracks.whole.add(second.t, second.total, second.vus)
        for tag, track in tracks.scenarios.items():
            track.add(second.t, second.cells.get(tag, Cell()), None)
        for window in stages:
            if window.holds(second.t):
                tracks.stages[window.stage.pk].add(second.t, second.cells.get(window.tag, Cell()))
        for one, rates in tracks.steps.items():
            rates.add(second.t, second.steps.get(one, Cell()))
        if watch is not None:
            watch(second)
