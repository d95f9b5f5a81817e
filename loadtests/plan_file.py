"""A plan as one YAML file and back; docs/plan-file.md describes it.

    saved plan --plan_payload--> payload --write_plan--> text        text --read_plan--> payload --keep--> saved plan

The file is the body of `POST /load-testing`, less what says nothing, with names in place of keys: `endpoint: GET
/items` (and `document`, where several describe it), `environment: staging`. Secrets are no part of a payload.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from django.utils.translation import gettext as _
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from loadtests.asking import parse, refusal
from loadtests.fields import Duration, duration_text, seconds
from loadtests.keeping import example_body
from loadtests.payload import MARKS, LoadTestIn, ScenarioIn, StepIn
from loadtests.plan_names import Names
from loadtests.plan_yaml import ReadYaml, at_line, line_said, read_yaml, write_yaml
from metricvault.lib.errors import Detail, ProductError, Refused
from projects.models import Environment, Project

MARK, VERSION = "metricvault", 1
_NOT_IN_FILES = {"project_id", "environment_id", "endpoint_id", *MARKS}
# Before and behind the others, which keep the order of the payload.
_FIRST = ("title", "description", "environment", "data", "name", "endpoint_id", "executor", "stages")
_PLACES = {**{name: at - len(_FIRST) for at, name in enumerate(_FIRST)}, "steps": 1, "scenarios": 1}
_KEYS = {"endpoint_id": "endpoint", "environment_id": "environment"}  # the payload's names of what files call otherwise


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What a file says, for one project: `payload` is the body of `POST /load-testing`."""

    payload: dict[str, Any]
    load_test: LoadTestIn


def write_plan(payload: Mapping[str, Any], project: Project, environment: Environment | None) -> str:
    """The file of a load test. Same load test, same text. Raises Refused where the payload itself cannot be read."""
    load_test, _sound, problems = parse(dict(payload))
    if load_test is None:
        raise refusal(problems)
    names = Names(project)
    names.find_endpoints(step.endpoint_id for one in load_test.scenarios for _where, step in one.all_steps())
    named = load_test.model_copy(update={"environment": environment.name if environment else None})
    return write_yaml({MARK: VERSION, **_written(named, names)})


def read_plan(source: bytes | str, project: Project) -> PlanFile:
    """What a file asks for in this project. Raises TooLarge, or Refused with the line of everything that is wrong.

    A plan that can be read and could not run yet is read all the same: its page says what it lacks."""
    read = read_yaml(source)
    _check_head(read)
    names = Names(project)
    payload, problems = _Reading(read, names).result()
    try:
        load_test, _sound, more = parse(payload)
    except ProductError as error:
        raise type(error)(error.message, [_with_line(read, one) for one in error.details]) from None
    if load_test is None or problems:
        problems += [_with_line(read, one) for one in more]
        raise refusal(sorted(problems, key=lambda one: read.line_of(one.field)))
    return PlanFile(payload, load_test)


def _check_head(read: ReadYaml) -> None:
    if not isinstance(read.value, dict) or MARK not in read.value:
        raise at_line(1, _("This is no plan file. It begins with “metricvault: 1”."))
    version = read.value[MARK]
    if version != VERSION or isinstance(version, bool):
        message = _("Plan files of version %(version)s are not known here, only those of version %(known)s.")
        raise at_line(read.line_of(MARK), message % {"version": str(version)[:40], "known": VERSION})


def _with_line(read: ReadYaml, detail: Detail) -> Detail:
    head, _dot, last = detail.field.rpartition(".")
    field = f"{head}.{_KEYS[last]}" if head and last in _KEYS else _KEYS.get(detail.field, detail.field)
    return Detail(field, line_said(read.line_of(field), detail.message))


# To text


def _written(model: BaseModel, names: Names) -> dict[str, Any]:
    """The fields of a model that say something, in the order in which a person asks for them."""
    found: dict[str, Any] = {}
    for name, field in sorted(type(model).model_fields.items(), key=lambda item: _PLACES.get(item[0], 0)):
        value = getattr(model, name)
        if name == "endpoint_id" and value is not None:
            found |= names.written_endpoint(value)
        elif name not in _NOT_IN_FILES and value is not None and value != field.default:
            plain = _plain(value, field, names)
            if plain not in ({}, []) and (plain != "" or name == "body"):
                found[name] = plain
    if isinstance(model, StepIn | ScenarioIn) and found.get("body") == "" and _sends_nothing(model, names):
        del found["body"]
    return found


def _plain(value: Any, field: FieldInfo, names: Names) -> Any:
    if isinstance(value, BaseModel):
        return _written(value, names)
    if isinstance(value, list):
        return [_plain(item, field, names) for item in value]
    if isinstance(value, float):
        text = duration_text(value) if _is_duration(field) else ""
        if text and seconds(text) == value:
            return text
        return int(value) if value.is_integer() else value
    return value


def _sends_nothing(step: StepIn | ScenarioIn, names: Names) -> bool:
    """Whether no body is sent all the same where none is written."""
    endpoint = names.endpoint(step.endpoint_id)
    return endpoint is not None and not example_body(endpoint, step.content_type)


def _is_duration(field: FieldInfo) -> bool:
    marks = [*field.metadata, *(mark for one in _annotated(field.annotation) for mark in get_args(one)[1:])]
    return any(mark is known for mark in marks for known in get_args(Duration)[1:])


def _annotated(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield annotation
    for inner in get_args(annotation):
        yield from _annotated(inner)


# From text


class _Reading:
    """The values of a file on their way to a payload; `problems` have their lines."""

    def __init__(self, read: ReadYaml, names: Names) -> None:
        self._read, self._names = read, names
        self._problems: list[Detail] = []

    def result(self) -> tuple[dict[str, Any], list[Detail]]:
        value = {name: item for name, item in self._read.value.items() if name != MARK}
        self._look_for_unknown(value, LoadTestIn, "")
        payload = {**value, "project_id": self._names.project.pk}
        self._names.look_up(step.get("endpoint") for _where, step in _steps(value))
        if isinstance(scenarios := value.get("scenarios"), list):
            payload["scenarios"] = [self._scenario(f"scenarios.{at}", one) for at, one in enumerate(scenarios)]
        if isinstance(name := value.get("environment"), str):
            self._environment(payload, name)
        data = value.get("data")
        for name in data if isinstance(data, dict) else ():
            if name not in self._names.data_files:
                message = _("There is no data file “%(name)s” in this project. Upload it, or leave it out.")
                self._problem(f"data.{name}", message % {"name": name})
        return payload, self._problems

    def _scenario(self, where: str, scenario: Any) -> Any:
        if not isinstance(scenario, dict):
            return scenario
        found = self._step(where, scenario)
        if isinstance(steps := scenario.get("steps"), list):
            found["steps"] = [
                self._step(f"{where}.steps.{at}", one) if isinstance(one, dict) else one for at, one in enumerate(steps)
            ]
        return found

    def _step(self, where: str, step: dict[str, Any]) -> dict[str, Any]:
        found = {name: value for name, value in step.items() if name not in ("endpoint", "document")}
        if step.get("endpoint") is None:
            return found
        # Whatever is wrong with the endpoint, the rest is looked at as well.
        found["endpoint_id"] = 1
        try:
            found["endpoint_id"] = self._names.key(step["endpoint"], step.get("document"))
        except Refused as refused:
            self._problem(f"{where}.endpoint", refused.message)
        return found

    def _environment(self, payload: dict[str, Any], name: str) -> None:
        del payload["environment"]
        key = self._names.environments.get(name)
        if key is None:
            known = ", ".join(self._names.environments) or _("none")
            message = _("There is no environment “%(name)s” in this project. There are: %(known)s.")
            self._problem("environment", message % {"name": name, "known": known})
        else:
            payload["environment_id"] = key

    def _look_for_unknown(self, value: Any, model: type[BaseModel], where: str) -> None:
        """Names that mean nothing: a typing error must not run in silence."""
        if isinstance(value, list):
            for at, item in enumerate(value):
                self._look_for_unknown(item, model, f"{where}.{at}")
        elif isinstance(value, dict):
            known = {name: field for name, field in model.model_fields.items() if name not in _NOT_IN_FILES}
            more = {"endpoint", "document"} if issubclass(model, StepIn | ScenarioIn) else set()
            for name, item in value.items():
                path = f"{where}.{name}" if where else name
                if name in known:
                    inner = _model_in(known[name].annotation)
                    if inner is not None:
                        self._look_for_unknown(item, inner, path)
                elif name not in more:
                    self._problem(path, _("“%(name)s” is not known here.") % {"name": name[:80]})

    def _problem(self, field: str, message: str) -> None:
        self._problems.append(Detail(field, line_said(self._read.line_of(field), message)))


def _steps(value: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Whatever may name an endpoint, by its path."""
    scenarios = value.get("scenarios")
    for at, scenario in enumerate(scenarios if isinstance(scenarios, list) else ()):
        if isinstance(scenario, dict):
            yield f"scenarios.{at}", scenario
            steps = scenario.get("steps")
            for number, step in enumerate(steps if isinstance(steps, list) else ()):
                if isinstance(step, dict):
                    yield f"scenarios.{at}.steps.{number}", step


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, alone, in a list, or with others it may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, Annotated, Union, UnionType):
        return next((found for one in get_args(annotation) if (found := _model_in(one))), None)
    return None
