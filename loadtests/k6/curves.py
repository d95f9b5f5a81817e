"""What a plan asks for over time, and the sums of it. Pure.

A curve is a list of points (seconds since the start, users or iterations per second) joined by straight lines.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from loadtests.k6.plan import COUNTED, LEVEL, PER_VU, RATES, LoadPlan, RunPlan, ScenarioPlan, StagePlan

Point = tuple[float, float]
NO_MORE = LoadPlan()


def curve(executor: str, stages: Sequence[StagePlan], load: LoadPlan = NO_MORE) -> list[Point]:
    """What one scenario asks for as a line: users, or iterations per second (`RATES`); two points at one moment are a
    jump. It begins at 0 s whatever the scenario's own start."""
    scale = 1 / load.time_unit if executor in RATES else 1.0
    time, level = 0.0, 0.0
    points: list[Point] = [(time, level)]
    if load.start_time:
        time = load.start_time
        points.append((time, level))
    for stage in stages:
        target = stage.target * scale
        if executor in LEVEL and target != level:
            points.append((time, target))
        time, level = time + stage.duration, target
        points.append((time, level))
    return points


def scenario_curve(scenario: ScenarioPlan) -> list[Point]:
    """`curve` of a whole scenario."""
    return curve(scenario.executor, scenario.stages, scenario.load)


def duration(plan: RunPlan) -> float:
    """Seconds from the start to the end of the last stage; k6 then lets requests in flight end (30 s at most)."""
    return max((scenario_duration(scenario) for scenario in plan.scenarios), default=0.0)


def scenario_duration(scenario: ScenarioPlan) -> float:
    """Seconds from the start of the run to the end of a scenario's last stage."""
    return scenario.load.start_time + float(sum(stage.duration for stage in scenario.stages))


def asked_vus(plan: RunPlan, t: float) -> float:
    """Users asked for at second `t`, over all scenarios that ask for users; at a jump those after it, then 0."""
    return sum(users_at(scenario_curve(one), t) for one in plan.scenarios if one.executor not in RATES)


def peak_vus(plan: RunPlan) -> int:
    """The most users at one moment, over all scenarios; of a rate as many as it may take (`max_vus`)."""
    return round(max((users for _t, users in total([_users(one) for one in plan.scenarios])), default=0.0))


def _users(scenario: ScenarioPlan) -> list[Point]:
    if scenario.executor not in RATES:
        return scenario_curve(scenario)
    most = float(scenario.load.max_vus or scenario.load.pre_allocated_vus or 1)
    start = scenario.load.start_time
    return [(0.0, 0.0), (start, 0.0), (start, most), (scenario_duration(scenario), most)]


def peak_rate(plan: RunPlan) -> float:
    """The most iterations per second asked for at one moment, over all scenarios that ask for a rate."""
    return max(
        (rate for _t, rate in total([scenario_curve(s) for s in plan.scenarios if s.executor in RATES])), default=0
    )


def estimated_requests(plan: RunPlan) -> int | None:
    """How many requests will be sent, as far as the plan tells: rates and numbers of iterations, without those that are
    dropped; None where one scenario makes as many as its users can."""
    found = [requests_of(one) for one in plan.scenarios]
    return None if None in found else round(sum(one for one in found if one is not None))


def requests_of(scenario: ScenarioPlan, iteration: float | None = None) -> float | None:
    """The requests of one scenario. Where its users make as many as they can, `iteration` seconds tell how many that
    are; None where nobody knows."""
    iterations = _iterations(scenario)
    if iterations is None:
        if not iteration:
            return None
        iterations = _area(scenario_curve(scenario)) / iteration
    each = sum(not step.once for step in scenario.steps)
    return iterations * each + (len(scenario.steps) - each) * min(iterations, _most_users(scenario))


def _iterations(scenario: ScenarioPlan) -> float | None:
    if scenario.executor in COUNTED:
        users = scenario.stages[0].target if scenario.executor == PER_VU else 1
        return float((scenario.load.iterations or 0) * users)
    return _area(scenario_curve(scenario)) if scenario.executor in RATES else None


def _area(line: Sequence[Point]) -> float:
    return sum((t1 - t0) * (low + high) / 2 for (t0, low), (t1, high) in pairwise(line))


def most_generators(plan: RunPlan) -> int:
    """More generators than the largest scenario has users would leave some with nothing to do."""
    return max((_most_users(one) for one in plan.scenarios), default=1) or 1


def _most_users(scenario: ScenarioPlan) -> int:
    targets = [stage.target for stage in scenario.stages]
    if scenario.executor in RATES:
        targets = [min(max(targets, default=1), scenario.load.pre_allocated_vus or 1)]
    return max(targets, default=1)


def users_at(points: Sequence[Point], t: float) -> float:
    """The line's value at `t`; at a jump the value after it, and 0 outside of the line."""
    for (start, low), (end, high) in pairwise(points):
        if start <= t < end:
            return low + (high - low) * (t - start) / (end - start)
    return 0.0


def total(lines: Sequence[Sequence[Point]]) -> list[Point]:
    """The sum of lines that begin at 0 s and fall to 0 users after their last point, as one line.

    One pass over all corners: at each, the slope of the sum changes and the sum may jump.
    """
    slopes: defaultdict[float, float] = defaultdict(float)
    jumps: defaultdict[float, float] = defaultdict(float)
    for line in lines:
        for (start, low), (end, high) in pairwise(line):
            if end > start:
                slopes[start] += (high - low) / (end - start)
                slopes[end] -= (high - low) / (end - start)
            else:
                jumps[start] += high - low
        for end, last in line[-1:]:
            jumps[end] -= last
    points: list[Point] = []
    time = value = slope = 0.0
    for corner in sorted({*slopes, *jumps}):
        value, time = value + slope * (corner - time), corner
        points.append((time, round(value, 6)))
        if jumps[corner]:
            value += jumps[corner]
            points.append((time, round(value, 6)))
        slope += slopes[corner]
    return points
