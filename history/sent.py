"""Whether the load that a plan asks for by rate was sent: iterations that k6 dropped, or never came to."""

from collections.abc import Mapping
from typing import Any

from history import shape
from history.models import ScenarioHistory, TestHistory
from history.pace import RATES, area
from history.reasons import Reason, reason

REACHED = 95.0  # percent of the iterations asked for that have to be begun


def dropped_share(row: ScenarioHistory) -> float:
    """Dropped iterations of a scenario in percent of all that were to begin."""
    dropped = row.dropped_iterations or 0
    return 100.0 * dropped / (dropped + (row.iterations or 0)) if dropped else 0.0


def over_budget(run: TestHistory, row: ScenarioHistory, budget: float) -> bool:
    """Whether a scenario dropped more than `budget` percent, where that is no finding of its own."""
    return row.executor in RATES and not _seeks_limit(run) and dropped_share(row) > budget


def short(run: TestHistory, rows: list[ScenarioHistory], budget: float) -> list[Reason]:
    """Why less load was sent than a valid result needs; [] where enough was."""
    found = []
    for row in rows:
        if over_budget(run, row, budget):
            share, count = round(dropped_share(row), 3), row.dropped_iterations
            name = row.request_name
            found.append(reason("dropped_over_budget", request=name, count=count, share=share, budget=budget))
        if row.executor in RATES and (why := _not_reached(run, row)):
            found.append(why)
    return found


def _seeks_limit(run: TestHistory) -> bool:
    """Whether the plan leads up to where the target, or the load, gives way: to drop is what it came for."""
    plan = run.plan_snapshot
    return plan.get("profile") == "breakpoint" or bool((plan.get("targets") or {}).get("abort_after"))


def _not_reached(run: TestHistory, row: ScenarioHistory) -> Reason | None:
    """Iterations begun against what the curve asks for over the time that was run."""
    planned = next((one for one in run.plan_snapshot.get("scenarios", []) if one["tag"] == row.scenario_tag), None)
    if planned is None or run.test_duration is None or row.iterations is None:
        return None
    curve = shape.scenario_curve(planned)
    asked = area(curve, 0.0, run.test_duration)
    begun = row.iterations + _cut_off(planned, curve[-1][0], run.test_duration)
    if _seeks_limit(run):
        begun += row.dropped_iterations or 0
    begun = min(begun, round(asked))
    # Each generator may be one short of its part, and the last one may be due at the very end.
    rounding = 1 + int(run.plan_snapshot.get("generators", 1))
    if asked - begun <= rounding or 100.0 * begun >= REACHED * asked:
        return None
    share, name = round(100.0 * begun / asked, 2), row.request_name
    return reason("rate_not_reached", request=name, begun=begun, asked=round(asked), share=share, least=REACHED)


def _cut_off(planned: Mapping[str, Any], end: float, duration: float) -> int:
    """At most so many iterations were begun, but not done when k6 ended: k6 counts those that are done."""
    load = planned.get("load") or {}
    grace = float(load.get("graceful_stop", 30.0))
    if end - 0.5 <= duration < end + grace - 0.5:  # k6 waited for all of them
        return 0
    return int(load.get("max_vus") or load.get("pre_allocated_vus") or 1)
