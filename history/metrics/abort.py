"""Whether a run is to end because a target is missed for so many seconds in a row. Pure.

A second misses a target by its own numbers: percentiles and counts merged over all load generators. A second without
requests says nothing of times and errors, so it neither begins a row nor ends one. Throughput is judged only in seconds
for which the plan asks for its full load: while users are still being added, less is no miss.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from history.metrics.timeline import Cell, Second, sum_cells


@dataclass(frozen=True, slots=True)
class Limit:
    """One target. `scenario`: its tag, "" for the run as a whole. `kind`: "p50" to "p99" (milliseconds), "errors"
    (percent), "tps" (requests per second)."""

    scenario: str
    kind: str
    target: float

    def value(self, cell: Cell, seconds: int) -> float | None:
        """What `cell`, which lasted so many seconds, has of it; None where it has no request to tell from."""
        if self.kind == "tps":
            return cell.requests / seconds
        if not cell.requests:
            return None
        return cell.error_rate if self.kind == "errors" else cell.spread.percentile(int(self.kind[1:]) / 100)

    def missed_by(self, value: float) -> bool:
        """Whether the value is on the wrong side."""
        return value < self.target if self.kind == "tps" else value > self.target


@dataclass(frozen=True, slots=True)
class Broken:
    """A target that was missed for `seconds` in a row up to and with second `t`; `value` over the last of them."""

    limit: Limit
    value: float
    t: int
    seconds: int


def limits(plan: Mapping[str, Any]) -> list[Limit]:
    """The targets of a plan snapshot, of the run first."""
    whole = plan.get("targets") or {}
    found = _limits("", whole.get("response_time_percentile"), whole.get("response_time"), whole.get("error_rate"))
    found += _throughput("", whole.get("tps"))
    for one in plan.get("scenarios", []):
        percentile, slow = one.get("response_time_percentile"), one.get("response_time_target")
        found += _limits(one["tag"], percentile, slow, one.get("error_rate_target"))
        found += _throughput(one["tag"], one.get("tps_target"))
    return found


def _limits(scenario: str, percentile: int | None, slow: float | None, errors: float | None) -> list[Limit]:
    found = [] if slow is None else [Limit(scenario, f"p{percentile or 95}", float(slow))]
    return found if errors is None else [*found, Limit(scenario, "errors", float(errors))]


def _throughput(scenario: str, tps: float | None) -> list[Limit]:
    return [] if tps is None else [Limit(scenario, "tps", float(tps))]


class Watch:
    """Sees the seconds of a run in their order. `after`: seconds in a row that a target may be missed. `full`: whether
    the plan asks a scenario ("" for the run) for its full load in a second. `broken`: the first target that was missed
    for longer; it stays."""

    def __init__(self, of: list[Limit], after: float, full: Callable[[str, int], bool]) -> None:
        self.broken: Broken | None = None
        self._limits = of
        self._after = max(1, ceil(after))
        self._full = full
        self._since: dict[Limit, int] = {}
        self._last: dict[str, deque[Cell]] = {limit.scenario: deque(maxlen=self._after) for limit in of}

    def add(self, second: Second) -> Broken | None:
        """Takes the next second; answers `broken`."""
        for scenario, cells in self._last.items():
            cells.append(second.cells.get(scenario, Cell()) if scenario else second.total)
        for limit in self._limits:
            if self.broken is None:
                self.broken = self._judge(limit, second.t)
        return self.broken

    def _judge(self, limit: Limit, t: int) -> Broken | None:
        cells = self._last[limit.scenario]
        judged = limit.kind != "tps" or self._full(limit.scenario, t)
        value = limit.value(cells[-1], 1) if judged else None
        if value is None and judged:
            return None
        if value is None or not limit.missed_by(value):
            self._since.pop(limit, None)
            return None
        seconds = t + 1 - self._since.setdefault(limit, t)
        if seconds < self._after:
            return None
        lately = limit.value(sum_cells(cells), len(cells))
        return Broken(limit, lately, t, seconds) if lately is not None and limit.missed_by(lately) else None


def watch(plan: Mapping[str, Any], full: Callable[[str, int], bool]) -> Watch | None:
    """A watch for a plan snapshot; None where it asks for none, or has no target."""
    after, of = (plan.get("targets") or {}).get("abort_after"), limits(plan)
    return Watch(of, float(after), full) if after and of else None
