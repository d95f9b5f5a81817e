"""The load that a plan asks for at a second, and whether slow answers kept it from being sent. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from statistics import median
from typing import Any

from history import shape

COUNTED = frozenset({"shared-iterations", "per-vu-iterations"})
RATES = frozenset({"constant-arrival-rate", "ramping-arrival-rate"})
USERS = frozenset({"constant-vus", "ramping-vus"})  # who wait for each answer: a closed model
_FULL = 0.99
_FEWEST = 5.0  # requests a second below which a second is no sample of the pace


class Asked:
    """What a plan snapshot asks of its scenarios, second by second."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        scenarios = [one for one in plan.get("scenarios", []) if one.get("executor") not in COUNTED]
        self._curves = {one["tag"]: shape.scenario_curve(one) for one in scenarios}
        self._times = {tag: [t for t, _load in curve] for tag, curve in self._curves.items()}
        self._peaks = {tag: max((load for _t, load in curve), default=0.0) for tag, curve in self._curves.items()}

    def at(self, tag: str, t: float, *, before: bool = False) -> float:
        """What is asked of a scenario at `t`, in its own unit; at a jump after it, or with `before` before it."""
        times = self._times.get(tag, [])
        i = (bisect_left if before else bisect_right)(times, t)
        if not 0 < i < len(times):
            return 0.0
        (t0, low), (t1, high) = self._curves[tag][i - 1 : i + 1]
        return low + (high - low) * (t - t0) / (t1 - t0)

    def full(self, tag: str, t: int) -> bool:
        """Whether second `t` asks a scenario, or with "" the run, for the most that it ever does, all second long."""
        if not tag:
            return 0 < _FULL * self._most <= min(self._whole(t), self._whole(t + 1, before=True))
        peak = self._peaks.get(tag, 0.0)
        return 0 < _FULL * peak <= min(self.at(tag, t), self.at(tag, t + 1, before=True))

    @cached_property
    def _most(self) -> float:
        corners = {t for times in self._times.values() for t in times}
        return max((max(self._whole(t), self._whole(t, before=True)) for t in corners), default=0.0)

    def _whole(self, t: float, *, before: bool = False) -> float:
        """Of all scenarios, each in parts of its own peak: users and rates have no common unit."""
        return sum(self.at(tag, t, before=before) / peak for tag, peak in self._peaks.items() if peak)


def slowed(requests: Sequence[int], users: Sequence[float]) -> int:
    """In how many seconds users sent less than half of what they usually do: they waited for answers.

    `requests` and the `users` asked for, both by second. Seconds that would have few requests anyway do not count.
    """
    paces = [count / at_work for count, at_work in zip(requests, users, strict=True) if at_work > 0]
    if not paces:
        return 0
    usual = median(paces)
    pairs = zip(requests, users, strict=True)
    return sum(count < usual * at_work / 2 for count, at_work in pairs if usual * at_work >= _FEWEST)
