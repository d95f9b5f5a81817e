"""From snapshots and k6's summary to the columns of a finished run. Every final number is made here."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import floor
from typing import Any

from django.conf import settings
from django.db import transaction

from history import heatmap
from history.blocks import Writer
from history.clocks import Clocks
from history.filling import Found, Rows, fill_all
from history.findings import Lack
from history.metrics import abort
from history.metrics import summary as k6_summary
from history.metrics.remote_write import CounterKey
from history.metrics.stores import open_store
from history.metrics.timeline import Cell, Place, Second, Timeline
from history.models import (
    BlockHistory,
    Iterated,
    Kind,
    Measured,
    PhaseHistory,
    ScenarioHistory,
    TestHistory,
    TimelineHistory,
)
from history.overview import POINTS, kept_overview
from history.pace import USERS, Asked, may_have_waited, slowed
from history.phases import Phases
from history.publishing import show_result
from history.reasons import Reason
from history.shape import duration as planned
from history.since import Since
from history.states import Outcome
from history.tracks import Rates, Tracks, Watcher, follow
from history.trust import Measurement
from history.verdict import Evidence, judge

MEASURED = [column.name for column in Measured._meta.fields]
ITERATED = [column.name for column in Iterated._meta.fields]


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


@dataclass(slots=True)
class _Watcher(Watcher):
    """Sees the seconds of the run as they are followed: packs its minutes, and adds up its phases and the columns of
    its heatmap; `more` sees each of them, too."""

    kinds: Phases
    more: Callable[[Second], object]
    heat_step: int
    phases: dict[Kind, Rates] = field(default_factory=dict)
    heat: list[Cell] = field(default_factory=list)
    minutes: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    _writer: Writer = field(default_factory=Writer)

    def see(self, second: Second) -> None:
        """One more second."""
        self.more(second)
        self._writer.see(second)
        phase = self.phases.setdefault(self.kinds.at(second.t), Rates())
        phase.add(second.t, second.total)
        phase.sum.add(second.total)
        phase.vus.append(second.vus)
        if second.t % self.heat_step == 0:
            self.heat.append(Cell())
        self.heat[-1].add(second.total)

    def sum(self, places: Mapping[Place, Cell]) -> None:
        """The seconds since the last sum together."""
        self.minutes += self._writer.sum(places)

    def close(self) -> None:
        """After the last second."""
        self.minutes += self._writer.rest()

    def heatmap(self, seconds: int) -> dict[str, Any]:
        """That of the run."""
        return heatmap.drawn(self.heat, 0, seconds, self.heat_step) if seconds else {}


def record(run: TestHistory, summaries: list[dict[str, Any]]) -> Recorded:
    """Fills every measured column of `run`, its scenarios, stages, steps and phases, its timelines and its minutes, in
    one transaction.

    `summaries`: k6's own, one of each load generator. The same call again writes the same numbers. Raises `StoreError`.
    """
    rows, length = Rows.of(run), planned(run.plan_snapshot)
    watch = abort.watch(run.plan_snapshot, Asked(run.plan_snapshot).full)
    since, clocks = Since(run.plan_snapshot), Clocks()
    heat = heatmap.step_for(length, heatmap.COLUMNS)
    watcher = _Watcher(Phases(run.plan_snapshot), since.beside(watch), heat)
    snapshots = clocks.watch(snapshot for _, snapshot in open_store().read(run.pk))
    stretch = heatmap.step_for(length, POINTS)
    with _no_collection():
        timeline, tracks = follow(snapshots, rows.tags, rows.stages, rows.several, watcher, stretch)
        watcher.close()
    run.summary = summaries
    summary = k6_summary.read(summaries, rows.tags)
    totals = timeline.totals().values()
    stored = sum(cell.requests for cell in totals)
    duration = summary.duration if summary else float(timeline.seconds_seen)
    wanted = int(run.plan_snapshot.get("generators", 1))
    if len(summaries) < wanted:
        summary = None  # a part of the generators is no witness of the whole
    run.generators = [{**row, "started": _offset(timeline, row["instance"])} for row in run.generators]
    if timeline.origin is not None:
        run.tested_at = datetime.fromtimestamp(timeline.origin, UTC)
    fill_all(run, rows, Found(tracks, timeline.stage_totals(), watcher.phases, duration, summary))
    _fill_checks(rows, timeline)
    unanswered = sum(n for cell in totals for answer, n in cell.answers.items() if answer.startswith("0"))
    lack = _lack(run, rows, timeline, tracks)
    held = {pk: rates.sum for pk, rates in tracks.stages.items()}
    broken = watch.broken if watch else None
    lasted = k6_summary.durations(summaries)
    measurement = Measurement(stored, summary, wanted, len(summaries), clocks, lasted, duration)
    budget = settings.METRICVAULT_DROPPED_BUDGET
    evidence = Evidence(measurement, stored - unanswered, lack, held, broken, since.found, budget)
    outcome, reasons = judge(run, rows.scenarios, evidence)
    _save(run, rows, tracks, watcher)
    show_result(run)
    agrees = summary is not None and summary.whole.requests == stored
    return Recorded(outcome, reasons, agrees, stored)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python looks through all that is kept of a run for cycles again and again; there are none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _offset(timeline: Timeline, instance: str) -> float | None:
    """Seconds from the start of the load to that of one generator."""
    started = timeline.starts.get(instance)
    return None if started is None or timeline.origin is None else round(started - timeline.origin, 3)


def _fill_checks(rows: Rows, timeline: Timeline) -> None:
    counted = timeline.counted("mv_checks")
    for step, (tag, number) in rows.steps:
        for check in step.checks:
            key = CounterKey("mv_checks", tag, number, check["key"])
            check["passed"] = counted.get(replace(key, ok="true"), 0)
            check["failed"] = counted.get(replace(key, ok="false"), 0)


def _lack(run: TestHistory, rows: Rows, timeline: Timeline, tracks: Tracks) -> Lack:
    no_rows: dict[str, int] = {}
    for counter, count in timeline.counted("mv_no_row").items():
        no_rows[counter.scenario] = no_rows.get(counter.scenario, 0) + count
    asked, waited = Asked(run.plan_snapshot), {}
    for scenario in rows.scenarios:
        if scenario.executor in USERS:
            track = tracks.scenarios[scenario.scenario_tag]
            if not may_have_waited(track.longest):
                continue
            seconds = range(floor((run.test_duration or 0.0) + 1e-6))
            users = [asked.at(scenario.scenario_tag, t + 0.5) for t in seconds]
            sent, longest = track.columns["requests"][: len(users)], track.longest[: len(users) + 1]
            waited[scenario.scenario_tag] = slowed(sent, users[: len(sent)], longest)
    return Lack(no_rows, {tag: count for tag, count in waited.items() if count > 1})


def _save(run: TestHistory, rows: Rows, tracks: Tracks, watcher: _Watcher) -> None:
    more = ["max_vus", "min_vus", "avg_vus", "summary", "tested_at", "generators", "answers"]
    with transaction.atomic():
        run.save(update_fields=[*ITERATED, *more])
        # One by one: a bulk update of so many columns takes Django longer than the database.
        for scenario in rows.scenarios:
            scenario.save(update_fields=[*ITERATED, "answers"])
        for window in rows.stages:
            window.stage.save(update_fields=[*ITERATED, "kind"])
        for step, _where in rows.steps:
            step.save(update_fields=[*MEASURED, "checks"])
        run.phases.all().delete()
        PhaseHistory.objects.bulk_create(rows.phases)
        run.blocks.all().delete()
        for start, sums, seconds in watcher.minutes:
            BlockHistory.objects.create(test_history=run, start=start, sums=sums, seconds=seconds)
        _save_timelines(run, rows.scenarios, tracks, watcher)


def _save_timelines(run: TestHistory, scenarios: list[ScenarioHistory], tracks: Tracks, watcher: _Watcher) -> None:
    run.timelines.all().delete()
    seconds = len(tracks.whole.columns["t"])
    whole = TimelineHistory(test_history=run, columns=tracks.whole.columns, heatmap=watcher.heatmap(seconds))
    timelines = [(whole, tracks.whole)]
    for scenario in scenarios:
        track = tracks.scenarios[scenario.scenario_tag]
        columns = dict(track.columns)
        del columns["vus"]  # k6 counts users for the whole run only
        timelines.append((TimelineHistory(test_history=run, scenario=scenario, columns=columns), track))
    for row, track in timelines:
        row.overview = kept_overview(row.columns, track)
    TimelineHistory.objects.bulk_create([row for row, _track in timelines])
