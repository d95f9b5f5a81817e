"""Ramp-up, steady, ramp-down: what the load does in a stage, and in each second of a run."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from history import shape
from history.models import Kind, ScenarioHistory, StageHistory

_LEVEL = 1e-9


def kind(before: float, after: float) -> Kind:
    """What a load does that goes from one to the other."""
    if abs(after - before) <= _LEVEL:
        return Kind.STEADY
    return Kind.RAMP_UP if after > before else Kind.RAMP_DOWN


def of_stages(scenario: ScenarioHistory, stages: Iterable[StageHistory]) -> list[Kind]:
    """The kind of each stage: ramping executors lead from one target to the next, the first from 0; others hold."""
    found, load = [], 0.0
    for stage in stages:
        ramps = scenario.executor in shape.RAMPS
        found.append(kind(load, stage.target) if ramps else Kind.STEADY)
        load = stage.target
    return found


class Phases:
    """The kinds of a run's seconds: what the load of all its scenarios together does, each measured by its own peak,
    as users and rates have no common unit."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._begins: list[float] = []
        self._kinds: list[Kind] = []
        curves = [(shape.scenario_curve(one), _peak(one)) for one in plan.get("scenarios", [])]
        times = sorted({t for curve, _ in curves for t, _load in curve})
        for begin, end in pairwise(times):
            sides = ((begin, False), (end, True))
            before, after = (
                sum(shape.users_at(curve, t, before=left) / peak for curve, peak in curves if peak) for t, left in sides
            )
            self._begins.append(begin)
            self._kinds.append(kind(before, after))

    def at(self, t: int) -> Kind:
        """That of second `t`, as its middle has it. What comes after the last stage belongs to that."""
        if not self._kinds:
            return Kind.STEADY
        return self._kinds[max(0, bisect_right(self._begins, t + 0.5) - 1)]


def _peak(scenario: Mapping[str, Any]) -> float:
    return max((load for _t, load in shape.scenario_curve(scenario)), default=0.0)
