"""The thresholds of k6's options: targets, and rules that always hold. Pure.

A sub-metric is in the summary only where a threshold asks for it, so that each scenario has rules in any case.
"""

from loadtests.k6.curves import duration, scenario_duration
from loadtests.k6.plan import COUNTED, RATES, RunPlan, ScenarioPlan

Rules = dict[str, list[str]]
ANY_COUNT, ANY_RATE, ANY_TIME = "count>=0", "rate>=0", "max>=0"


def thresholds(plan: RunPlan) -> Rules:
    """By metric. One of several generators sees its own part only: there the targets are judged over the merged
    numbers alone, and these rules hold whatever happens."""
    found: Rules = {}
    for scenario in plan.scenarios:
        found |= _of_scenario(plan, scenario)
    return found | _of_run(plan)


def is_judged(scenario: ScenarioPlan) -> bool:
    """Whether its answers are looked at, so that a request may have failed that k6 takes for good."""
    return any(step.checks or step.extracts for step in scenario.steps)


def _of_scenario(plan: RunPlan, scenario: ScenarioPlan) -> Rules:
    own = f"{{scenario_tag:{scenario.tag}}}"
    alone = plan.generators == 1
    slow, errors = scenario.response_time_target, scenario.error_rate_target
    whole = not scenario.load.start_time and scenario_duration(scenario) == duration(plan)
    tps = scenario.tps_target if whole and scenario.executor not in COUNTED else None
    found = {
        f"http_req_duration{own}": [_time(slow, scenario.response_time_percentile) if alone else ANY_TIME],
        f"http_reqs{own}": [_at_least(tps) if alone else ANY_COUNT],
        f"http_req_failed{own}": [_at_most(errors) if alone and not is_judged(scenario) else ANY_RATE],
        f"iterations{own}": [ANY_COUNT],
    }
    if scenario.executor in RATES | COUNTED:  # k6 gives dropped iterations no tag of the scenario but its own
        found[f"dropped_iterations{{scenario:{scenario.tag}}}"] = [ANY_COUNT]
    if is_judged(scenario):
        found[f"mv_failed{own}"] = [ANY_COUNT]
        if alone and errors is not None:
            found[f"mv_errors{own}"] = [_at_most(errors)]
    return found


def _of_run(plan: RunPlan) -> Rules:
    """Where the plan has tokens their requests are no load: then the summary's numbers are those of `{load:1}`."""
    targets, load = plan.targets, "{load:1}" if plan.tokens else ""
    judged = {is_judged(scenario) for scenario in plan.scenarios}
    asked: dict[str, str] = {}
    if plan.generators == 1:
        asked[f"http_req_duration{load}"] = _time(targets.response_time, targets.response_time_percentile)
        asked[f"http_reqs{load}"] = _at_least(targets.tps)
        if judged != {True, False}:  # of some requests only k6 knows, of others only the script: nobody has the sum
            asked["mv_errors" if True in judged else f"http_req_failed{load}"] = _at_most(targets.error_rate)
    found = {name: [rule] for name, rule in asked.items() if rule not in (ANY_COUNT, ANY_RATE, ANY_TIME)}
    always = {"http_req_duration": ANY_TIME, "http_reqs": ANY_COUNT, "http_req_failed": ANY_RATE} if load else {}
    return {f"{name}{load}": [rule] for name, rule in always.items()} | found


def _time(target: float | None, percentile: int) -> str:
    return ANY_TIME if target is None else f"p({percentile})<={_number(target)}"


def _at_least(tps: float | None) -> str:
    return ANY_COUNT if tps is None else f"rate>={_number(tps)}"


def _at_most(percent: float | None) -> str:
    return ANY_RATE if percent is None else f"rate<={_number(percent / 100)}"


def _number(value: float) -> str:
    """Without an exponent: k6's threshold parser knows none."""
    return f"{value:.9f}".rstrip("0").rstrip(".")
