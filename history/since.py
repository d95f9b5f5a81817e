"""Since when a target was missed: the second from which the total since the start, by which the live page judges,
stayed on the wrong side until the end. Pure.

A percentile is on the wrong side where fewer requests than its share lie below the target. So the requests below, in
and above the target's bucket are counted second by second; only a percentile inside that bucket is computed.
"""

from collections.abc import Callable, Mapping
from math import ceil, log2
from typing import Any

from history.metrics.abort import Limit, Watch, limits
from history.metrics.lanes import BITS, LANE, whole
from history.metrics.native_histogram import Histogram, upper_bound
from history.metrics.timeline import Cell, Second

_LOWEST = -325  # below all buckets that there are


class Since:
    """Sees the seconds of a run in their order. `found`: by scenario tag ("" for the run) and kind ("p50" to "p99",
    "errors", "tps"), the second since which the target is missed; what is met, or has no target, is not in it."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        begins = {one["tag"]: float(one.get("load", {}).get("start_time") or 0) for one in plan.get("scenarios", [])}
        self._watched = [_Watched(limit, begins.get(limit.scenario, 0.0)) for limit in limits(plan)]

    def beside(self, watch: Watch | None) -> Callable[[Second], object]:
        """What shows a second to both."""

        def both(second: Second) -> None:
            self.add(second)
            if watch is not None:
                watch.add(second)

        return both

    def add(self, second: Second) -> None:
        """Takes the next second."""
        cells, t = second.cells, second.t
        for one in self._watched:
            if not one.take(cells, t + 1):
                one.since = None
            elif one.since is None:
                one.since = t

    @property
    def found(self) -> dict[tuple[str, str], int]:
        """By what the last second left."""
        return {(one.scenario, one.limit.kind): one.since for one in self._watched if one.since is not None}


class _Watched:
    """One target, and what was counted for it since the start."""

    def __init__(self, limit: Limit, begin: float) -> None:
        self.limit, self.scenario, self._begin = limit, limit.scenario, begin
        self.since: int | None = None
        self._requests = self._failures = 0
        self._is_time, self._is_rate = limit.kind.startswith("p"), limit.kind == "tps"
        self._share = int(limit.kind[1:]) / 100 if self._is_time else 0.0
        self._edge = _bucket(limit.target) if self._is_time else 0
        self._count = self._zero = 0.0
        self._near = 0  # the row of the bucket before the target's and those after it

    def _add(self, cell: Cell) -> None:
        self._requests += cell.requests
        self._failures += cell.failures
        if self._is_time:
            spread = cell.spread
            self._count += spread.count
            self._zero += spread.zero
            self._near += spread.since(self._edge - 1)

    def take(self, cells: Mapping[str, Cell], seconds: int) -> bool:
        """Takes the next second, which ends `seconds` after the start; whether the total is on the wrong side then."""
        if not self.scenario:
            for cell in cells.values():
                self._add(cell)
        elif self.scenario in cells:
            self._add(cells[self.scenario])
        if self._is_rate:
            lasted = seconds - self._begin
            return lasted > 0 and self._requests < self.limit.target * lasted
        if not self._requests:
            return False
        if not self._is_time:
            return 100.0 * self._failures > self.limit.target * self._requests
        return self._is_slow(self._share)

    def _is_slow(self, share: float) -> bool:
        """The rank is that of `Histogram.percentiles`."""
        before, row = self._near & LANE, self._near >> BITS
        if not row:
            return False
        inside, row = row & LANE, row >> BITS
        above, after = whole(row), row & LANE
        rank = share * max(self._count - 1, 0.0) + min(0.5, self._count / 2)
        below = self._count - above - inside
        if rank <= below:
            return False
        if rank > below + inside and above > 0:
            return True
        edge, rest = self._edge, below - self._zero - before
        buckets = {edge - 2: rest, edge - 1: before, edge: inside, edge + 1: after, edge + 2: above - after}
        value = Histogram(zero=self._zero, buckets=buckets).percentile(share)
        return value is not None and value > self.limit.target


def _bucket(milliseconds: float) -> int:
    """The index of the bucket that holds a response time."""
    if milliseconds <= 0:
        return _LOWEST
    index = ceil(log2(milliseconds / upper_bound(0)) * 8)
    return max(_LOWEST, index if milliseconds <= upper_bound(index) else index + 1)
