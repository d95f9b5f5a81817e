"""From snapshots and k6's summary to the columns of a finished run. Every final number is made here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import floor
from typing import Any

from django.db import transaction

from history.metrics import summary as k6_summary
from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import Snapshot
from history.metrics.stores import open_store
from history.metrics.summary import Summary, Witness
from history.metrics.timeline import Cell, Second, Timeline, numbers
from history.models import Measured, ScenarioHistory, StageHistory, TestHistory, TimelineHistory
from history.publishing import show_result
from history.reasons import Reason
from history.states import Outcome
from history.verdict import Evidence, judge

COLUMNS = ("t", "requests", "failures", "tps", "error_rate", "avg", "p50", "p95", "p99", "vus")


@dataclass(slots=True)
class Track:
    """The seconds of one scenario, one stage or the whole run, one list a column, and their sum."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    sum: Cell = field(default_factory=Cell)

    def add(self, t: int, cell: Cell, vus: float | None) -> None:
        """Appends one second."""
        found = numbers(cell)
        row = (t, found.requests, found.failures, found.tps, found.error_rate, found.avg, found.p50, found.p95)
        for name, value in zip(COLUMNS, (*row, found.p99, vus), strict=True):
            self.columns[name].append(value)
        self.sum.add(cell)


@dataclass(slots=True)
class Tracks:
    """Everything that is followed over the seconds of a run."""

    whole: Track
    scenarios: dict[str, Track]
    stages: dict[int, Track]  # by StageHistory.pk


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


def windows(scenarios: Iterable[ScenarioHistory]) -> list[Window]:
    """The stages of the scenarios with their times, from the scenario's start."""
    found = []
    for scenario in scenarios:
        start = 0.0
        for stage in scenario.stages.all():
            found.append(Window(stage, scenario.scenario_tag, start, start + stage.duration))
            start += stage.duration
    return found


def follow(snapshots: Iterable[Snapshot], tags: list[str], stages: list[Window]) -> tuple[Timeline, Tracks]:
    """Runs all snapshots through one timeline and follows the run, its scenarios and its stages."""
    timeline = Timeline()
    tracks = Tracks(Track(), {tag: Track() for tag in tags}, {window.stage.pk: Track() for window in stages})
    for snapshot in snapshots:
        timeline.feed(snapshot)
        _take(timeline.take(timeline.complete_until(snapshot.moment)), tracks, stages)
    _take(timeline.take_all(), tracks, stages)
    return timeline, tracks


def _take(seconds: Iterable[Second], tracks: Tracks, stages: list[Window]) -> None:
    for second in seconds:
        tracks.whole.add(second.t, second.total, second.vus)
        for tag, track in tracks.scenarios.items():
            track.add(second.t, second.cells.get(tag, Cell()), None)
        for window in stages:
            if window.holds(second.t):
                tracks.stages[window.stage.pk].add(second.t, second.cells.get(window.tag, Cell()), None)


def fill(row: Measured, track: Track, duration: float, whole_seconds: int, witness: Witness | None) -> None:
    """Writes the measured columns of `row` from its seconds and, where k6's own summary is there, from that.

    `duration`: how long the row lasted, in seconds. `whole_seconds`: seconds of the run before this one lasted
    whole; the rest is left out of highest and lowest TPS.
    """
    cell, columns = track.sum, track.columns
    row.total_requests = witness.requests if witness else cell.requests
    row.failed_requests = witness.failures if witness else cell.failures
    row.test_duration = duration
    row.avg_tps = row.total_requests / duration if duration > 0 else None
    row.avg_error_rate = 100.0 * row.failed_requests / row.total_requests if row.total_requests else None
    whole = [tps for t, tps in zip(columns["t"], columns["tps"], strict=True) if t < whole_seconds]
    row.max_tps, row.min_tps = max(whole, default=None), min(whole, default=None)
    rates = [rate for rate in columns["error_rate"] if rate is not None]
    row.max_error_rate, row.min_error_rate = max(rates, default=None), min(rates, default=None)
    found = numbers(cell)
    said = witness or Witness(0, 0, None, None, None, None, None, None)
    row.avg_response_time = _either(said.avg, found.avg)
    row.p50_response_time = _either(said.p50, found.p50)
    row.p95_response_time = _either(said.p95, found.p95)
    row.p99_response_time = _either(said.p99, found.p99)
    spread = cell.spread if cell.requests else Histogram()
    row.min_response_time = _either(said.min, spread.percentile(0.0))
    row.max_response_time = _either(said.max, spread.percentile(1.0))


def _either(first: float | None, second: float | None) -> float | None:
    return second if first is None else first


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording found: the verdict, and whether the stored counts agree with k6's summary."""

    outcome: Outcome
    reasons: list[Reason]
    agrees: bool
    stored_requests: int


def agreement(run: TestHistory, summaries: list[dict[str, Any]]) -> bool:
    """Whether every request that k6's summaries (`history.metrics.summary.find`) count is stored already."""
    found = k6_summary.read(summaries, [])
    if found is None:
        return False
    timeline = Timeline()
    for _cursor, snapshot in open_store().read(run.pk):
        timeline.feed(snapshot)
    return sum(cell.requests for cell in timeline.totals().values()) == found.whole.requests


def record(run: TestHistory, summaries: list[dict[str, Any]]) -> Recorded:
    """Fills every measured column of `run`, its scenarios and stages, and its timelines, in one transaction.

    `summaries`: k6's own, one of each load generator. The same call again writes the same numbers. Raises `StoreError`.
    """
    scenarios = list(run.scenarios.prefetch_related("stages"))
    tags = [scenario.scenario_tag for scenario in scenarios]
    stages = windows(scenarios)
    timeline, tracks = follow((snapshot for _, snapshot in open_store().read(run.pk)), tags, stages)
    run.summary = summaries
    summary = k6_summary.read(summaries, tags)
    totals = timeline.totals()
    stored = sum(cell.requests for cell in totals.values())
    duration = summary.duration if summary else float(timeline.seconds_seen)
    wanted = int(run.plan_snapshot.get("generators", 1))
    if len(summaries) < wanted:
        summary = None  # a part of the generators is no witness of the whole
    run.generators = [{**row, "started": _offset(timeline, row["instance"])} for row in run.generators]
    if timeline.origin is not None:
        run.tested_at = datetime.fromtimestamp(timeline.origin, UTC)
    _fill_run(run, scenarios, stages, tracks, duration, summary)
    answered = stored - sum(statuses.get("0", 0) for statuses in timeline.answers().values())
    evidence = Evidence(stored, answered, summary, wanted, len(summaries))
    outcome, reasons = judge(run, scenarios, evidence)
    more = ["max_vus", "min_vus", "avg_vus", "summary", "tested_at", "generators"]
    with transaction.atomic():
        run.save(update_fields=[*_measured_columns(), *more])
        ScenarioHistory.objects.bulk_update(scenarios, _measured_columns())
        StageHistory.objects.bulk_update([window.stage for window in stages], _measured_columns())
        _save_timelines(run, scenarios, tracks)
    show_result(run)
    agrees = summary is not None and summary.whole.requests == stored
    return Recorded(outcome, reasons, agrees, stored)


def _offset(timeline: Timeline, instance: str) -> float | None:
    """Seconds from the start of the load to that of one generator."""
    started = timeline.starts.get(instance)
    return None if started is None or timeline.origin is None else round(started - timeline.origin, 3)


def _fill_run(
    run: TestHistory,
    scenarios: list[ScenarioHistory],
    stages: list[Window],
    tracks: Tracks,
    duration: float,
    summary: Summary | None,
) -> None:
    whole_seconds = floor(duration + 1e-6)
    fill(run, tracks.whole, duration, whole_seconds, summary.whole if summary else None)
    users = [vus for vus in tracks.whole.columns["vus"][:whole_seconds] if vus is not None]
    run.max_vus, run.min_vus = max(users, default=None), min(users, default=None)
    run.avg_vus = sum(users) / len(users) if users else None
    for scenario in scenarios:
        track = tracks.scenarios[scenario.scenario_tag]
        planned = sum(window.end - window.start for window in stages if window.tag == scenario.scenario_tag)
        lasted = min(duration, max(planned, _last_active(track)))
        witness = summary.scenarios.get(scenario.scenario_tag) if summary else None
        fill(scenario, track, lasted, floor(lasted + 1e-6), witness)
    for window in stages:
        lasted = min(window.end, duration) - window.start
        if lasted > 0:
            fill(window.stage, tracks.stages[window.stage.pk], lasted, whole_seconds, None)


def _last_active(track: Track) -> int:
    busy = [t for t, requests in zip(track.columns["t"], track.columns["requests"], strict=True) if requests]
    return busy[-1] + 1 if busy else 0


def _measured_columns() -> list[str]:
    return [column.name for column in Measured._meta.fields]


def _save_timelines(run: TestHistory, scenarios: list[ScenarioHistory], tracks: Tracks) -> None:
    run.timelines.all().delete()
    rows = [TimelineHistory(test_history=run, columns=tracks.whole.columns)]
    for scenario in scenarios:
        columns = dict(tracks.scenarios[scenario.scenario_tag].columns)
        del columns["vus"]  # k6 counts users for the whole run only
        rows.append(TimelineHistory(test_history=run, scenario=scenario, columns=columns))
    TimelineHistory.objects.bulk_create(rows)
