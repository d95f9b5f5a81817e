"""Runs beside each other: what each endpoint measured in each of them, how much that differs, and whether it is noise.

An endpoint is `METHOD /path/{template}`. Where one of the runs has it in several steps, steps are matched by the names
of their scenario and themselves, too. The first run is the base: all others are compared with it. Numbers are columns
of the models, never computed again; which test marks a difference, `history.significance` says.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from history.comparing_blocks import of_steps
from history.comparing_seconds import Seconds, of_runs
from history.models import Measured, ScenarioHistory, StepHistory, TestHistory
from history.significance import BETWEEN, FEW, LEAST_MS, Judged, Side, judge, judge_errors, spread_of_runs, together
from history.states import FINISHED, Outcome, Status
from history.tracks import place

LEAST, MOST = 2, 5  # runs
EARLIER = 12  # runs of the plan, by whose differences noise is known
TIMES = ("avg", "p50", "p90", "p95", "p99")
MEASURES = (*TIMES, "tps", "errors")
DECIDING = ("p95", "p50", "avg")
_LEAST_TPS = 0.1

Mark = Literal["real", "likely", "noise", "few", "new", "removed"]
Key = tuple[str, ...]  # the request; where that is ambiguous the names of scenario and step, and which one of them


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a run, or one endpoint of it, measured; ms, requests/s, percent. None: not measured."""

    requests: int | None
    failures: int | None
    tps: float | None
    errors: float | None
    avg: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None

    def of(self, measure: str) -> float | None:
        """A measure of `MEASURES`."""
        value: float | None = getattr(self, measure)
        return value


@dataclass(frozen=True, slots=True)
class Change:
    """From the base to another run. `percent`: relative, None for error rates and where the base is 0; `worse`: None
    where both are the same."""

    measure: str
    base: float
    value: float
    judged: Judged

    @property
    def difference(self) -> float:
        return self.value - self.base

    @property
    def percent(self) -> float | None:
        return 100.0 * self.difference / self.base if self.base and self.measure != "errors" else None

    @property
    def worse(self) -> bool | None:
        if self.value == self.base:
            return None
        return (self.value < self.base) if self.measure == "tps" else (self.value > self.base)

    @property
    def mark(self) -> Mark:
        return self.judged.mark


@dataclass(frozen=True, slots=True)
class Part:
    """One run's part of a row; `changes` by measure is empty for the base."""

    numbers: Numbers
    changes: Mapping[str, Change] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """An endpoint: one part for each run, None where the run does not have it. `request` is "" for all requests."""

    request: str
    name: str
    parts: tuple[Part | None, ...]

    def mark(self, index: int, measure: str) -> Mark | None:
        """What is said of a run in this row; None for the base's own numbers, and where neither has it."""
        here, base = self.parts[index], self.parts[0]
        if index == 0 or (here is None and base is None):
            return None
        if here is None:
            return "removed"
        if base is None:
            return "new"
        change = here.changes.get(measure)
        return change.mark if change else "few"

    def verdict(self, index: int) -> Change | None:
        """The change that speaks for all response times of a run: of p95, else p50 or the average, one that is marked
        as they are together. p99 has no voice: it needs more requests than most runs have."""
        part = self.parts[index]
        changes = [part.changes[name] for name in DECIDING if name in part.changes] if part else []
        said = together([one.judged.mark for one in changes]) if changes else "few"
        return min((one for one in changes if one.mark == said), key=lambda one: not one.worse, default=None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`total`: all requests. `rows`: the worst first, those that not all runs have at the end. `doubts` by run: why
    its numbers may prove nothing ("invalid", "stopped", ...). `between`: by what share equal runs differ, by measure.
    `seconds`: the whole run's, by run."""

    runs: tuple[TestHistory, ...]
    total: Row
    rows: tuple[Row, ...]
    doubts: tuple[str, ...]
    between: Mapping[str, float]
    seconds: tuple[Seconds, ...]


def compare(runs: Sequence[TestHistory]) -> Comparison:
    """Of two to five runs, the first being the base; a constant number of queries."""
    between = _between(runs)
    seconds = of_runs(runs)
    whole = [(numbers_of(run), seconds.get((run.pk, None), Seconds())) for run in runs]
    total = _row("", "", whole, between)
    rows = [_row(key[0], _named(key), found, between) for key, found in _matched(runs, seconds).items()]
    return Comparison(
        runs=tuple(runs),
        total=total,
        rows=tuple(sorted(rows, key=_urgency)),
        doubts=tuple(doubt(run) for run in runs),
        between=between,
        seconds=tuple(one for _numbers, one in whole),
    )


def doubt(run: TestHistory) -> str:
    """Why the numbers of a run may prove nothing: "active", "invalid", "stopped", "timed_out", "failed", "error" or
    ""."""
    if run.status not in FINISHED:
        return "active"
    if run.status != Status.COMPLETED:
        return str(run.status)
    return str(run.outcome) if run.outcome in (Outcome.INVALID, Outcome.ERROR) else ""


def numbers_of(row: Measured) -> Numbers:
    """The measured columns of a run, scenario or step."""
    times = (getattr(row, f"{name}_response_time") for name in TIMES)
    return Numbers(row.total_requests, row.failed_requests, row.avg_tps, row.avg_error_rate, *times)


_Found = tuple[Numbers, Seconds]


def _matched(
    runs: Sequence[TestHistory], seconds: Mapping[tuple[int, int | None], Seconds]
) -> dict[Key, list[_Found | None]]:
    """The endpoints of all runs by key, each with what every run has of it, in the order of the runs."""
    found: dict[int, list[tuple[ScenarioHistory, StepHistory | None]]] = defaultdict(list)
    several: set[int] = set()
    scenarios = ScenarioHistory.objects.filter(test_history__in=[run.pk for run in runs]).prefetch_related("steps")
    for scenario in scenarios:
        steps: list[StepHistory | None] = [*scenario.steps.all()] or [None]
        found[scenario.test_history_id] += [(scenario, step) for step in steps]
        if len(steps) > 1:
            several.add(scenario.pk)
    stepped = {scenario.test_history_id for scenario in scenarios if scenario.pk in several}
    of_step = of_steps([run for run in runs if run.pk in stepped])
    counts: Counter[str] = Counter()
    for places in found.values():
        counts |= Counter(_request(*place) for place in places)
    rows: dict[Key, list[_Found | None]] = defaultdict(lambda: [None] * len(runs))
    for index, run in enumerate(runs):
        seen: Counter[Key] = Counter()
        for scenario, step in found[run.pk]:
            request = _request(scenario, step)
            key: Key = (request,)
            if counts[request] > 1:
                key = (request, scenario.name, step.name if step else "")
                seen[key] += 1
                key = (*key, str(seen[key]))
            if step is None or scenario.pk not in several:
                track = seconds.get((run.pk, scenario.pk))
            else:
                track = of_step.get((run.pk, place(scenario, step, several=True)))
            rows[key][index] = numbers_of(step or scenario), track or Seconds()
    return rows


def _request(scenario: ScenarioHistory, step: StepHistory | None) -> str:
    return step.request_name if step and step.request_name else scenario.request_name


def _named(key: Key) -> str:
    """`Checkout · Pay`, or `Checkout · Pay (2)` for the second of that name; "" where the request says it all."""
    if len(key) == 1:
        return ""
    request, scenario, step, number = key
    names = [scenario, step] if step not in ("", request, scenario) else [scenario]
    return " · ".join(names) + (f" ({number})" if number != "1" else "")


def _row(request: str, name: str, found: Sequence[_Found | None], between: Mapping[str, float]) -> Row:
    base = found[0]
    parts: list[Part | None] = []
    for index, one in enumerate(found):
        if one is None:
            parts.append(None)
            continue
        changes = _changes(base, one, between) if index and base is not None else {}
        parts.append(Part(one[0], changes))
    return Row(request, name, tuple(parts))


def _changes(base: _Found, other: _Found, between: Mapping[str, float]) -> dict[str, Change]:
    changes = {}
    for measure in MEASURES:
        old, new = base[0].of(measure), other[0].of(measure)
        if old is None or new is None:
            continue
        sides = Side(old, base[1].of(measure)), Side(new, other[1].of(measure))
        if not (sides[0].stretches and sides[1].stretches):
            judged = FEW
        elif measure == "errors":
            judged = judge_errors(*sides)
        else:
            rate = measure == "tps"
            least = _LEAST_TPS if rate else LEAST_MS
            noise, paired = between.get(measure, BETWEEN), base[1].pairs_with(other[1])
            judged = judge(*sides, least=least, between=noise, rate=rate, paired=paired)
        changes[measure] = Change(measure, old, new, judged)
    return changes


def _urgency(row: Row) -> tuple[int, int, float, str, str]:
    """Rows that both have first; of them the surely slower, the likely slower, the largest change."""
    everywhere = all(part is not None for part in row.parts)
    verdicts = [found for index in range(1, len(row.parts)) if (found := row.verdict(index))]
    ranks = {"real": 0, "likely": 1}
    sure = [ranks[one.mark] for one in verdicts if one.worse and one.mark in ranks]
    largest = max((abs(one.percent or 0.0) for one in verdicts), default=0.0)
    return (not everywhere, min(sure, default=len(ranks)), -largest, row.request, row.name)


def _between(runs: Sequence[TestHistory]) -> dict[str, float]:
    """By what share equal runs of the base's plan differ, by measure: from its earlier runs that are to be trusted."""
    base = runs[0]
    columns = {name: f"{name}_response_time" for name in TIMES} | {"tps": "avg_tps"}
    rows: list[dict[str, float | None]] = []
    if base.plan_id is not None:
        earlier = TestHistory.objects.filter(
            plan=base.plan_id,
            status=Status.COMPLETED,
            outcome__in=(Outcome.PASSED, Outcome.TARGETS_MISSED),
            deleted_at=None,
            tested_at__lte=base.tested_at,
        ).exclude(pk__in=[run.pk for run in runs[1:]])
        rows = list(earlier.order_by("-tested_at", "-pk").values(*columns.values())[:EARLIER])
    return {name: spread_of_runs([row[column] for row in rows]) for name, column in columns.items()}
