"""What may be asked of a load test, as far as the text alone tells: a sentence for each way to break the rules of
`loadtests.payload`. `planning` is the door to this; what needs the project and its endpoints is checked there.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from loadtests.k6.plan import COUNTED, RATES
from loadtests.payload import MOST_SCENARIOS, LoadTestIn, ScenarioIn, StepIn
from metricvault.lib.errors import Detail, Malformed, Refused, TooLarge
from metricvault.lib.invalid import EMPTY, sentence
from projects.models import Project

MOST_BODY_BYTES = 1024 * 1024
_NOT_KEPT = re.compile("\x00|\\\\u0000|[\ud800-\udfff]")  # what a database does not take


def parse(payload: Any) -> tuple[LoadTestIn | None, dict[int, ScenarioIn], list[Detail]]:
    """The load test where it is sound, else None; the scenarios that are sound, by position; all problems."""
    if not isinstance(payload, dict):
        raise Malformed(_("A load test is an object with title and scenarios."))
    check_text(payload)
    _check_bodies(payload)
    try:
        load_test = LoadTestIn.model_validate(payload)
    except ValidationError as error:
        details = [_detail(problem) for problem in error.errors(include_url=False)]
        sound = dict(_sound_scenarios(payload))
        return None, sound, details + limits(sound)
    sound = dict(enumerate(load_test.scenarios))
    return load_test, sound, limits(sound)


def shape_problems(payload: Mapping[str, Any]) -> list[Detail]:
    """What cannot even be read of a load test, by field; rules and limits come later."""
    try:
        LoadTestIn.model_validate(payload)
    except ValidationError as error:
        return [_detail(problem) for problem in error.errors(include_url=False)]
    return []


class BeyondLimits(Refused):
    """More than an administrator allows, or where nobody may go (`loadtests.guard`): the audit is told of it."""

    project: Project | None = None


def refusal(details: Sequence[Detail], beyond: Project | None = None) -> Refused:
    """All problems as one error; `BeyondLimits` where some are those of the project `beyond`."""
    message = _("%(count)s things need a look. The first: %(first)s")
    message %= {"count": len(details), "first": details[0].message}
    error = (Refused if beyond is None else BeyondLimits)(details[0].message if len(details) == 1 else message, details)
    if isinstance(error, BeyondLimits):
        error.project = beyond
    return error


def limits(scenarios: Mapping[int, ScenarioIn]) -> list[Detail]:
    """What the load itself must keep to: some users, some time, what k6 takes. (How much is allowed: `guard`.)"""
    return [detail for at, scenario in scenarios.items() for detail in _limits_of(f"scenarios.{at}", scenario)]


def _limits_of(where: str, scenario: ScenarioIn) -> Iterator[Detail]:
    if not any(stage.target for stage in scenario.stages):
        never = _("There is never a user. Write at least 1.")
        if scenario.executor in RATES:
            never = _("There is never a request. Write at least 1.")
        yield Detail(f"{where}.stages.0.target", never)
    if not any(stage.duration for stage in scenario.stages):
        yield Detail(f"{where}.stages.0.duration", _("The stages last 0 seconds. Write a duration."))
    yield from _executor_rules(where, scenario)


def _executor_rules(where: str, scenario: ScenarioIn) -> Iterator[Detail]:
    """What k6 takes of each executor."""
    if scenario.executor in COUNTED:
        if len(scenario.stages) > 1:
            yield Detail(
                f"{where}.stages.1", _("A number of iterations takes one stage: its users, and the longest time.")
            )
        if scenario.iterations is None:
            yield Detail(f"{where}.iterations", _("Write how many iterations there are."))
        elif scenario.executor == "shared-iterations" and scenario.iterations < scenario.stages[0].target:
            message = _("There are fewer iterations than users. Write at least %(users)s, or fewer users.")
            yield Detail(f"{where}.iterations", message % {"users": scenario.stages[0].target})
    if scenario.time_unit <= 0:
        yield Detail(f"{where}.time_unit", _("Write a time unit above 0, such as 1s or 1m."))
    low, high = scenario.pre_allocated_vus, scenario.max_vus
    if scenario.executor in RATES and low is not None and high is not None and high < low:
        yield Detail(f"{where}.max_vus", _("Write at least as many as are there from the start."))


def _sound_scenarios(payload: Mapping[str, Any]) -> Iterator[tuple[int, ScenarioIn]]:
    scenarios = payload.get("scenarios")
    for at, scenario in enumerate(scenarios[:MOST_SCENARIOS] if isinstance(scenarios, list) else ()):
        try:
            yield at, ScenarioIn.model_validate(scenario)
        except ValidationError:
            continue


def check_text(payload: dict[str, Any]) -> None:
    """Raises Refused where a text cannot be kept, TooLarge where a body is too large."""
    try:
        if not _NOT_KEPT.search(json.dumps(payload, ensure_ascii=False)):
            return
    except RecursionError:
        raise Refused(_("The load test is nested too deeply.")) from None
    message = _("This text has a character that cannot be kept: NUL, or half of a pair.")
    details = [Detail(where, message) for where, text in _texts(payload) if _NOT_KEPT.search(text.replace("\\", ""))]
    if details:
        raise refusal(details[:20])


def _texts(payload: Any) -> Iterator[tuple[str, str]]:
    """Every text of a JSON value with its path, keys included."""
    waiting: list[tuple[str, Any]] = [("", payload)]
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, str):
            yield where, value
        elif isinstance(value, dict):
            yield from ((where, key) for key in value)
            waiting += [(f"{where}.{key}" if where else key, item) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{where}.{at}", item) for at, item in enumerate(value)]


def _check_bodies(payload: Mapping[str, Any]) -> None:
    scenarios = payload.get("scenarios")
    for at, scenario in enumerate(scenarios if isinstance(scenarios, list) else ()):
        if not isinstance(scenario, dict):
            continue
        steps = scenario.get("steps")
        check_body(f"scenarios.{at}", scenario)
        for number, step in enumerate(steps if isinstance(steps, list) else ()):
            check_body(f"scenarios.{at}.steps.{number}", step)


def check_body(where: str, step: Any) -> None:
    """Raises TooLarge where the body of a step is over 1 MB."""
    body = step.get("body") if isinstance(step, dict) else None
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    if len(text.encode(errors="replace")) > MOST_BODY_BYTES:
        message = _("A request body may be 1 MB at most.")
        raise TooLarge(message, [Detail(f"{where}.body", message)])


def unknown_fields(load_test: LoadTestIn) -> Iterator[str]:
    """Dotted paths of what was sent and means nothing here."""
    yield from load_test.model_extra or ()
    yield from (f"options.{name}" for name in (load_test.options.model_extra if load_test.options else None) or ())
    for at, scenario in enumerate(load_test.scenarios):
        yield from (f"scenarios.{at}.{name}" for name in scenario.model_extra or ())
        for where, step in scenario.all_steps():
            yield from (f"scenarios.{at}.{where}{name}" for name in _unknown_of(step))
        for number, stage in enumerate(scenario.stages):
            yield from (f"scenarios.{at}.stages.{number}.{name}" for name in stage.model_extra or ())


def _unknown_of(step: StepIn) -> Iterator[str]:
    yield from step.model_extra or ()
    yield from (f"parameters.{name}" for name in (step.parameters.model_extra if step.parameters else None) or ())
    for kind, rows in (("checks", step.checks), ("extracts", step.extracts)):
        for number, row in enumerate(rows):
            yield from (f"{kind}.{number}.{name}" for name in row.model_extra or ())


def _detail(problem: Mapping[str, Any]) -> Detail:
    location = [str(part) for part in problem["loc"] if part != "[key]"]
    if len(location) == 2 and location[0] == "scenarios" and problem["type"] == "value_error":
        location.append("endpoint_id")  # which request is meant is asked of the scenario as a whole
    field = location[-1] if location else ""
    nothing = problem["type"] != "value_error" and problem.get("input", ...) is None
    return Detail(".".join(location), _missing(field) if nothing or problem["type"] in EMPTY else sentence(problem))


def _missing(field: str) -> str:
    return {
        "title": _("Write a title."),
        "scenarios": _("Add at least one scenario."),
        "endpoint_id": _("Choose an endpoint."),
        "stages": _("Add at least one stage."),
        "duration": _("Write how long the stage lasts."),
        "target": _("Write how many users there are."),
        "expression": _("Write where the value stands."),
    }.get(field, _("Write a value."))
