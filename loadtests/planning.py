"""The one place of the rules of what may be asked: the builder's pages and the API come through here alike.

    payload --read--> LoadTestIn --build--> BuiltPlan --preview--> what would happen

A saved plan becomes the same payload by `from_plan`. Problems are sentences a tester understands, all at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from loadtests import guard
from loadtests.asking import parse, refusal, unknown_fields
from loadtests.editing import plan_payload
from loadtests.fields import seconds
from loadtests.k6.curves import duration, estimated_requests, most_generators, peak_rate, peak_vus
from loadtests.k6.plan import (
    RATES,
    OptionsPlan,
    RunPlan,
    ScenarioPlan,
    StagePlan,
    TargetsPlan,
    scenario_tag,
    to_json,
)
from loadtests.k6.script import build_script
from loadtests.models import GeneratorSettings, Plan
from loadtests.payload import LoadTestIn, ScenarioIn
from loadtests.runners import KUBERNETES
from loadtests.stepping import Steps, no_endpoint
from loadtests.surroundings import Surroundings
from metricvault.lib.errors import Detail, Missing
from projects.access import get_editable_project, project_scope
from projects.models import Endpoint, Environment, Project

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
    """What can be run. `plan.run` is "" until there is a run; `endpoints[i][j]` belongs to step j of scenario i;
    `asked` is the payload that it was made of."""

    project: Project
    plan: RunPlan
    endpoints: tuple[tuple[Endpoint, ...], ...]
    warnings: tuple[Detail, ...]
    asked: dict[str, Any]


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


def build(load_test: LoadTestIn, user: User) -> BuiltPlan:
    """The load test with its endpoints, values and limits resolved. Raises Refused, or NotAllowed for a reader."""
    keys = {step.endpoint_id for one in load_test.scenarios for _where, step in one.all_steps()}
    endpoints = _endpoints(keys, user)
    project = _project(load_test, endpoints, user)
    building = _Building(load_test, project, endpoints, _environment(load_test, project))
    built, problems = building.result(dict(enumerate(load_test.scenarios)))
    if built is None or problems:
        raise refusal(problems)
    return built


def review(plan: Plan, iteration_seconds: Mapping[int, float] | None = None) -> Review:
    """Everything that is wrong with a saved plan, or what it would run. The caller has checked who looks.

    `iteration_seconds` by position: what an iteration was measured to take."""
    load_test, sound, problems = parse(plan_payload(plan))
    steps = (step for one in plan.scenarios.all() for step in one.steps.all())
    endpoints = {step.endpoint.pk: step.endpoint for step in steps if step.endpoint}
    building = _Building(load_test, plan.project, endpoints, plan.environment, iteration_seconds or {})
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


def needed_vus(scenario: ScenarioPlan, iteration: float) -> tuple[int, int]:
    """Users for an arrival rate: (from the start, at most), where an iteration takes `iteration` seconds.

    Rate × seconds (Little's law) × a margin; at most `_MORE` times that, for a target that slows down."""
    rate = max((stage.target for stage in scenario.stages), default=0) / scenario.load.time_unit
    low = max(1, ceil(rate * iteration * MARGIN))
    return low, max(low, min(low * _MORE, settings.METRICVAULT_MAX_VUS))


MARGIN = 2.0
_MORE = 4
ASSUMED_SECONDS = 0.5  # of a request that nobody has measured yet


def assumed_iteration(scenario: ScenarioPlan) -> float:
    """Seconds of an iteration that nobody has measured."""
    return scenario.think_time + ASSUMED_SECONDS * (1 if scenario.load.batch else len(scenario.steps))


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


class _Building:
    """One load test on its way to a RunPlan. `load_test` is None where its own fields are not sound."""

    def __init__(
        self,
        load_test: LoadTestIn | None,
        project: Project,
        endpoints: Mapping[int, Endpoint],
        environment: Environment | None,
        iteration_seconds: Mapping[int, float] | None = None,
    ) -> None:
        self._load_test = load_test
        self._project = project
        self._endpoints = endpoints
        self._environment = environment
        self._around = Surroundings.of(project, environment, load_test.data if load_test else {})
        self._steps = Steps(project, endpoints, self._around)
        self._measured = iteration_seconds or {}
        self.plans: dict[int, ScenarioPlan] = {}
        self.problems: list[Detail] = []
        self.warnings: list[Detail] = []

    def result(self, scenarios: Mapping[int, ScenarioIn]) -> tuple[BuiltPlan | None, list[Detail]]:
        """What can be run, and all problems; nothing where there are some."""
        for at, scenario in scenarios.items():
            self._scenario(at, scenario)
        self.problems += [*self._steps.problems, *self._around.problems()]
        self.warnings += self._steps.warnings
        load_test = self._load_test
        if load_test is None or self.problems:
            return None, self.problems
        self.warnings += [
            Detail(where, _("This is not known here and was left out.")) for where in unknown_fields(load_test)
        ]
        self.problems += self._profile_problems(load_test)
        built, problems = _shared_out(self._built(load_test), load_test.generators)
        return built, [*self.problems, *problems, *guard.check(built.plan, self._project)]

    def _scenario(self, at: int, scenario: ScenarioIn) -> None:
        steps = self._steps.of(f"scenarios.{at}", scenario)
        if steps is None:
            return
        name = scenario.name or steps[0].request.name[:200]
        plan = ScenarioPlan(
            tag=scenario_tag(at, name),
            name=name,
            executor=scenario.executor,
            stages=tuple(StagePlan(stage.duration, stage.target) for stage in scenario.stages),
            think_time=scenario.think_time,
            steps=steps,
            response_time_target=scenario.response_time_target,
            error_rate_target=scenario.error_rate_target,
            response_time_percentile=scenario.response_time_percentile,
            tps_target=scenario.tps_target,
            load=scenario.load(),
        )
        self.plans[at] = self._with_vus(at, plan)

    def _with_vus(self, at: int, plan: ScenarioPlan) -> ScenarioPlan:
        """A rate needs users; where nobody says how many, as many as its iterations take."""
        if plan.executor not in RATES:
            return plan
        low, high = needed_vus(plan, self._measured.get(at) or assumed_iteration(plan))
        asked = plan.load
        low = asked.pre_allocated_vus or min(low, asked.max_vus or low)
        high = asked.max_vus or max(high, low)
        return replace(plan, load=replace(asked, pre_allocated_vus=low, max_vus=high))

    def _profile_problems(self, load_test: LoadTestIn) -> Iterator[Detail]:
        if load_test.profile != "breakpoint":
            return
        asked: list[LoadTestIn | ScenarioIn] = [load_test, *load_test.scenarios]
        if all(one.response_time_target is None and one.error_rate_target is None for one in asked):
            message = _(
                "A breakpoint test raises the load until a target is missed. Set a target for response times or errors."
            )
            yield Detail("profile", message)

    def _built(self, load_test: LoadTestIn) -> BuiltPlan:
        asked = load_test.k6_dashboard
        options = load_test.options.model_dump() if load_test.options else {}
        known = OptionsPlan.__dataclass_fields__
        scenarios = tuple(self.plans.values())
        plan = RunPlan(
            run="",
            title=load_test.title,
            scenarios=scenarios,
            k6_dashboard=settings.METRICVAULT_K6_DASHBOARD if asked is None else asked,
            targets=TargetsPlan(
                tps=load_test.target_tps,
                response_time=load_test.response_time_target,
                response_time_percentile=load_test.response_time_percentile,
                error_rate=load_test.error_rate_target,
                abort_after=load_test.abort_after,
            ),
            options=OptionsPlan(**{name: value for name, value in options.items() if name in known}),
            tables=self._around.tables(),
            tokens=self._around.tokens,
            secrets=self._around.secrets([step for one in scenarios for step in one.steps]),
            environment=self._environment.pk if self._environment else None,
            profile=load_test.profile or "",
        )
        return BuiltPlan(
            project=self._project,
            plan=plan,
            endpoints=tuple(
                tuple(self._endpoints[step.endpoint_id] for _where, step in one.all_steps())
                for one in load_test.scenarios
            ),
            warnings=tuple(self.warnings),
            asked=load_test.model_dump(mode="json", exclude_unset=True),
        )


def _shared_out(built: BuiltPlan, asked: int | None) -> tuple[BuiltPlan, list[Detail]]:
    """The plan with its number of load generators: the one asked for, else as many as its users need."""
    useful = most_generators(built.plan)
    if settings.METRICVAULT_RUNNER != KUBERNETES:
        if (asked or 1) > 1:
            message = _("Load comes from one machine here. Leave the number of load generators out, or write 1.")
            return built, [Detail("generators", message)]
        return built, []
    own = GeneratorSettings.objects.filter(project=built.project).first()
    each = (own.vus_each if own else None) or settings.METRICVAULT_POD_VUS
    most = guard.limits_of(built.project).max_generators
    if asked and useful < asked <= most:
        message = _(
            "%(asked)s load generators for %(users)s users: some would have nothing to do. Write at most %(users)s."
        )
        return built, [Detail("generators", message % {"asked": asked, "users": useful})]
    needed = asked or max(1, min(ceil(peak_vus(built.plan) / each), useful, most))
    return replace(built, plan=replace(built.plan, generators=needed)), []
