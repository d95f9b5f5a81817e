"""What a run asks of k6, by value: frozen, free of Django, kept with the run as JSON.

Seconds, virtual users, milliseconds (response time targets) and percent 0-100 (error rate targets).
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

Executor = Literal["constant-vus", "ramping-vus"]
CONSTANT: Executor = "constant-vus"
RAMPING: Executor = "ramping-vus"
EXECUTORS: tuple[Executor, ...] = (CONSTANT, RAMPING)

Point = tuple[float, float]  # seconds since the start, users
_SLUG_LENGTH = 40


@dataclass(frozen=True, slots=True)
class StagePlan:
    """`target` users: held for `duration` seconds (constant-vus), or reached at its end (ramping-vus)."""

    duration: float
    target: int


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """One request. `url` is absolute and percent-encoded; `name` is `METHOD /path/{template}`."""

    method: str
    url: str
    name: str
    headers: tuple[tuple[str, str], ...]
    body: str | None


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """One group of virtual users. `tag` ([a-z0-9_], unique in the run) is k6's identifier and `scenario_tag`."""

    tag: str
    name: str
    executor: str
    stages: tuple[StagePlan, ...]
    think_time: float
    request: RequestPlan
    response_time_target: float | None
    error_rate_target: float | None


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything the script of one run is made of. `run` is the run's id, or "" while there is none. `generators`:
    how many k6 share the load, each an equal part (an execution segment) of every scenario. `k6_dashboard`: whether
    each of them keeps a web dashboard of its own, and a report from it."""

    run: str
    title: str
    scenarios: tuple[ScenarioPlan, ...]
    generators: int = 1
    k6_dashboard: bool = False


def scenario_tag(position: int, name: str) -> str:
    """`s01_browse_products` for the first scenario (position 0); `s01` where nothing of the name is ASCII."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_SLUG_LENGTH].rstrip("_")
    return f"s{position + 1:02}_{slug}" if slug else f"s{position + 1:02}"


def to_json(plan: RunPlan) -> dict[str, Any]:
    """The plan as plain JSON data; `from_json` reads it back to an equal plan."""
    return asdict(plan)


def from_json(data: Mapping[str, Any]) -> RunPlan:
    """The plan that `to_json` wrote, straight or read back from JSON text. KeyError where a part is missing."""
    scenarios = tuple(_scenario(item) for item in data["scenarios"])
    more = {name: data[name] for name in ("generators", "k6_dashboard") if name in data}
    return RunPlan(data["run"], data["title"], scenarios, **more)


def _scenario(data: Mapping[str, Any]) -> ScenarioPlan:
    request = data["request"]
    return ScenarioPlan(
        tag=data["tag"],
        name=data["name"],
        executor=data["executor"],
        stages=tuple(StagePlan(stage["duration"], stage["target"]) for stage in data["stages"]),
        think_time=data["think_time"],
        request=RequestPlan(
            method=request["method"],
            url=request["url"],
            name=request["name"],
            headers=tuple((name, value) for name, value in request["headers"]),
            body=request["body"],
        ),
        response_time_target=data["response_time_target"],
        error_rate_target=data["error_rate_target"],
    )


def curve(executor: str, stages: Sequence[StagePlan]) -> list[Point]:
    """The asked users of one scenario as a line; two points at one moment are a jump."""
    time, users = 0.0, 0.0
    points: list[Point] = [(time, users)]
    for stage in stages:
        if executor == CONSTANT and stage.target != users:
            points.append((time, float(stage.target)))
        time, users = time + stage.duration, float(stage.target)
        points.append((time, users))
    return points


def duration(plan: RunPlan) -> float:
    """Seconds from the start to the end of the last stage; k6 then lets requests in flight end (30 s at most)."""
    return max((scenario_duration(scenario) for scenario in plan.scenarios), default=0.0)


def scenario_duration(scenario: ScenarioPlan) -> float:
    """Seconds of all stages of a scenario."""
    return float(sum(stage.duration for stage in scenario.stages))


def asked_vus(plan: RunPlan, t: float) -> float:
    """Users asked for at second `t`, over all scenarios; at a jump those after it, 0 from the end on."""
    return sum(users_at(curve(scenario.executor, scenario.stages), t) for scenario in plan.scenarios)


def peak_vus(plan: RunPlan) -> int:
    """The most users asked for at one moment, over all scenarios."""
    lines = [curve(scenario.executor, scenario.stages) for scenario in plan.scenarios]
    return round(max((users for _t, users in total(lines)), default=0.0))


def most_generators(plan: RunPlan) -> int:
    """More generators than the largest scenario has users would leave some with nothing to do."""
    return max((max(stage.target for stage in one.stages) for one in plan.scenarios if one.stages), default=1) or 1


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
