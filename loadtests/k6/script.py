"""A plan as a k6 script: constant JavaScript (skeleton.js) and one line of data. Same plan, same bytes."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from loadtests.k6.plan import CONSTANT, RunPlan, ScenarioPlan

SUMMARY_MARK = "METRICVAULT-SUMMARY "

_PLACE = "/*PLAN*/"
# What a reader of the script could take for more than text: markup, line ends that only JavaScript
# knows, halves of a surrogate pair, and the controls that turn the reading direction around.
_MISLEADING = re.compile("<(?=[/!a-zA-Z])|[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def build_script(plan: RunPlan) -> str:
    """The whole script of a run. No text of a user becomes JavaScript: it stays inside JSON strings."""
    data = {
        "run": plan.run,
        "title": plan.title,
        "scenarios": {scenario.tag: _scenario(scenario) for scenario in plan.scenarios},
        "thresholds": {
            name: rules for scenario in plan.scenarios for name, rules in _thresholds(scenario, plan.generators).items()
        },
        **({"generators": plan.generators} if plan.generators > 1 else {}),
        "steps": [_step(scenario) for scenario in plan.scenarios],
    }
    return _skeleton().replace(_PLACE, f"const PLAN = {_literal(data)};", 1)


@cache
def _skeleton() -> str:
    return files("loadtests.k6").joinpath("skeleton.js").read_text(encoding="utf-8")


def _literal(data: object) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2)
    return _MISLEADING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _step(scenario: ScenarioPlan) -> dict[str, Any]:
    request = scenario.steps[0].request
    return {
        "tag": scenario.tag,
        "title": scenario.name,
        "method": request.method,
        "url": request.url,
        # Pairs: as keys of an object literal a header named __proto__ would set the prototype.
        "headers": [list(pair) for pair in request.headers],
        "body": request.body,
        "think": round(scenario.think_time, 3),
    }


def _scenario(scenario: ScenarioPlan) -> dict[str, Any]:
    # Tags of the scenario cost nothing per request; the same as tags of each request take 8 µs more of k6's time.
    tags = {"scenario_tag": scenario.tag, "name": scenario.steps[0].request.name}
    shared = {"tags": tags, "env": {"SCENARIO": scenario.tag}}
    stages = scenario.stages
    # k6 reads options strictly: constant-vus takes no stages, and nothing under a second.
    if scenario.executor == CONSTANT and len(stages) == 1 and stages[0].duration >= 1:
        load = {"executor": CONSTANT, "vus": stages[0].target, "duration": k6_duration(stages[0].duration)}
        return {**load, **shared}
    start, steps = 0, []
    for position, stage in enumerate(stages):
        if scenario.executor == CONSTANT and position == 0:
            start = stage.target
        elif scenario.executor == CONSTANT:
            steps.append({"duration": "0s", "target": stage.target})
        steps.append({"duration": k6_duration(stage.duration), "target": stage.target})
    return {"executor": "ramping-vus", "startVUs": start, "stages": steps, **shared}


def k6_duration(seconds: float) -> str:
    """`30s`, or `1500ms` where there is a fraction; k6 counts no finer here."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def _thresholds(scenario: ScenarioPlan, generators: int) -> dict[str, list[str]]:
    """Targets, and rules that always hold: a sub-metric is in the summary only where a threshold asks for it.

    One of several generators sees its own part only: there the targets are judged over the merged numbers alone.
    """
    own = f"{{scenario_tag:{scenario.tag}}}"
    slow, errors = scenario.response_time_target, scenario.error_rate_target
    if generators > 1:
        slow = errors = None
    return {
        f"http_req_duration{own}": ["max>=0" if slow is None else f"p(95)<={_number(slow)}"],
        f"http_reqs{own}": ["count>=0"],
        f"http_req_failed{own}": ["rate>=0" if errors is None else f"rate<={_number(errors / 100)}"],
    }


def _number(value: float) -> str:
    """Without an exponent: k6's threshold parser knows none."""
    return f"{value:.9f}".rstrip("0").rstrip(".")
