"""The measured columns of a finished run and its parts, filled from its seconds and k6's own summary."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor

from history import phases
from history.metrics.cells import Cell, Place, numbers
from history.metrics.summary import Summary, Witness
from history.models import (
    Iterated,
    Kind,
    Measured,
    PhaseHistory,
    ScenarioHistory,
    StepHistory,
    TestHistory,
)
from history.pace import COUNTED
from history.tracks import Rates, Track, Tracks, Window, place, starts, windows

_TIMES = ("p50", "p90", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Rows:
    """What is filled besides the run. `begins`: of scenarios, in seconds from the start of the load, by tag; `steps`:
    with the tags of their requests; `phases` are made anew."""

    scenarios: list[ScenarioHistory]
    begins: dict[str, float]
    stages: list[Window]
    steps: list[tuple[StepHistory, Place]]
    phases: list[PhaseHistory]

    @classmethod
    def of(cls, run: TestHistory) -> "Rows":
        """Those of a run, not filled yet."""
        scenarios = list(run.scenarios.prefetch_related("stages", "steps"))
        begins = starts(run.plan_snapshot)
        steps = []
        for scenario in scenarios:
            own = list(scenario.steps.all())
            steps += [(step, place(scenario, step, len(own) > 1)) for step in own]
        return cls(scenarios, begins, windows(scenarios, begins), steps, [])

    @property
    def tags(self) -> list[str]:
        """The tags of the scenarios."""
        return [scenario.scenario_tag for scenario in self.scenarios]

    @property
    def several(self) -> list[Place]:
        """The steps that are followed apart from their scenario."""
        return [where for _step, where in self.steps if where[1]]


@dataclass(frozen=True, slots=True)
class Found:
    """What the seconds of a run have shown. `stages`: requests by tag and stage as k6 counted them itself, see
    `Timeline.stage_totals`; `phases`: the seconds of the run by kind. `duration` in seconds."""

    tracks: Tracks
    stages: Mapping[Place, Cell]
    phases: Mapping[Kind, Rates]
    duration: float
    summary: Summary | None


def fill_all(run: TestHistory, rows: Rows, found: Found) -> None:
    """Every measured column of the run, its scenarios, stages, steps and phases."""
    _fill_run(run, rows, found)
    for scenario in rows.scenarios:
        _fill_scenario(scenario, rows, found, run)


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
    rates = columns["tps"][bisect_left(columns["t"], whole.start) : bisect_left(columns["t"], whole.stop)]
    row.max_tps, row.min_tps = max(rates, default=None), min(rates, default=None)
    rates = columns["error_rate"]
    if None in rates:
        rates = [rate for rate in rates if rate is not None]
    row.max_error_rate, row.min_error_rate = max(rates, default=None), min(rates, default=None)
    found, said = numbers(cell), witness or Witness()
    for name in ("avg", *_TIMES):
        column = f"{name}_response_time"
        setattr(row, column, _either(getattr(said, name), getattr(found, name)))
    row.min_response_time = _either(said.min, cell.spread.percentile(0.0))
    row.max_response_time = _either(said.max, cell.spread.percentile(1.0))
    if isinstance(row, Iterated):
        row.iterations = cell.iterations if said.iterations is None else said.iterations
        row.dropped_iterations = cell.dropped if said.dropped is None else said.dropped
        row.checks_passed, row.checks_failed = cell.checks_passed, cell.checks_failed
        row.data_sent, row.data_received = cell.sent, cell.received


def _either(first: float | None, second: float | None) -> float | None:
    return second if first is None else first


def _fill_run(run: TestHistory, rows: Rows, found: Found) -> None:
    whole, track = range(floor(found.duration + 1e-6)), found.tracks.whole
    witness = found.summary.whole if found.summary else None
    fill(run, track, found.duration, whole, witness)
    run.answers = dict(track.sum.answers)
    users = [vus for vus in track.columns["vus"][: len(whole)] if vus is not None]
    run.min_vus, run.avg_vus, run.max_vus = _users(users)
    for kind, rates in found.phases.items():
        only = len(found.phases) == 1  # all of the run, and told by the same witness
        seconds = sum(min(1.0, found.duration - t) for t in rates.columns["t"] if t < found.duration)
        phase = PhaseHistory(test_history=run, kind=kind)
        fill(phase, track if only else rates, found.duration if only else seconds, whole, witness if only else None)
        in_whole = zip(rates.columns["t"], rates.vus, strict=True)
        users = [vus for t, vus in in_whole if vus is not None and t in whole]
        phase.min_vus, phase.avg_vus, phase.max_vus = _users(users)
        rows.phases.append(phase)


def _users(vus: list[float]) -> tuple[float | None, float | None, float | None]:
    return min(vus, default=None), sum(vus) / len(vus) if vus else None, max(vus, default=None)


def _fill_scenario(scenario: ScenarioHistory, rows: Rows, found: Found, run: TestHistory) -> None:
    tag, track = scenario.scenario_tag, found.tracks.scenarios[scenario.scenario_tag]
    begin, end = rows.begins.get(tag, 0.0), _end(scenario, rows, track, found.duration)
    lasted, seconds = max(0.0, end - begin), range(ceil(begin - 1e-6), floor(end + 1e-6))
    witness = found.summary.scenarios.get(tag) if found.summary else None
    fill(scenario, track, lasted, seconds, witness)
    scenario.answers = dict(track.sum.answers)
    for step, where in rows.steps:
        if where[0] == tag:  # the only step of a scenario is the scenario
            alone = not where[1]
            fill(step, track if alone else found.tracks.steps[where], lasted, seconds, witness if alone else None)
    own = [window for window in rows.stages if window.tag == tag]
    kinds = phases.of_stages(scenario, (window.stage for window in own))
    stages = _stages(own, track, found)
    whole = range(floor(found.duration + 1e-6))
    for window, kind, rates in zip(own, kinds, stages, strict=True):
        window.stage.kind = kind
        if len(own) == 1:
            fill(window.stage, track, lasted, seconds, witness)
        elif min(window.end, found.duration) > window.start:
            fill(window.stage, rates, min(window.end, found.duration) - window.start, whole, None)
    for kind in dict.fromkeys(kinds):
        phase = PhaseHistory(test_history=run, scenario=scenario, kind=kind)
        if len(set(kinds)) == 1:
            fill(phase, track, lasted, seconds, witness)
        else:
            joined, of_kind = Rates(), 0.0
            for window, this, rates in zip(own, kinds, stages, strict=True):
                if this == kind:
                    joined.join(rates)
                    of_kind += window.stage.test_duration or 0.0
            if not of_kind:
                continue
            fill(phase, joined, of_kind, whole, None)
        rows.phases.append(phase)


def _stages(own: list[Window], track: Track, found: Found) -> list[Rates]:
    """The seconds of each stage of a scenario, and its sum: of the requests that were begun in it, where they tell so
    (`stage`), else of those seconds. Dropped iterations tell nothing, so they are those of the seconds. Together they
    are all of the scenario."""
    rates = [found.tracks.stages[window.stage.pk] for window in own]
    if len(own) == 1:
        rates[0].sum = track.sum
    told = [found.stages.get((window.tag, str(at)), Cell()) for at, window in enumerate(own, 1)]
    if not any(cell.requests for cell in told):
        return rates
    untold = found.stages.get((own[0].tag, ""), Cell())
    for one, cell in zip(rates, told, strict=True):
        cell.dropped, one.sum = sum(one.columns["dropped"]), cell
    untold.dropped = 0
    rates[-1].sum.add(untold)
    return rates


def _end(scenario: ScenarioHistory, rows: Rows, track: Track, duration: float) -> float:
    """When a scenario was over, in seconds from the start of the load."""
    planned = max((one.end for one in rows.stages if one.tag == scenario.scenario_tag), default=0.0)
    active = _last_active(track)
    if scenario.executor in COUNTED and active:
        planned = 0.0  # over as soon as its iterations are done; its stage is the longest time
    return min(duration, max(planned, active))


def _last_active(track: Track) -> int:
    busy = [t for t, requests in zip(track.columns["t"], track.columns["requests"], strict=True) if requests]
    return busy[-1] + 1 if busy else 0
