"""From snapshots and k6's summary to the columns of a finished run. Every final number is made here."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil, floor
from typing import Any

from django.conf import settings
from django.db import transaction

from history.clocks import Clocks
from history.findings import Lack
from history.metrics import abort
from history.metrics import summary as k6_summary
from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import CounterKey
from history.metrics.stores import open_store
from history.metrics.summary import Summary, Witness
from history.metrics.timeline import Place, Timeline, numbers
from history.models import Iterated, Measured, ScenarioHistory, StageHistory, StepHistory, TestHistory, TimelineHistory
from history.pace import COUNTED, USERS, Asked, slowed
from history.publishing import show_result
from history.reasons import Reason
from history.since import Since
from history.states import Outcome
from history.tracks import Rates, Track, Tracks, Window, follow, place, starts, windows
from history.trust import Measurement
from history.verdict import Evidence, judge

MEASURED = [column.name for column in Measured._meta.fields]
ITERATED = [column.name for column in Iterated._meta.fields]


def fill(row: Measured, track: Track | Rates, duration: float, whole: range, witness: Witness | None) -> None:
    """Writes the measured columns of `row` from its seconds and, where k6's own summary is there, from that.

    `duration`: how long the row lasted, in seconds. `whole`: the seconds of the run that lasted whole and in which the
    row took part; the rest is left out of highest and lowest TPS.
    """
    cell, columns = track.sum, track.columns
    row.total_requests = witness.requests if witness else cell.requests
    row.failed_requests = witness.failures if witness else cell.failures
    row.test_duration = duration
    row.avg_tps = row.total_requests / duration if duration > 0 else None
    row.avg_error_rate = 100.0 * row.failed_requests / row.total_requests if row.total_requests else None
    rates = [tps for t, tps in zip(columns["t"], columns["tps"], strict=True) if t in whole]
    row.max_tps, row.min_tps = max(rates, default=None), min(rates, default=None)
    rates = [rate for rate in columns["error_rate"] if rate is not None]
    row.max_error_rate, row.min_error_rate = max(rates, default=None), min(rates, default=None)
    found, said = numbers(cell), witness or Witness()
    row.avg_response_time = _either(said.avg, found.avg)
    row.p50_response_time = _either(said.p50, found.p50)
    row.p95_response_time = _either(said.p95, found.p95)
    row.p99_response_time = _either(said.p99, found.p99)
    spread = cell.spread if cell.requests else Histogram()
    row.min_response_time = _either(said.min, spread.percentile(0.0))
    row.max_response_time = _either(said.max, spread.percentile(1.0))
    if isinstance(row, Iterated):
        row.p90_response_time = _either(said.p90, found.p90)
        row.iterations = cell.iterations if said.iterations is None else said.iterations
        row.dropped_iterations = cell.dropped if said.dropped is None else said.dropped


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
    """Fills every measured column of `run`, its scenarios, stages and steps, and its timelines, in one transaction.

    `summaries`: k6's own, one of each load generator. The same call again writes the same numbers. Raises `StoreError`.
    """
    rows = _Rows.of(run)
    watch = abort.watch(run.plan_snapshot, Asked(run.plan_snapshot).full)
    since, clocks = Since(run.plan_snapshot), Clocks()
    snapshots = clocks.watch(snapshot for _, snapshot in open_store().read(run.pk))
    timeline, tracks = follow(snapshots, rows.tags, rows.stages, rows.several, since.beside(watch))
    run.summary = summaries
    summary = k6_summary.read(summaries, rows.tags)
    stored = sum(cell.requests for cell in timeline.totals().values())
    duration = summary.duration if summary else float(timeline.seconds_seen)
    wanted = int(run.plan_snapshot.get("generators", 1))
    if len(summaries) < wanted:
        summary = None  # a part of the generators is no witness of the whole
    run.generators = [{**row, "started": _offset(timeline, row["instance"])} for row in run.generators]
    if timeline.origin is not None:
        run.tested_at = datetime.fromtimestamp(timeline.origin, UTC)
    _fill_run(run, rows, tracks, duration, summary)
    _fill_checks(rows, timeline)
    answered = stored - sum(statuses.get("0", 0) for statuses in timeline.answers().values())
    lack = _lack(run, rows, timeline, tracks)
    held = {pk: rates.sum for pk, rates in tracks.stages.items()}
    broken = watch.broken if watch else None
    lasted = k6_summary.durations(summaries)
    measurement = Measurement(stored, summary, wanted, len(summaries), clocks, lasted, duration)
    budget = settings.METRICVAULT_DROPPED_BUDGET
    evidence = Evidence(measurement, answered, lack, held, broken, since.found, budget)
    outcome, reasons = judge(run, rows.scenarios, evidence)
    _save(run, rows, tracks)
    show_result(run)
    agrees = summary is not None and summary.whole.requests == stored
    return Recorded(outcome, reasons, agrees, stored)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is filled besides the run. `steps`: with the tags of their requests."""

    scenarios: list[ScenarioHistory]
    begins: dict[str, float]
    stages: list[Window]
    steps: list[tuple[StepHistory, Place]]

    @classmethod
    def of(cls, run: TestHistory) -> "_Rows":
        scenarios = list(run.scenarios.prefetch_related("stages", "steps"))
        begins = starts(run.plan_snapshot)
        steps = []
        for scenario in scenarios:
            own = list(scenario.steps.all())
            steps += [(step, place(scenario, step, len(own) > 1)) for step in own]
        return cls(scenarios, begins, windows(scenarios, begins), steps)

    @property
    def tags(self) -> list[str]:
        return [scenario.scenario_tag for scenario in self.scenarios]

    @property
    def several(self) -> list[Place]:
        """The steps that are followed apart from their scenario."""
        return [where for _step, where in self.steps if where[1]]


def _offset(timeline: Timeline, instance: str) -> float | None:
    """Seconds from the start of the load to that of one generator."""
    started = timeline.starts.get(instance)
    return None if started is None or timeline.origin is None else round(started - timeline.origin, 3)


def _fill_run(run: TestHistory, rows: _Rows, tracks: Tracks, duration: float, summary: Summary | None) -> None:
    whole = range(floor(duration + 1e-6))
    fill(run, tracks.whole, duration, whole, summary.whole if summary else None)
    users = [vus for vus in tracks.whole.columns["vus"][: len(whole)] if vus is not None]
    run.max_vus, run.min_vus = max(users, default=None), min(users, default=None)
    run.avg_vus = sum(users) / len(users) if users else None
    for scenario in rows.scenarios:
        tag, track = scenario.scenario_tag, tracks.scenarios[scenario.scenario_tag]
        begin, end = rows.begins.get(tag, 0.0), _end(scenario, rows, track, duration)
        lasted, seconds = max(0.0, end - begin), range(ceil(begin - 1e-6), floor(end + 1e-6))
        fill(scenario, track, lasted, seconds, summary.scenarios.get(tag) if summary else None)
        for step, where in rows.steps:
            if where[0] == tag:
                fill(step, tracks.steps[where] if where[1] else track, lasted, seconds, None)
    for window in rows.stages:
        lasted = min(window.end, duration) - window.start
        if lasted > 0:
            fill(window.stage, tracks.stages[window.stage.pk], lasted, whole, None)


def _end(scenario: ScenarioHistory, rows: _Rows, track: Track, duration: float) -> float:
    """When a scenario was over, in seconds from the start of the load."""
    planned = max((one.end for one in rows.stages if one.tag == scenario.scenario_tag), default=0.0)
    active = _last_active(track)
    if scenario.executor in COUNTED and active:
        planned = 0.0  # over as soon as its iterations are done; its stage is the longest time
    return min(duration, max(planned, active))


def _last_active(track: Track) -> int:
    busy = [t for t, requests in zip(track.columns["t"], track.columns["requests"], strict=True) if requests]
    return busy[-1] + 1 if busy else 0


def _fill_checks(rows: _Rows, timeline: Timeline) -> None:
    counted = timeline.counted("mv_checks")
    for step, (tag, number) in rows.steps:
        for check in step.checks:
            key = CounterKey("mv_checks", tag, number, check["key"])
            check["passed"] = counted.get(replace(key, ok="true"), 0)
            check["failed"] = counted.get(replace(key, ok="false"), 0)


def _lack(run: TestHistory, rows: _Rows, timeline: Timeline, tracks: Tracks) -> Lack:
    no_rows: dict[str, int] = {}
    for counter, count in timeline.counted("mv_no_row").items():
        no_rows[counter.scenario] = no_rows.get(counter.scenario, 0) + count
    asked, waited = Asked(run.plan_snapshot), {}
    for scenario in rows.scenarios:
        if scenario.executor in USERS:
            track = tracks.scenarios[scenario.scenario_tag]
            seconds = range(floor((run.test_duration or 0.0) + 1e-6))
            users = [asked.at(scenario.scenario_tag, t + 0.5) for t in seconds]
            sent, longest = track.columns["requests"][: len(users)], track.longest[: len(users) + 1]
            waited[scenario.scenario_tag] = slowed(sent, users[: len(sent)], longest)
    return Lack(no_rows, {tag: count for tag, count in waited.items() if count > 1})


def _save(run: TestHistory, rows: _Rows, tracks: Tracks) -> None:
    more = ["max_vus", "min_vus", "avg_vus", "summary", "tested_at", "generators"]
    with transaction.atomic():
        run.save(update_fields=[*ITERATED, *more])
        ScenarioHistory.objects.bulk_update(rows.scenarios, ITERATED)
        StageHistory.objects.bulk_update([window.stage for window in rows.stages], MEASURED)
        StepHistory.objects.bulk_update([step for step, _ in rows.steps], [*MEASURED, "checks"])
        _save_timelines(run, rows.scenarios, tracks)


def _save_timelines(run: TestHistory, scenarios: list[ScenarioHistory], tracks: Tracks) -> None:
    run.timelines.all().delete()
    timelines = [TimelineHistory(test_history=run, columns=tracks.whole.columns)]
    for scenario in scenarios:
        columns = dict(tracks.scenarios[scenario.scenario_tag].columns)
        del columns["vus"]  # k6 counts users for the whole run only
        timelines.append(TimelineHistory(test_history=run, scenario=scenario, columns=columns))
    TimelineHistory.objects.bulk_create(timelines)
