"""The one place of the rules of what may be asked: the builder's pages and the API come through here alike.

    payload --read--> LoadTestIn --build--> BuiltPlan --preview--> what would happen

A saved plan becomes the same payload by `from_plan`. Problems are sentences a tester understands, all at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from loadtests.asking import LoadTestIn, ScenarioIn, parse, refusal, seconds, unknown_fields
from loadtests.editing import scenario_payload
from loadtests.k6.plan import (
    RunPlan,
    ScenarioPlan,
    StagePlan,
    duration,
    most_generators,
    peak_vus,
    scenario_tag,
    to_json,
)
from loadtests.k6.script import build_script
from loadtests.models import GeneratorSettings, Plan
from loadtests.requesting import build_request
from loadtests.runners import KUBERNETES
from metricvault.lib.errors import Detail, Missing
from projects.access import get_editable_project, project_scope
from projects.models import Endpoint, Project

__all__ = [
    "BuiltPlan",
    "LoadTestIn",
    "Review",
    "build",
    "from_plan",
    "json_schema",
    "preview",
    "read",
    "review",
    "seconds",
]

_HEAVY = ("openapi_spec__document", "openapi_spec__warnings", "openapi_spec__servers", "description")


@dataclass(frozen=True, slots=True)
class BuiltPlan:
    """What can be run. `plan.run` is "" until there is a run; `endpoints[i]` belongs to `plan.scenarios[i]`."""

    project: Project
    plan: RunPlan
    endpoints: tuple[Endpoint, ...]
    warnings: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A saved plan as it stands: `built` is None where there are problems."""

    built: BuiltPlan | None
    problems: tuple[Detail, ...]
    warnings: tuple[Detail, ...]


def read(payload: Any) -> LoadTestIn:
    """The body of `POST /load-testing`, checked as far as the text tells. Raises Malformed, TooLarge or Refused."""
    load_test, _sound, problems = parse(payload)
    if load_test is None or problems:
        raise refusal(problems)
    return load_test


def build(load_test: LoadTestIn, user: User) -> BuiltPlan:
    """The load test with its endpoints, values and limits resolved. Raises Refused, or NotAllowed for a reader."""
    endpoints = _endpoints({one.endpoint_id for one in load_test.scenarios}, user)
    project = _project(load_test, endpoints, user)
    scenarios = dict(enumerate(load_test.scenarios))
    plans, problems, warnings = _resolve(scenarios, project, endpoints)
    if problems:
        raise refusal(problems)
    built, problems = _shared_out(_built(load_test, project, endpoints, plans, warnings), load_test.generators)
    if problems:
        raise refusal(problems)
    return built


def review(plan: Plan) -> Review:
    """Everything that is wrong with a saved plan, or what it would run. The caller has checked who looks."""
    payload = from_plan(plan)
    load_test, sound, problems = parse(payload)
    endpoints = {one.endpoint.pk: one.endpoint for one in plan.scenarios.all() if one.endpoint}
    plans, unresolved, warnings = _resolve(sound, plan.project, endpoints)
    problems = [*problems, *unresolved]
    built = None
    if load_test is not None and not problems:
        built, problems = _shared_out(_built(load_test, plan.project, endpoints, plans, warnings), load_test.generators)
    return Review(built if not problems else None, tuple(problems), tuple(warnings))


def from_plan(plan: Plan) -> dict[str, Any]:
    """A saved plan as the payload of the API. `editing.full_plans` fetches all that this reads."""
    return {
        "title": plan.title,
        "description": plan.description,
        "target_tps": plan.target_tps,
        "project_id": plan.project_id,
        "generators": plan.generators,
        "k6_dashboard": plan.k6_dashboard,
        "scenarios": [scenario_payload(scenario) for scenario in plan.scenarios.all()],
    }


def preview(built: BuiltPlan) -> dict[str, Any]:
    """What a run would do, as plain data: seconds, users. How many requests come of users is known afterwards only."""
    return {
        "script": build_script(built.plan),
        "plan": to_json(built.plan),
        "duration": duration(built.plan),
        "peak_vus": peak_vus(built.plan),
        "generators": built.plan.generators,
        "vus_per_generator": ceil(peak_vus(built.plan) / built.plan.generators),
        "estimated_requests": None,
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
        found = (endpoints[one.endpoint_id] for one in load_test.scenarios if one.endpoint_id in endpoints)
        first = next(found, None)
        if first is None:
            raise refusal([_no_endpoint(at, one) for at, one in enumerate(load_test.scenarios)])
        key = first.openapi_spec.project_id
    try:
        return get_editable_project(user, key)
    except Missing as missing:
        raise refusal([Detail("project_id", missing.message)]) from None


def _no_endpoint(at: int, scenario: ScenarioIn) -> Detail:
    message = _("There is no endpoint %(id)s. Import the API document again, or choose another endpoint.")
    return Detail(f"scenarios.{at}.endpoint_id", message % {"id": scenario.endpoint_id})


def _gone(at: int, endpoint: Endpoint) -> Detail:
    """An endpoint that a later version of its document does not describe any more."""
    message = _("%(endpoint)s is gone from “%(document)s” since its import of %(day)s. Choose another endpoint.") % {
        "endpoint": endpoint,
        "document": endpoint.openapi_spec.title,
        "day": date_format(localtime(endpoint.removed_at), "SHORT_DATE_FORMAT"),
    }
    return Detail(f"scenarios.{at}.endpoint_id", message)


def _resolve(
    scenarios: Mapping[int, ScenarioIn], project: Project, endpoints: Mapping[int, Endpoint]
) -> tuple[list[ScenarioPlan], list[Detail], list[Detail]]:
    """Plans of the scenarios that can be sent, problems, warnings."""
    plans: list[ScenarioPlan] = []
    problems: list[Detail] = []
    warnings: list[Detail] = []
    for at, scenario in scenarios.items():
        endpoint = endpoints.get(scenario.endpoint_id)
        if endpoint is None:
            problems.append(_no_endpoint(at, scenario))
            continue
        if endpoint.openapi_spec.project_id != project.pk:
            message = _("%(endpoint)s belongs to another project.") % {"endpoint": endpoint}
            problems.append(Detail(f"scenarios.{at}.endpoint_id", message))
            continue
        if endpoint.removed_at is not None:
            problems.append(_gone(at, endpoint))
            continue
        request = build_request(scenario, endpoint, f"scenarios.{at}")
        problems += request.problems
        warnings += request.warnings
        if request.plan is not None:
            name = scenario.name or request.plan.name[:200]
            plans.append(
                ScenarioPlan(
                    tag=scenario_tag(at, name),
                    name=name,
                    executor=scenario.executor,
                    stages=tuple(StagePlan(stage.duration, stage.target) for stage in scenario.stages),
                    think_time=scenario.think_time,
                    request=request.plan,
                    response_time_target=scenario.response_time_target,
                    error_rate_target=scenario.error_rate_target,
                )
            )
    return plans, problems, warnings


def _shared_out(built: BuiltPlan, asked: int | None) -> tuple[BuiltPlan, list[Detail]]:
    """The plan with its number of load generators: the one asked for, else as many as its users need."""
    useful = most_generators(built.plan)
    if settings.METRICVAULT_RUNNER != KUBERNETES:
        if (asked or 1) > 1:
            message = _("Load comes from one machine here. Leave the number of load generators out, or write 1.")
            return built, [Detail("generators", message)]
        return built, []
    own = GeneratorSettings.objects.filter(project=built.project).first()
    most = (own.most if own else None) or settings.METRICVAULT_MAX_PODS
    each = (own.vus_each if own else None) or settings.METRICVAULT_POD_VUS
    if asked and asked > most:
        message = _("At most %(most)s load generators are allowed. Your administrator can raise that.")
        return built, [Detail("generators", message % {"most": most})]
    if asked and asked > useful:
        message = _(
            "%(asked)s load generators for %(users)s users: some would have nothing to do. Write at most %(users)s."
        )
        return built, [Detail("generators", message % {"asked": asked, "users": useful})]
    needed = asked or max(1, min(ceil(peak_vus(built.plan) / each), useful, most))
    return replace(built, plan=replace(built.plan, generators=needed)), []


def _built(
    load_test: LoadTestIn,
    project: Project,
    endpoints: Mapping[int, Endpoint],
    plans: Sequence[ScenarioPlan],
    warnings: Sequence[Detail],
) -> BuiltPlan:
    unknown = [Detail(where, _("This is not known here and was left out.")) for where in unknown_fields(load_test)]
    asked = load_test.k6_dashboard
    dashboard = settings.METRICVAULT_K6_DASHBOARD if asked is None else asked
    return BuiltPlan(
        project=project,
        plan=RunPlan(run="", title=load_test.title, scenarios=tuple(plans), k6_dashboard=dashboard),
        endpoints=tuple(endpoints[one.endpoint_id] for one in load_test.scenarios),
        warnings=(*warnings, *unknown),
    )
