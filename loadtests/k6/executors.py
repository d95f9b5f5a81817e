"""The scenarios of k6's options. Pure.

Source: k6's documentation, "Executors"; what it refuses was seen with k6 1.1.0: each executor takes its own options and
no others, and constant ones nothing under a second.
"""

from typing import Any

from loadtests.k6.plan import (
    CONSTANT,
    CONSTANT_RATE,
    COUNTED,
    LEVEL,
    PER_VU,
    RAMPING,
    RAMPING_RATE,
    RATES,
    SHARED,
    LoadPlan,
    ScenarioPlan,
    StagePlan,
)

Json = dict[str, Any]
_GRACE = 30.0  # k6's own
_SHORTEST = 1.0
_TRY_SECONDS = 60.0


def k6_scenario(scenario: ScenarioPlan, *, tagged_load: bool = False) -> Json:
    """What k6 is told of one scenario. Its tags cost nothing per request; the same as tags of each request take 8 µs
    more of k6's time. `tagged_load`: tell its requests from those that are no load."""
    return {**_load(scenario), **_more(scenario), **_shared(scenario, tagged_load)}


def tried_scenario(scenario: ScenarioPlan) -> Json:
    """The same for one iteration of one user, at once."""
    load = {"executor": PER_VU, "vus": 1, "iterations": 1, "maxDuration": k6_duration(_TRY_SECONDS)}
    return {**load, "gracefulStop": "0s", **_shared(scenario, tagged_load=False)}


def k6_duration(seconds: float) -> str:
    """`30s`, or `1500ms` where there is a fraction; k6 counts no finer here."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def _shared(scenario: ScenarioPlan, tagged_load: bool) -> Json:
    tags = {"scenario_tag": scenario.tag}
    if len(scenario.steps) == 1:
        tags["name"] = scenario.steps[0].request.name
    if tagged_load:
        tags["load"] = "1"
    return {"tags": tags, "env": {"SCENARIO": scenario.tag}}


def _more(scenario: ScenarioPlan) -> Json:
    load, found = scenario.load, {}
    if load.start_time:
        found["startTime"] = k6_duration(load.start_time)
    if load.graceful_stop != _GRACE:
        found["gracefulStop"] = k6_duration(load.graceful_stop)
    return found


def _load(scenario: ScenarioPlan) -> Json:
    if scenario.executor in COUNTED:
        return _iterations(scenario)
    return _rate(scenario) if scenario.executor in RATES else _users(scenario)


def _users(scenario: ScenarioPlan) -> Json:
    stages = scenario.stages
    if scenario.executor == CONSTANT and _is_level(stages):
        return {"executor": CONSTANT, "vus": stages[0].target, "duration": k6_duration(stages[0].duration)}
    start, steps = _steps(scenario)
    ramp: Json = {"executor": RAMPING, "startVUs": start, "stages": steps}
    if scenario.load.graceful_ramp_down != _GRACE:
        ramp["gracefulRampDown"] = k6_duration(scenario.load.graceful_ramp_down)
    return ramp


def _rate(scenario: ScenarioPlan) -> Json:
    stages, load = scenario.stages, scenario.load
    more = {"timeUnit": k6_duration(load.time_unit), **_vus(load)}
    if scenario.executor == CONSTANT_RATE and _is_level(stages):
        one = {"rate": stages[0].target, "duration": k6_duration(stages[0].duration)}
        return {"executor": CONSTANT_RATE, **one, **more}
    start, steps = _steps(scenario)
    return {"executor": RAMPING_RATE, "startRate": start, "stages": steps, **more}


def _vus(load: LoadPlan) -> Json:
    before = load.pre_allocated_vus or 1
    most = load.max_vus or before
    return {"preAllocatedVUs": min(before, most), **({"maxVUs": most} if most > before else {})}


def _iterations(scenario: ScenarioPlan) -> Json:
    users = max((stage.target for stage in scenario.stages), default=1) or 1
    count = scenario.load.iterations or 1
    longest = max(_SHORTEST, sum(stage.duration for stage in scenario.stages))
    if scenario.executor == SHARED:
        users = min(users, count)  # k6 refuses users that would get none
    return {"executor": scenario.executor, "vus": users, "iterations": count, "maxDuration": k6_duration(longest)}


def _is_level(stages: tuple[StagePlan, ...]) -> bool:
    return len(stages) == 1 and stages[0].duration >= _SHORTEST and stages[0].target > 0


def _steps(scenario: ScenarioPlan) -> tuple[int, list[Json]]:
    """Where it starts, and k6's stages: to hold a level is to jump to it (0 s) and to stay."""
    start, steps = 0, []
    for position, stage in enumerate(scenario.stages):
        if scenario.executor in LEVEL:
            if position == 0:
                start = stage.target
            else:
                steps.append({"duration": "0s", "target": stage.target})
        steps.append({"duration": k6_duration(stage.duration), "target": stage.target})
    return start, steps
