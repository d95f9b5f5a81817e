"""The most that a load test may ask for, and where it may go: what an administrator has set, for all or for a project.

Planning asks `check` before anything is shown as ready, tried or started. Hosts are compared as they are written; a
name that leads to where clouds keep the keys of their machines is refused by k6 itself (`blacklistIPs` in its script).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from loadtests.fields import duration_text
from loadtests.k6.curves import peak_rate, peak_vus, scenario_duration
from loadtests.k6.plan import RATES, RunPlan, ScenarioPlan, Text
from loadtests.models import GeneratorSettings, LoadLimits
from metricvault.lib.errors import Detail
from metricvault.lib.targets import Target, is_allowed, target_of
from projects.addresses import is_never_read
from projects.models import Project

# Where clouds answer every program on a machine with its keys, by name. Their addresses: projects.addresses.
_METADATA_NAMES = frozenset({
    "metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal",
    "metadata.tencentyun.com", "metadata.platformequinix.com", "metadata.packet.net", "metadata.azure.internal",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for one project: users at once, iterations per second, seconds, load generators, rules of
    `metricvault.lib.targets`. `own_targets`: the rules are the project's own."""

    max_vus: int
    max_rate: int
    max_duration: float
    max_generators: int
    allowed_targets: tuple[str, ...]
    own_targets: bool = False


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
        allowed_targets=tuple(rules or settings.METRICVAULT_ALLOWED_TARGETS),
        own_targets=bool(rules),
    )


def check(plan: RunPlan, project: Project) -> list[Detail]:
    """Everything about the plan that is not allowed, by the fields of the API's payload; [] where all is."""
    limits = limits_of(project)
    return [
        *_users(plan, limits),
        *_rates(plan, limits),
        *_durations(plan, limits),
        *_generators(plan, limits),
        *_targets(plan, limits),
    ]


def refused_target(address: str, project: Project) -> str | None:
    """Why no request may go to an address, as a sentence; None where it may."""
    return _refusal(address, limits_of(project))


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


def _targets(plan: RunPlan, limits: Limits) -> Iterator[Detail]:
    """Each host that may not be reached, once in a scenario; those that tokens are fetched from."""
    known: dict[str, str | None] = {}  # most steps go to the same host
    for at, scenario in enumerate(plan.scenarios):
        said: set[str] = set()
        for number, step in enumerate(scenario.steps):
            literal = _literal(step.request.url)
            host = "/".join(literal.split("/", 3)[:3])
            if host not in known:
                known[host] = _refusal(literal, limits)
            message = known[host]
            if message is not None and message not in said:
                said.add(message)
                message = _("Scenario “%(name)s”: %(problem)s") % {"name": scenario.name, "problem": message}
                yield Detail(f"scenarios.{at}.steps.{number}.endpoint_id", message)
    for token in plan.tokens:
        message = _refusal(token.url, limits)
        if message is not None:
            yield Detail("environment_id", _("The token's address: %(problem)s") % {"problem": message})


def _refusal(address: Text, limits: Limits) -> str | None:
    literal = _literal(address)
    try:
        target = target_of(literal)
    except ValueError:
        return _("It cannot be told which host “%(address)s” is. Write the host itself into the base URL.") % {
            "address": literal[:80]
        }
    if _is_metadata(target):
        return _("%(host)s is never loaded: clouds keep the keys of their machines there.") % {"host": target.text}
    if is_allowed(target, limits.allowed_targets):
        return None
    message = (
        _("%(host)s may not be loaded in this project. Ask your administrator to add %(host)s to its limits.")
        if limits.own_targets
        else _(
            "%(host)s may not be loaded from here. Ask your administrator to add %(host)s to "
            "METRICVAULT_ALLOWED_TARGETS or to the limits of this project."
        )
    )
    return message % {"host": target.text}


def _literal(address: Text) -> str:
    """What an address begins with whatever is filled in later; "" where that could still change its host."""
    if isinstance(address, str):
        return address
    literal = ""
    for part in address:
        if not isinstance(part, str):
            break
        literal += part
    _scheme, _mark, rest = literal.partition("://")
    return literal if any(sign in rest for sign in "/?#") else ""


def _is_metadata(target: Target) -> bool:
    return target.host in _METADATA_NAMES or (target.ip is not None and is_never_read(target.host))
