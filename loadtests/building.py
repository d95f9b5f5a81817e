"""From the payload of a load test, which is sound as a text, to what can be run: endpoints, values, users, limits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from loadtests import guard
from loadtests.asking import unknown_fields
from loadtests.k6.curves import most_generators, peak_vus, requests_of, scenario_duration
from loadtests.k6.plan import RATES, OptionsPlan, RunPlan, ScenarioPlan, StagePlan, TargetsPlan, scenario_tag
from loadtests.models import GeneratorSettings
from loadtests.payload import MARKS, LoadTestIn, ScenarioIn
from loadtests.runners import KUBERNETES
from loadtests.stepping import Steps
from loadtests.surroundings import Surroundings
from metricvault.lib.errors import Detail
from projects.models import Endpoint, Environment, Project

MARGIN = 2.0
_MORE = 4
ASSUMED_SECONDS = 0.5  # of a request that nobody has measured yet
_NEARLY = 0.999


@dataclass(frozen=True, slots=True)
class BuiltPlan:
    """What can be run. `plan.run` is "" until there is a run; `endpoints[i][j]` belongs to step j of scenario i;
    `asked` is the payload that it was made of, `kept` where that is known already."""

    project: Project
    plan: RunPlan
    endpoints: tuple[tuple[Endpoint, ...], ...]
    warnings: tuple[Detail, ...]
    load_test: LoadTestIn | None = None
    kept: dict[str, Any] | None = None

    @property
    def asked(self) -> dict[str, Any]:
        """Written when a run keeps it: a builder that only looks has no need of it."""
        if self.kept is not None or self.load_test is None:
            return self.kept or {}
        return self.load_test.model_dump(mode="json", exclude_unset=True, exclude=set(MARKS))


def needed_vus(scenario: ScenarioPlan, iteration: float) -> tuple[int, int]:
    """Users for an arrival rate: (from the start, at most), where an iteration takes `iteration` seconds.

    Rate × seconds (Little's law) × a margin; at most `_MORE` times that, for a target that slows down."""
    rate = max((stage.target for stage in scenario.stages), default=0) / scenario.load.time_unit
    low = max(1, ceil(rate * iteration * MARGIN))
    return low, max(low, min(low * _MORE, settings.METRICVAULT_MAX_VUS))


def assumed_iteration(scenario: ScenarioPlan) -> float:
    """Seconds of an iteration that nobody has measured."""
    return scenario.think_time + ASSUMED_SECONDS * (1 if scenario.load.batch else len(scenario.steps))


class Building:
    """One load test on its way to a RunPlan. `load_test` is None where its own fields are not sound. `thorough`: as in
    `guard.examine`."""

    def __init__(
        self,
        load_test: LoadTestIn | None,
        project: Project,
        endpoints: Mapping[int, Endpoint],
        environment: Environment | None,
        iteration_seconds: Mapping[int, float] | None = None,
        *,
        thorough: bool = False,
    ) -> None:
        self._thorough = thorough
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
        self.beyond: list[Detail] = []  # of the problems: what the guard says

    def result(self, scenarios: Mapping[int, ScenarioIn]) -> tuple[BuiltPlan | None, list[Detail]]:
        """What can be run, and all problems; nothing where there are some."""
        for at, scenario in scenarios.items():
            self._scenario(at, scenario)
        self.problems += [*self._steps.problems, *self._around.problems()]
        self.warnings += self._steps.warnings
        load_test = self._load_test
        if load_test is None or self.problems:
            self.beyond = list(self._not_allowed())
            return None, [*self.problems, *self.beyond]
        self.warnings += [
            Detail(where, _("This is not known here and was left out.")) for where in unknown_fields(load_test)
        ]
        self.problems += self._profile_problems(load_test)
        self.warnings += self._out_of_reach(load_test)
        built, problems = _shared_out(self._built(load_test), load_test.generators)
        plan, self.beyond = guard.examine(built.plan, self._project, thorough=self._thorough)
        return replace(built, plan=plan), [*self.problems, *problems, *self.beyond]

    def _not_allowed(self) -> Iterator[Detail]:
        """What the guard says of those scenarios that can be sent, while others cannot."""
        places = list(self.plans)
        part = RunPlan("", "", tuple(self.plans.values()), tokens=self._around.tokens)
        for detail in guard.check(part, self._project):
            first, _dot, rest = detail.field.partition(".")
            number, _dot, field = rest.partition(".")
            place = f"scenarios.{places[int(number)]}.{field}" if first == "scenarios" and rest else detail.field
            yield replace(detail, field=place)

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

    def _out_of_reach(self, load_test: LoadTestIn) -> Iterator[Detail]:
        """Throughput targets that the load itself cannot reach, as far as anybody knows: they are judged by the average
        of all seconds."""
        message = _("The load makes about %(asked)s requests/s on average; the target is %(target)s.")
        found = {at: requests_of(plan, self._measured.get(at)) for at, plan in self.plans.items()}
        for at, plan in self.plans.items():
            requests, lasts = found[at], scenario_duration(plan) - plan.load.start_time
            if plan.tps_target and requests is not None and requests / lasts < plan.tps_target * _NEARLY:
                values = {"asked": _number(requests / lasts), "target": _number(plan.tps_target)}
                yield Detail(f"scenarios.{at}.tps_target", message % values)
        everything = [one for one in found.values() if one is not None]
        if load_test.target_tps and len(everything) == len(found):
            lasts = max(scenario_duration(plan) for plan in self.plans.values())
            if sum(everything) / lasts < load_test.target_tps * _NEARLY:
                values = {"asked": _number(sum(everything) / lasts), "target": _number(load_test.target_tps)}
                yield Detail("target_tps", message % values)

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
            load_test=load_test,
        )


def _number(value: float) -> str:
    return number_format(round(value, 1 if value < 100 else 0), use_l10n=True)


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
