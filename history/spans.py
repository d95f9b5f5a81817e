"""Any span of a run counted again, from its seconds and their histograms.

A second holds what k6 counted in it, but for its edges: a push that crosses an edge is dealt out in proportion to time.
So the count of a span is off by no more than what the pushes hold that cross its two edges, and adjacent spans
together hold each request once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, floor

from history.metrics.cells import Numbers, Place, numbers, sum_cells
from history.metrics.native_histogram import Histogram, upper_bound
from history.minutes import Sums, kept, whole_seconds
from history.models import Measured, ScenarioHistory, TestHistory
from history.tracks import place, starts


@dataclass(frozen=True, slots=True)
class Part:
    """What was measured of all requests, of a scenario or of a step while a span lasted. `numbers`: see `Numbers`;
    `min_ms` and `max_ms` in milliseconds, `max_tps` and `min_tps` over its whole seconds; None: nothing to measure.
    `sent` and `received` in bytes; `answers` by HTTP status, or "0:" and k6's number of the error."""

    numbers: Numbers
    min_ms: float | None
    max_ms: float | None
    max_tps: float | None
    min_tps: float | None
    iterations: int
    dropped: int
    checks_passed: int
    checks_failed: int
    sent: int
    received: int
    answers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Bar:
    """So many requests took longer than `low_ms` and no longer than `high_ms`; both are 0 for those without an answer
    that took no time."""

    low_ms: float
    high_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class Span:
    """The seconds from `start` up to `end` of a run; they lasted `seconds`. `scenarios` by tag, `steps` by tag and
    number, of scenarios with several. The counts of `distribution` add up to the requests of `whole`."""

    start: int
    end: int
    seconds: float
    whole: Part
    scenarios: dict[str, Part]
    steps: dict[Place, Part]
    distribution: list[Bar]
    vus_min: float | None
    vus_avg: float | None
    vus_max: float | None


def span(run: TestHistory, start: int | None, end: int | None) -> Span | None:
    """The whole seconds from `start` (None: the first) up to `end` (None: the last) of a run, as far as it has them.
    None where the run keeps no minutes (it is of an older version) or has not measured a second. Raises `StoreError`.

    Of the run from its first second to its last, the response times are those of the result: k6's own where it is
    their witness.
    """
    known = kept(run)
    if known is None or not known.length:
        return None
    first = min(max(start or 0, 0), known.length - 1)
    last = max(first + 1, min(known.length if end is None else end, known.length))
    found = _counted(run, known.sum(first, last), first, last, whole_seconds(run, known.length))
    return _as_recorded(found, run) if run.is_finished and last - first == known.length else found


def _counted(run: TestHistory, sums: Sums, start: int, end: int, whole: int) -> Span:
    lasted = min(float(end), run.test_duration or end) if run.is_finished else float(end)
    scenarios = list(run.scenarios.all())
    begins = starts(run.plan_snapshot)
    parts, steps = {}, {}
    for scenario in scenarios:
        tag = scenario.scenario_tag
        begin = begins.get(tag, 0.0)
        over = begin + scenario.test_duration if run.is_finished and scenario.test_duration is not None else lasted
        own = range(max(start, ceil(begin - 1e-6)), min(end, whole, floor(over + 1e-6)))
        seconds = max(0.0, min(lasted, over) - max(start, begin))
        places = [one for one in sums.places if one[0] == tag]
        parts[tag] = _part(sums, places, seconds, own, start)
        for one in places:
            if one[1]:
                steps[one] = _part(sums, [one], seconds, own, start)
    users = [vus for vus in sums.vus[: max(0, whole - start)] if vus is not None]
    return Span(
        start=start,
        end=end,
        seconds=lasted - start,
        whole=_part(sums, sums.places, lasted - start, range(start, min(end, whole)), start),
        scenarios=parts,
        steps=steps,
        distribution=distribution(sum_cells(sums.places.values()).spread),
        vus_min=min(users, default=None),
        vus_avg=sum(users) / len(users) if users else None,
        vus_max=max(users, default=None),
    )


def _part(sums: Sums, places: Iterable[Place], seconds: float, whole: range, start: int) -> Part:
    """`whole`: the seconds of the run that count for highest and lowest TPS."""
    own = list(places)
    cell = sum_cells(sums.places[one] for one in own)
    counts = [sums.requests[one] for one in own]
    rates = [float(sum(of[t - start] for of in counts if t - start < len(of))) for t in whole]
    return Part(
        numbers=numbers(cell, seconds),
        min_ms=cell.spread.percentile(0.0),
        max_ms=cell.spread.percentile(1.0),
        max_tps=max(rates, default=None),
        min_tps=min(rates, default=None),
        iterations=cell.iterations,
        dropped=cell.dropped,
        checks_passed=cell.checks_passed,
        checks_failed=cell.checks_failed,
        sent=cell.sent,
        received=cell.received,
        answers=cell.answers,
    )


def distribution(spread: Histogram) -> list[Bar]:
    """The buckets of a histogram, those without a request between two others too."""
    bars = [Bar(0.0, 0.0, int(spread.zero))] if spread.zero else []
    for index, count in enumerate(spread.counts, spread.first):
        bars.append(Bar(upper_bound(index - 1), upper_bound(index), int(count)))
    return bars


def _as_recorded(found: Span, run: TestHistory) -> Span:
    rows = list(run.scenarios.prefetch_related("steps"))
    return replace(
        found,
        whole=_with_times(found.whole, run),
        scenarios={row.scenario_tag: _with_times(found.scenarios[row.scenario_tag], row) for row in rows},
        steps={**found.steps, **_steps(found, rows)},
    )


def _steps(found: Span, rows: list[ScenarioHistory]) -> dict[Place, Part]:
    every = ((place(row, step, several=True), step) for row in rows for step in row.steps.all())
    return {where: _with_times(found.steps[where], step) for where, step in every if where in found.steps}


def _with_times(part: Part, row: Measured) -> Part:
    """The same with the response times of a recorded row."""
    if not part.numbers.requests:
        return part
    names = ("avg", "p50", "p90", "p95", "p99")
    times = {name: getattr(row, f"{name}_response_time") for name in names}
    times = {name: value for name, value in times.items() if value is not None}  # p90 of older runs, say
    return replace(
        part,
        numbers=replace(part.numbers, **times),
        min_ms=row.min_response_time,
        max_ms=row.max_response_time,
    )
