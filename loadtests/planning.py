"""The one place of the rules of what may be asked: the builder's pages and the API come through here alike.

    payload --read--> LoadTestIn --build--> BuiltPlan --preview--> what would happen

A saved plan becomes the same payload by `from_plan`. Problems are sentences a tester understands, all at once.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from loadtests.asking import parse, refusal
from loadtests.building import MARGIN, Building, BuiltPlan, assumed_iteration, needed_vus
from loadtests.editing import plan_payload
from loadtests.fields import seconds
from loadtests.iteration_time import iteration_seconds
from loadtests.k6.curves import duration, estimated_requests, peak_rate, peak_vus
from loadtests.k6.plan import (
    ScenarioPlan,
    to_json,
)
from loadtests.k6.script import build_script
from loadtests.models import Plan
from loadtests.payload import LoadTestIn
from loadtests.stepping import no_endpoint
from metricvault.lib.errors import Detail, Missing
from projects.access import get_editable_project, project_scope
from projects.models import Endpoint, Environment, Project

__all__ = [
    "MARGIN",
    "BuiltPlan",
    "LoadTestIn",
    "Review",
    "assumed_iteration",
    "build",
    "from_plan",
    "json_schema",
    "needed_vus",
    "preview",
    "read",
    "review",
    "seconds",
]

_HEAVY = ("openapi_spec__document", "openapi_spec__warnings", "openapi_spec__servers", "description")


@dataclass(frozen=True, slots=True)
class Review:
    """A saved plan as it stands: `built` is None where there are problems. `scenarios`: those that can be sent, by
    position, whatever the others are."""

    built: BuiltPlan | None
    problems: tuple[Detail, ...]
    warnings: tuple[Detail, ...]
    scenarios: Mapping[int, ScenarioPlan]


def read(payload: Any) -> LoadTestIn:
    """The body of `POST /load-testing`, checked as far as the text tells. Raises Malformed, TooLarge or Refused."""
    load_test, _sound, problems = parse(payload)
    if load_test is None or problems:
        raise refusal(problems)
    return load_test


def build(load_test: LoadTestIn, user: User, plan: Plan | None = None) -> BuiltPlan:
    """The load test with its endpoints, values and limits resolved. Raises Refused, or NotAllowed for a reader.

    `plan`: the saved one that it is, whose iterations may have been measured."""
    keys = {step.endpoint_id for one in load_test.scenarios for _where, step in one.all_steps()}
    endpoints = _endpoints(keys, user)
    project = _project(load_test, endpoints, user)
    seconds = iteration_seconds(plan) if plan is not None else {}
    building = Building(load_test, project, endpoints, _environment(load_test, project), seconds, thorough=True)
    built, problems = building.result(dict(enumerate(load_test.scenarios)))
    if built is None or problems:
        raise refusal(problems, project if building.beyond else None)
    return built


def review(plan: Plan, seconds: Mapping[int, float] | None = None) -> Review:
    """Everything that is wrong with a saved plan, or what it would run. The caller has checked who looks.

    `seconds` by position: what an iteration was measured to take; looked up where it is None."""
    load_test, sound, problems = parse(plan_payload(plan))
    steps = (step for one in plan.scenarios.all() for step in one.steps.all())
    endpoints = {step.endpoint.pk: step.endpoint for step in steps if step.endpoint}
    building = Building(
        load_test, plan.project, endpoints, plan.environment, iteration_seconds(plan) if seconds is None else seconds
    )
    built, more = building.result(sound)
    problems = [*problems, *more]
    return Review(built if not problems else None, tuple(problems), tuple(building.warnings), building.plans)


def from_plan(plan: Plan) -> dict[str, Any]:
    """A saved plan as the payload of the API. `editing.full_plans` fetches all that this reads."""
    return plan_payload(plan)


def preview(built: BuiltPlan) -> dict[str, Any]:
    """What a run would do, as plain data: seconds, users, iterations per second. How many requests come of users is
    known afterwards only: `estimated_requests` is null then."""
    return {
        "script": build_script(built.plan),
        "plan": to_json(built.plan),
        "duration": duration(built.plan),
        "peak_vus": peak_vus(built.plan),
        "peak_rate": peak_rate(built.plan),
        "generators": built.plan.generators,
        "vus_per_generator": ceil(peak_vus(built.plan) / built.plan.generators),
        "rate_per_generator": peak_rate(built.plan) / built.plan.generators,
        "estimated_requests": estimated_requests(built.plan),
        "warnings": [asdict(warning) for warning in built.warnings],
    }


def json_schema() -> dict[str, Any]:
    """The schema of the payload, without references, for the API's own document."""
    schema = LoadTestIn.model_json_schema()
    definitions = schema.pop("$defs", {})
    found = _inlined(schema, definitions)
    assert isinstance(found, dict)
    return found


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(item, definitions) for key, item in node.items()}


def _endpoints(keys: set[int], user: User) -> dict[int, Endpoint]:
    """Those that the person may see."""
    visible = Endpoint.everything.filter(project_scope(user, "openapi_spec__project__"), pk__in=keys)
    return {one.pk: one for one in visible.select_related("openapi_spec__project").defer(*_HEAVY)}


def _project(load_test: LoadTestIn, endpoints: Mapping[int, Endpoint], user: User) -> Project:
    key = load_test.project_id
    if key is None:
        asked = [(f"scenarios.{at}.{where}", step.endpoint_id) for at, one in enumerate(load_test.scenarios)
                 for where, step in one.all_steps()]  # fmt: skip
        first = next((endpoints[key] for _where, key in asked if key in endpoints), None)
        if first is None:
            raise refusal([no_endpoint(where, key) for where, key in asked])
        key = first.openapi_spec.project_id
    try:
        return get_editable_project(user, key)
    except Missing as missing:
        raise refusal([Detail("project_id", missing.message)]) from None


def _environment(load_test: LoadTestIn, project: Project) -> Environment | None:
    """The environment that is asked for, by key or by name."""
    if load_test.environment_id is None and not load_test.environment:
        return None
    field = "environment_id" if load_test.environment_id is not None else "environment"
    wanted = {"pk": load_test.environment_id} if field == "environment_id" else {"name": load_test.environment}
    found = Environment.objects.filter(project=project, **wanted).first()
    if found is None:
        message = _("There is no environment %(name)s in this project.")
        raise refusal([Detail(field, message % {"name": next(iter(wanted.values()))})])
    return found
