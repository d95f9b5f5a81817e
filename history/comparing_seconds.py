"""The seconds of finished runs as they are compared: of the whole run and of each scenario, its steady part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from history.models import TestHistory, TimelineHistory
from history.shape import Curve, asked, asked_rate, in_rates, scenario_curve
from history.significance import Stretch

LEAST_STEADY = 10.0  # seconds; where less is steady, all of the run is compared


@dataclass(frozen=True, slots=True)
class Seconds:
    """Equally long columns of a run or a scenario (`history.tracks.COLUMNS`), each entry `step` seconds long. `steady`:
    (start, end) of the stretches in which the load stays the same. `asked`: the load by time."""

    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    step: float = 1.0
    steady: Sequence[tuple[float, float]] = ()
    asked: Curve = field(default_factory=list)

    def pairs_with(self, other: "Seconds") -> bool:
        """Whether second is compared with second: nothing is steady in either, and both asked for the same curve."""
        alike = self.asked == other.asked and self.step == other.step
        return bool(self.asked) and alike and not (self.steady or other.steady)

    def of(self, measure: str) -> list[Stretch]:
        """The stretches that are compared, with the values of a response time; [] where it was not measured."""
        count = len(self.columns.get("t", ()))
        requests = self.columns.get("requests") or [None] * count
        failures = self.columns.get("failures") or [0] * count
        values = self.columns.get(measure) or [None] * count
        if measure not in ("tps", "errors") and all(value is None for value in values):
            return []
        rows = zip(self.columns.get("t", ()), requests, failures, values, strict=False)
        return [
            Stretch(self.step, int(count), int(failed or 0), value)
            for t, count, failed, value in rows
            if count is not None and self._counts(float(t))
        ]

    def _counts(self, t: float) -> bool:
        return not self.steady or any(start <= t and t + self.step <= end for start, end in self.steady)


def of_runs(runs: Sequence[TestHistory]) -> dict[tuple[int, int | None], Seconds]:
    """By run and scenario (None: the whole run); two queries. Of long runs the stretches of their overview."""
    plans = {run.pk: run.plan_snapshot for run in runs}
    rows = TimelineHistory.objects.filter(test_history__in=list(plans)).select_related("scenario")
    found: dict[tuple[int, int | None], Seconds] = {}
    short = rows.filter(overview={}).defer("overview", "heatmap")
    long = rows.exclude(overview={}).defer("columns", "heatmap")
    for row in short:
        found[row.test_history_id, row.scenario_id] = _seconds(row, row.columns, 1.0, plans)
    for row in long:
        columns, step = row.overview.get("columns", {}), float(row.overview.get("step", 1))
        found[row.test_history_id, row.scenario_id] = _seconds(row, columns, step, plans)
    return found


def _seconds(row: TimelineHistory, columns: Mapping[str, Any], step: float, plans: Mapping[int, Any]) -> Seconds:
    tag = row.scenario.scenario_tag if row.scenario else None
    times = columns.get("t", ())
    end = float(times[-1]) + step if times else 0.0
    curve = _curve(plans[row.test_history_id], tag)
    return Seconds(columns, step, steady(curve, end), curve)


def _curve(plan: Mapping[str, Any], tag: str | None) -> Curve:
    if tag is None:
        return asked_rate(plan) if in_rates(plan) else asked(plan)
    return next((scenario_curve(one) for one in plan.get("scenarios", []) if one.get("tag") == tag), [])


def steady(curve: Curve, end: float) -> list[tuple[float, float]]:
    """Where a curve stays level above zero, up to the `end` of what was measured, but for the first second of each
    stretch; [] where that is too short to be compared."""
    level = [(t0 + 1, min(t1, end)) for (t0, before), (t1, after) in pairwise(curve) if before == after > 0]
    level = [(start, stop) for start, stop in level if stop > start]
    return level if sum(stop - start for start, stop in level) >= LEAST_STEADY else []
