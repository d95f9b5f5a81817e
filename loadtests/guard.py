"""The most that a load test may ask for, and where it may go: what an administrator has set, for all or for a project.

Planning asks `examine` before anything is shown as ready, tried or started. Hosts: `loadtests.reaching`. What all runs
together may ask for: `loadtests.crowding`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.translation import gettext as _

from loadtests.fields import duration_text
from loadtests.k6.curves import peak_rate, peak_vus, scenario_duration
from loadtests.k6.plan import RATES, RunPlan, ScenarioPlan
from loadtests.models import GeneratorSettings, LoadLimits
from loadtests.reaching import HostRefused, Reach, Verdict
from metricvault.lib.errors import Detail
from metricvault.lib.targets import INHERITED
from projects.models import Project


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for one project: users at once, iterations per second, seconds, load generators, runs at the same
    time, rules of `metricvault.lib.targets`."""

    max_vus: int
    max_rate: int
    max_duration: float
    max_generators: int
    max_runs: int
    allowed_targets: tuple[str, ...]


def limits_of(project: Project) -> Limits:
    """The project's own limits; where it has none, those set for all. No run outlasts the scheduler's patience."""
    own = LoadLimits.objects.filter(project=project).first() or LoadLimits()
    pods = GeneratorSettings.objects.filter(project=project).values_list("most", flat=True).first()
    longest = settings.METRICVAULT_MAX_DURATION_HOURS * 3600 if own.max_duration is None else own.max_duration
    rules = [rule for rule in own.allowed_targets if isinstance(rule, str)]
    return Limits(
        max_vus=settings.METRICVAULT_MAX_VUS if own.max_vus is None else own.max_vus,
        max_rate=settings.METRICVAULT_MAX_RATE if own.max_rate is None else own.max_rate,
        max_duration=min(longest, settings.SCHEDULER_JOB_TIMEOUT_HOURS * 3600),
        max_generators=pods or settings.METRICVAULT_MAX_PODS,
        max_runs=settings.METRICVAULT_MAX_PROJECT_RUNS if own.max_runs is None else own.max_runs,
        allowed_targets=_rules(rules),
    )


def _rules(own: Sequence[str]) -> tuple[str, ...]:
    """A project's own rules; `+` among them stands for those that are set for all, and so does an empty list."""
    for_all: list[str] = settings.METRICVAULT_ALLOWED_TARGETS
    if not own:
        return tuple(for_all)
    found = [rule for one in own for rule in (for_all if one == INHERITED else [one])]
    return tuple(dict.fromkeys(found))


def examine(plan: RunPlan, project: Project, *, thorough: bool = False) -> tuple[RunPlan, list[Detail]]:
    """Everything about the plan that is not allowed, by the fields of the API's payload; and the plan with what its
    script has to keep to. `thorough`: names are looked up that need it only to be sure (`loadtests.reaching.Reach`):
    not while a person types."""
    limits = limits_of(project)
    reach = Reach(limits.allowed_targets, project.pk, thorough)
    problems = [
        *_users(plan, limits),
        *_rates(plan, limits),
        *_durations(plan, limits),
        *_generators(plan, limits),
        *_targets(plan, reach),
    ]
    return (plan, problems) if problems else (replace(plan, reach=reach.plan(plan)), problems)


def check(plan: RunPlan, project: Project) -> list[Detail]:
    """Everything about the plan that is not allowed; [] where all is."""
    return examine(plan, project)[1]


def judge(address: str, project: Project) -> Verdict:
    """Whether requests may go to an address, and to which of the addresses of its name."""
    return Reach(limits_of(project).allowed_targets, project.pk, thorough=True).judge(address)


def _users(plan: RunPlan, limits: Limits) -> Iterator[Detail]:
    most, found = limits.max_vus, False
    for at, scenario in enumerate(plan.scenarios):
        for where, asked in _asked_users(scenario):
            if asked > most:
                found = True
                message = _("At most %(most)s users are allowed. Your administrator can raise that.")
                yield Detail(f"scenarios.{at}.{where}", message % {"most": f"{most:,}"})
    asked = peak_vus(plan)
    if not found and asked > most:
        message = _("The scenarios together ask for %(asked)s users at once; at most %(most)s are allowed.")
        yield Detail("scenarios", message % {"asked": f"{asked:,}", "most": f"{most:,}"})


def _asked_users(scenario: ScenarioPlan) -> Iterator[tuple[str, int]]:
    if scenario.executor not in RATES:
        yield from ((f"stages.{number}.target", stage.target) for number, stage in enumerate(scenario.stages))
    elif scenario.load.max_vus:
        yield "max_vus", scenario.load.max_vus
    elif scenario.load.pre_allocated_vus:
        yield "pre_allocated_vus", scenario.load.pre_allocated_vus


def _rates(plan: RunPlan, limits: Limits) -> Iterator[Detail]:
    most, found = limits.max_rate, False
    for at, scenario in enumerate(plan.scenarios):
        for number, stage in enumerate(scenario.stages if scenario.executor in RATES else ()):
            if stage.target / scenario.load.time_unit > most:
                found = True
                message = _("At most %(most)s iterations per second are allowed. Your administrator can raise that.")
                yield Detail(f"scenarios.{at}.stages.{number}.target", message % {"most": f"{most:,}"})
    asked = peak_rate(plan)
    if not found and asked > most:
        message = _("The scenarios together ask for %(asked)s iterations per second; at most %(most)s are allowed.")
        yield Detail("scenarios", message % {"asked": f"{asked:,.0f}", "most": f"{most:,}"})


def _durations(plan: RunPlan, limits: Limits) -> Iterator[Detail]:
    for at, scenario in enumerate(plan.scenarios):
        asked = scenario_duration(scenario)
        if asked > limits.max_duration:
            lengths = [stage.duration for stage in scenario.stages]
            message = _("This takes %(asked)s; a run may take %(most)s at most. Your administrator can raise that.")
            values = {"asked": duration_text(asked), "most": duration_text(limits.max_duration)}
            yield Detail(f"scenarios.{at}.stages.{lengths.index(max(lengths))}.duration", message % values)


def _generators(plan: RunPlan, limits: Limits) -> Iterator[Detail]:
    if plan.generators > limits.max_generators:
        message = _("At most %(most)s load generators are allowed. Your administrator can raise that.")
        yield Detail("generators", message % {"most": limits.max_generators})


def _targets(plan: RunPlan, reach: Reach) -> Iterator[Detail]:
    """Each host that may not be reached, once in a scenario; those that tokens are fetched from."""
    urls = [step.request.url for one in plan.scenarios for step in one.steps]
    reach.prepare([*urls, *(token.url for token in plan.tokens)])
    for at, scenario in enumerate(plan.scenarios):
        said: set[str] = set()
        for number, step in enumerate(scenario.steps):
            found = reach.judge(step.request.url)
            if found.problem and found.problem not in said:
                said.add(found.problem)
                message = _("Scenario “%(name)s”: %(problem)s") % {"name": scenario.name, "problem": found.problem}
                yield HostRefused(f"scenarios.{at}.steps.{number}.endpoint_id", message, found.askable)
    for token in plan.tokens:
        found = reach.judge(token.url)
        if found.problem:
            message = _("The token's address: %(problem)s") % {"problem": found.problem}
            yield HostRefused("environment_id", message, found.askable)
