"""The load that a plan asks for at a second, and whether slow answers kept it from being sent. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby, pairwise
from statistics import median
from typing import Any

from history import shape

COUNTED = frozenset({"shared-iterations", "per-vu-iterations"})
RATES = frozenset({"constant-arrival-rate", "ramping-arrival-rate"})
USERS = frozenset({"constant-vus", "ramping-vus"})  # who wait for each answer: a closed model
_FULL = 0.99
_PAUSE = 500.0  # milliseconds that an answer takes for each second of a pause for which it is the reason
_RARE = 10  # one of so many seconds
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


def area(curve: shape.Curve, start: float, end: float) -> float:
    """What a curve of a rate asks for between two moments, in iterations."""
    total = 0.0
    for (t0, low), (t1, high) in pairwise(curve):
        a, b = max(start, t0), min(end, t1)
        if b > a:
            total += (low + (high - low) * ((a + b) / 2 - t0) / (t1 - t0)) * (b - a)
    return total


def may_have_waited(longest: Sequence[float | None]) -> bool:
    """Whether `slowed` can find anything, by the same `longest`: hardly any run has so slow an answer."""
    return max(filter(None, longest), default=0.0) >= _PAUSE


def slowed(requests: Sequence[int], users: Sequence[float], longest: Sequence[float | None]) -> int:
    """In how many seconds users sent less than half of what they usually do, because they waited for answers.

    All by second: the requests, the `users` asked for, the `longest` response time (ms). Users who think, or whose
    journeys have a slow step, pause together, too. So a pause counts only where an answer ends it that took at least
    half as long, and hardly any second elsewhere had one that took half of that. Seconds that would have few requests
    anyway are no sample.
    """
    pairs = list(zip(requests, users, strict=True))
    usual = median([count / at_work for count, at_work in pairs if at_work > 0] or [0.0])
    slow = [usual * at_work >= _FEWEST and count < usual * at_work / 2 for count, at_work in pairs]
    seconds = 0
    for is_slow, pause in groupby(range(len(slow)), lambda t: slow[t]):
        if is_slow:
            first, *_, last = [*pause] * 2
            seconds += last + 1 - first if _waited(longest, first, last) else 0
    return seconds


def _waited(longest: Sequence[float | None], first: int, last: int) -> bool:
    """Whether the seconds from `first` to `last` are a pause for which an answer was waited."""
    waited = max((time for time in longest[first : last + 2] if time is not None), default=0.0)
    elsewhere = [time for time in (*longest[: max(0, first - 1)], *longest[last + 3 :]) if time is not None]
    as_long = sum(time >= waited / 2 for time in elsewhere)
    return waited >= _PAUSE * (last + 1 - first) and as_long * _RARE <= len(elsewhere)
