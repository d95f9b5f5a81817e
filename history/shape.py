"""What a run asked for over time, read from its plan snapshot (the JSON of `loadtests.k6.plan`). Pure.

Times are seconds from the start of the load, loads are virtual users. A curve is a list of (time, users)
corners joined by straight lines; two corners at one time are a jump.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

Curve = list[tuple[float, float]]
MOST_BANDS = 60  # more would be a barcode


@dataclass(frozen=True, slots=True)
class Band:
    """A stage of the whole run: nothing changes its direction between `start` and `end`."""

    start: float
    end: float
    name: str


def scenario_curve(scenario: Mapping[str, Any]) -> Curve:
    """The users of one scenario. constant-vus: plateaus; ramping-vus: straight lines from 0 users on."""
    steps = scenario.get("executor") == "constant-vus"
    curve: Curve = [(0.0, 0.0)]
    for stage in scenario.get("stages", []):
        begin, users = curve[-1]
        target = float(stage["target"])
        if steps and target != users:
            curve.append((begin, target))
        curve.append((begin + float(stage["duration"]), target))
    return curve[1:] if steps and len(curve) > 1 else curve


def users_at(curve: Curve, t: float, *, before: bool = False) -> float:
    """The users at time `t`; at a jump those after it, or with `before` those before it. 0 outside the curve."""
    for (t0, u0), (t1, u1) in itertools.pairwise(curve):
        if (t0 < t <= t1) if before else (t0 <= t < t1):
            return u0 + (u1 - u0) * (t - t0) / (t1 - t0)
    return 0.0


def duration(plan: Mapping[str, Any]) -> float:
    """The planned length of the run; 0 where there is no plan."""
    return max((sum(float(stage["duration"]) for stage in s.get("stages", [])) for s in _scenarios(plan)), default=0.0)


def asked(plan: Mapping[str, Any]) -> Curve:
    """The users of all scenarios together, from the first second to the last."""
    curves = [scenario_curve(scenario) for scenario in _scenarios(plan)]
    times = sorted({corner[0] for curve in curves for corner in curve})
    total: Curve = []
    for t in times:
        sides = [before for before in (True, False) if t != (times[0] if before else times[-1])]
        for before in sides:
            corner = (t, round(sum(users_at(curve, t, before=before) for curve in curves), 6))
            if not total or total[-1] != corner:
                total.append(corner)
    return total


def bands(curve: Curve) -> list[Band]:
    """The stages of a curve by name; none where there are too many to tell apart."""
    corners = itertools.pairwise(curve)
    found = [Band(t0, t1, _name(u0, u1)) for (t0, u0), (t1, u1) in corners if t1 > t0]
    return found if len(found) <= MOST_BANDS else []


def stages(scenario: Mapping[str, Any]) -> list[Band]:
    """The stages of one scenario, one for each, those without length too."""
    steps = scenario.get("executor") == "constant-vus"
    found: list[Band] = []
    start = users = 0.0
    for stage in scenario.get("stages", []):
        target, end = float(stage["target"]), start + float(stage["duration"])
        found.append(Band(start, end, _name(target if steps else users, target)))
        start, users = end, target
    return found


def _name(before: float, after: float) -> str:
    words = {"users": f"{after:g}"}
    if before == after:
        return _("Hold %(users)s VUs") % words
    if after > before:
        return _("Ramp to %(users)s VUs") % words
    return _("Down to %(users)s VUs") % words if after else _("Ramp down")


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
