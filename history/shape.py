"""What a run asked for over time, read from its plan snapshot (the JSON of `loadtests.k6.plan`). Pure.

Times are seconds from the start of the load; loads are virtual users, or, of scenarios that ask for a rate, iterations
per second. A curve is a list of (time, load) corners joined by straight lines; two corners at one time are a jump.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

Curve = list[tuple[float, float]]
MOST_BANDS = 60  # more would be a barcode
# k6's names: those that ask for a rate instead of users, and those that lead to a target instead of holding it.
RATES = frozenset({"constant-arrival-rate", "ramping-arrival-rate"})
RAMPS = frozenset({"ramping-vus", "ramping-arrival-rate"})


@dataclass(frozen=True, slots=True)
class Band:
    """A stage of the whole run: nothing changes its direction between `start` and `end`."""

    start: float
    end: float
    name: str


def is_rate(scenario: Mapping[str, Any]) -> bool:
    """Whether a scenario asks for iterations per second instead of users."""
    return scenario.get("executor") in RATES


def scenario_curve(scenario: Mapping[str, Any]) -> Curve:
    """What one scenario asks for, from second 0 on. Constant executors: plateaus; ramping ones: straight lines from 0
    on; iterations: the users that share them, for as long as they may take."""
    steps = scenario.get("executor") not in RAMPS
    curve: Curve = [(0.0, 0.0)]
    start, per_second = _start(scenario), _per_second(scenario)
    if start:
        curve.append((start, 0.0))
    for stage in _stages(scenario):
        begin, load = curve[-1]
        target = float(stage["target"]) * per_second
        if steps and target != load:
            curve.append((begin, target))
        curve.append((begin + float(stage["duration"]), target))
    return curve[1:] if steps and len(curve) > 1 and not start else curve


def users_at(curve: Curve, t: float, *, before: bool = False) -> float:
    """The users at time `t`; at a jump those after it, or with `before` those before it. 0 outside the curve."""
    for (t0, u0), (t1, u1) in itertools.pairwise(curve):
        if (t0 < t <= t1) if before else (t0 <= t < t1):
            return u0 + (u1 - u0) * (t - t0) / (t1 - t0)
    return 0.0


def duration(plan: Mapping[str, Any]) -> float:
    """The planned length of the run; 0 where there is no plan."""
    return max(
        (_start(one) + sum(float(stage["duration"]) for stage in _stages(one)) for one in _scenarios(plan)), default=0.0
    )


def asked(plan: Mapping[str, Any]) -> Curve:
    """The users of all scenarios that ask for users together, from the first second to the last."""
    return _total([scenario_curve(one) for one in _scenarios(plan) if not is_rate(one)])


def asked_rate(plan: Mapping[str, Any]) -> Curve:
    """The iterations per second of all scenarios that ask for a rate together."""
    return _total([scenario_curve(one) for one in _scenarios(plan) if is_rate(one)])


def in_rates(plan: Mapping[str, Any]) -> bool:
    """Whether all scenarios ask for a rate, so that the run as a whole is drawn as one."""
    scenarios = _scenarios(plan)
    return bool(scenarios) and all(is_rate(one) for one in scenarios)


def _total(curves: Sequence[Curve]) -> Curve:
    times = sorted({corner[0] for curve in curves for corner in curve})
    total: Curve = []
    for t in times:
        sides = [before for before in (True, False) if t != (times[0] if before else times[-1])]
        for before in sides:
            corner = (t, round(sum(users_at(curve, t, before=before) for curve in curves), 6))
            if not total or total[-1] != corner:
                total.append(corner)
    return total


def bands(curve: Curve, *, rate: bool = False) -> list[Band]:
    """The stages of a curve by name; none where there are too many to tell apart. `rate`: of iterations per second."""
    corners = itertools.pairwise(curve)
    found = [Band(t0, t1, _name(u0, u1, rate)) for (t0, u0), (t1, u1) in corners if t1 > t0]
    return found if len(found) <= MOST_BANDS else []


def stages(scenario: Mapping[str, Any]) -> list[Band]:
    """The stages of one scenario, one for each, those without length too."""
    steps, rate, per_second = scenario.get("executor") not in RAMPS, is_rate(scenario), _per_second(scenario)
    found: list[Band] = []
    start, load = _start(scenario), 0.0
    for stage in _stages(scenario):
        target, end = float(stage["target"]) * per_second, start + float(stage["duration"])
        found.append(Band(start, end, _name(target if steps else load, target, rate)))
        start, load = end, target
    return found


def _name(before: float, after: float, rate: bool) -> str:
    words = {"users": f"{after:g}", "rate": f"{after:.4g}"}
    if before == after:
        return (_("Hold %(rate)s/s") if rate else _("Hold %(users)s VUs")) % words
    if after > before:
        return (_("Ramp to %(rate)s/s") if rate else _("Ramp to %(users)s VUs")) % words
    if not after:
        return _("Ramp down")
    return (_("Down to %(rate)s/s") if rate else _("Down to %(users)s VUs")) % words


def points(curve: Curve, width: float, height: float) -> str:
    """The curve as the points of an SVG polygon that stands on the ground line."""
    end = curve[-1][0] if curve else 0.0
    peak = max((users for _t, users in curve), default=0.0)
    if not end or not peak:
        return f"0,{height:g} {width:g},{height:g}"
    corners = [(t / end * width, height - users / peak * height * 0.9) for t, users in curve]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in [(0, height), *corners, (width, height)])


def _scenarios(plan: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = plan.get("scenarios", [])
    return found


def _stages(scenario: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = scenario.get("stages", [])
    return found


def _start(scenario: Mapping[str, Any]) -> float:
    return float(scenario.get("load", {}).get("start_time") or 0.0)


def _per_second(scenario: Mapping[str, Any]) -> float:
    return 1 / float(scenario.get("load", {}).get("time_unit") or 1.0) if is_rate(scenario) else 1.0
