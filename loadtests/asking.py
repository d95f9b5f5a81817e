"""What may be asked of a load test, as far as the text alone tells: shapes, units, limits, and a sentence for each
way to break them. `planning` is the door to this; what needs the project and its endpoints is checked there.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from loadtests.k6.plan import StagePlan, curve, total
from metricvault.lib.errors import Detail, Malformed, Refused, TooLarge
from metricvault.lib.invalid import EMPTY, sentence

MOST_SCENARIOS, MOST_STAGES = 50, 100
LONGEST_NAME = 200
MOST_BODY_BYTES = 1024 * 1024
_LONGEST_STAGE = 100 * 86_400.0
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_PART = r"(\d+(?:\.\d+)?)(h|ms|us|µs|μs|ns|m|s)"
_DURATION = re.compile(rf"(?:{_PART})+")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_NOT_KEPT = re.compile("\x00|\\\\u0000|[\ud800-\udfff]")  # what a database does not take


def seconds(value: Any) -> float:
    """A duration as seconds: a number of them, or k6's text (`30s`, `1h30m`, `500ms`). ValueError with a sentence."""
    if isinstance(value, str):
        text = value.replace(" ", "").lower()
        if text.startswith("-"):
            raise ValueError(_("A duration cannot be negative."))
        if _NUMBER.fullmatch(text):
            found = float(text)
        elif _DURATION.fullmatch(text):
            found = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))
        else:
            example = _("“%(text)s” is not a duration. Write seconds, or 30s, 2m, 1h30m.")
            raise ValueError(example % {"text": value[:40]})
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = value
    else:
        raise ValueError(_("Write a duration: seconds, or 30s, 2m, 1h30m."))
    if found < 0:
        raise ValueError(_("A duration cannot be negative."))
    if not found <= _LONGEST_STAGE:
        raise ValueError(_("This duration is too long."))
    return round(float(found), 3)


def duration_text(value: float) -> str:
    """Seconds as a person writes them: `1h30m`, `2m`, `1m30.5s`, `30s`, `500ms`."""
    if 0 < value < 1:
        return f"{round(value * 1000)}ms"
    minutes, left = divmod(round(value, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m")) if count]
    return "".join([*parts, f"{left:g}s" if left or not parts else ""])


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 5.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Duration = Annotated[
    float,
    BeforeValidator(seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 86_400},
                {"type": "string", "pattern": f"^({_PART})+$"},
            ],
            "description": "Seconds, or text such as 30s, 2m, 1h30m, 500ms.",
        }
    ),
]
Whole = Annotated[int, BeforeValidator(_whole)]
Key = Annotated[Whole, Field(ge=1, le=2**63 - 1)]
Values = dict[str, Any]


class _Asked(BaseModel):
    # What is not known is let through, for newer callers, and named in a warning.
    model_config = ConfigDict(strict=True, extra="allow", str_strip_whitespace=True, allow_inf_nan=False)


class StageIn(_Asked):
    """`target` users, held for `duration` (constant-vus) or reached at its end (ramping-vus)."""

    duration: Duration
    target: Annotated[Whole, Field(ge=0, le=2_000_000_000, description="Users.")]


class ParametersIn(_Asked):
    """Values by place and name. Of those left out, required ones come from the document; others are not sent."""

    path: Values = {}
    query: Values = {}
    header: Values = {}
    cookie: Values = {}


class ScenarioIn(_Asked):
    """What one group of users does."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    endpoint_id: Key
    executor: Literal["constant-vus", "ramping-vus"] = "constant-vus"
    think_time: Annotated[Duration, Field(description="Seconds between the iterations of one user.")] = 0.0
    stages: Annotated[list[StageIn], Field(min_length=1, max_length=MOST_STAGES)]
    response_time_target: Annotated[float, Field(gt=0, le=86_400_000, description="p95, milliseconds.")] | None = None
    error_rate_target: Annotated[float, Field(ge=0, le=100, description="Percent.")] | None = None
    parameters: ParametersIn | None = None
    body: Annotated[Any, Field(description="Text as it is sent, or JSON. Left out: the document's example.")] = None
    content_type: Annotated[str, Field(max_length=200)] | None = None
    headers: dict[str, str] | None = None


class LoadTestIn(_Asked):
    """The body of `POST /load-testing`; a saved plan says the same."""

    title: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    description: Annotated[str, Field(max_length=10_000)] | None = None
    target_tps: Annotated[float, Field(ge=0, le=10_000_000, description="Requests per second.")] | None = None
    k6_dashboard: Annotated[bool, Field(description="Keep k6's own report. Left out: as set for all.")] | None = None
    project_id: Key | None = None
    generators: (
        Annotated[Whole, Field(ge=1, le=1000, description="Load generators (pods). Left out: as many as needed.")]
        | None
    ) = None
    scenarios: Annotated[list[ScenarioIn], Field(min_length=1, max_length=MOST_SCENARIOS)]


def parse(payload: Any) -> tuple[LoadTestIn | None, dict[int, ScenarioIn], list[Detail]]:
    """The load test where it is sound, else None; the scenarios that are sound, by position; all problems."""
    if not isinstance(payload, dict):
        raise Malformed(_("A load test is an object with title and scenarios."))
    _check_text(payload)
    _check_bodies(payload)
    try:
        load_test = LoadTestIn.model_validate(payload)
    except ValidationError as error:
        details = [_detail(problem) for problem in error.errors(include_url=False)]
        sound = dict(_sound_scenarios(payload))
        return None, sound, details + limits(sound)
    sound = dict(enumerate(load_test.scenarios))
    return load_test, sound, limits(sound)


def shape_problems(scenario: Mapping[str, Any]) -> list[Detail]:
    """What cannot even be kept of a scenario, by field (`stages.1.duration`); rules and limits come later."""
    wanted = {"title": "-", "scenarios": [scenario]}
    _check_text(wanted)
    _check_bodies(wanted)
    try:
        ScenarioIn.model_validate(scenario)
    except ValidationError as error:
        return [_detail(problem) for problem in error.errors(include_url=False)]
    return []


def refusal(details: Sequence[Detail]) -> Refused:
    """All problems as one error."""
    if len(details) == 1:
        return Refused(details[0].message, details)
    message = _("%(count)s things need a look. The first: %(first)s")
    return Refused(message % {"count": len(details), "first": details[0].message}, details)


def limits(scenarios: Mapping[int, ScenarioIn]) -> list[Detail]:
    """What the load itself must keep to: some users, some time, and the caps of this installation."""
    details = [detail for at, scenario in scenarios.items() for detail in _limits_of(at, scenario)]
    if not details:
        lines = [curve(one.executor, [StagePlan(stage.duration, stage.target) for stage in one.stages])
                 for one in scenarios.values()]  # fmt: skip
        most, asked = settings.METRICVAULT_MAX_VUS, round(max((users for _t, users in total(lines)), default=0))
        if asked > most:
            message = _("The scenarios together ask for %(asked)s users at once; at most %(most)s are allowed.")
            details.append(Detail("scenarios", message % {"asked": f"{asked:,}", "most": f"{most:,}"}))
    return details


def _limits_of(at: int, scenario: ScenarioIn) -> Iterator[Detail]:
    where, most, hours = f"scenarios.{at}.stages", settings.METRICVAULT_MAX_VUS, settings.SCHEDULER_JOB_TIMEOUT_HOURS
    durations = [stage.duration for stage in scenario.stages]
    for number, stage in enumerate(scenario.stages):
        if stage.target > most:
            message = _("At most %(most)s users are allowed.") % {"most": f"{most:,}"}
            yield Detail(f"{where}.{number}.target", message)
    if not any(stage.target for stage in scenario.stages):
        yield Detail(f"{where}.0.target", _("There is never a user. Write at least 1."))
    if sum(durations) == 0:
        yield Detail(f"{where}.0.duration", _("The stages last 0 seconds. Write a duration."))
    if sum(durations) > hours * 3600:
        longest = durations.index(max(durations))
        message = _("The stages last longer than %(hours)s hours, the longest a run may take.")
        yield Detail(f"{where}.{longest}.duration", message % {"hours": f"{hours:g}"})


def _sound_scenarios(payload: Mapping[str, Any]) -> Iterator[tuple[int, ScenarioIn]]:
    scenarios = payload.get("scenarios")
    for at, scenario in enumerate(scenarios[:MOST_SCENARIOS] if isinstance(scenarios, list) else ()):
        try:
            yield at, ScenarioIn.model_validate(scenario)
        except ValidationError:
            continue


def _check_text(payload: dict[str, Any]) -> None:
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
        body = scenario.get("body") if isinstance(scenario, dict) else None
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        if len(text.encode(errors="replace")) > MOST_BODY_BYTES:
            message = _("A request body may be 1 MB at most.")
            raise TooLarge(message, [Detail(f"scenarios.{at}.body", message)])


def unknown_fields(load_test: LoadTestIn) -> Iterator[str]:
    """Dotted paths of what was sent and means nothing here."""
    yield from load_test.model_extra or ()
    for at, scenario in enumerate(load_test.scenarios):
        yield from (f"scenarios.{at}.{name}" for name in scenario.model_extra or ())
        extra = scenario.parameters.model_extra if scenario.parameters else None
        yield from (f"scenarios.{at}.parameters.{name}" for name in extra or ())
        for number, stage in enumerate(scenario.stages):
            yield from (f"scenarios.{at}.stages.{number}.{name}" for name in stage.model_extra or ())


def _detail(problem: Mapping[str, Any]) -> Detail:
    location = [str(part) for part in problem["loc"] if part != "[key]"]
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
    }.get(field, _("Write a value."))
