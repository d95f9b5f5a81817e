"""The form of one scenario: what load it makes, as its fields. Its requests are in `step_form`."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from loadtests.fields import duration_text
from loadtests.form_fields import Field, Notes, plain_text
from loadtests.goals import EACH, ITERATIONS, LEVELS, LINES, RATE, TOGETHER, USERS, asked_by
from loadtests.iteration_time import Measured
from loadtests.k6.plan import (
    COUNTED,
    LEVEL,
    PER_VU,
    RAMPING,
    RATES,
    LoadPlan,
    RequestPlan,
    ScenarioPlan,
    StagePlan,
    StepPlan,
)
from loadtests.models import Percentile, Scenario
from loadtests.payload import LOAD_FIELDS, MOST_STAGES
from loadtests.planning import MARGIN, assumed_iteration, needed_vus
from loadtests.stage_text import write

DEFAULTS = LoadPlan()
MORE = ("start_time", "graceful_stop", "graceful_ramp_down", "time_unit", "batch")


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage as a row of the form."""

    pk: int
    number: int
    kind: str
    duration: Field
    target: Field


@dataclass(frozen=True, slots=True)
class LoadForm:
    """What load a scenario makes. `remark`: what its first answer means; `sum`: of arrival rates."""

    goal: Field
    way: Field
    executor: str
    remark: str
    stages: tuple[StageRow, ...]
    text: Field | None
    line: str  # the stages as text, as they are kept
    unit: str
    numbers: tuple[Field, ...]  # of users for rates, of iterations
    more: tuple[Field, ...]
    full: bool
    level: bool  # whether each target is held, instead of led to
    journey: str = ""
    opened: bool = False  # whether what is under "more" differs from what is usual

    def fields(self) -> Iterator[Field]:
        """All fields, whose notes follow each change."""
        yield from (self.goal, *self.numbers, *self.more)
        for row in self.stages:
            yield from (row.duration, row.target)
        if self.text:
            yield self.text


@dataclass(frozen=True, slots=True)
class ScenarioForm:
    """Everything of one scenario that can be changed, apart from its steps."""

    scenario: Scenario
    name: Field
    load: LoadForm
    targets: tuple[Field, ...]
    problems: tuple[str, ...] = field(default=())  # of the scenario as a whole

    def fields(self) -> Iterator[Field]:
        """All fields, whose notes follow each change."""
        yield from (self.name, *self.load.fields(), *self.targets)


def scenario_form(
    scenario: Scenario, plan: ScenarioPlan | None, notes: Notes, measured: Measured | None
) -> ScenarioForm:
    """The form with each problem at its field. `plan`: as it would be sent, where it can; `measured`: how long an
    iteration takes."""
    name = notes.field("name", _("Name"), scenario.name)
    load = _load_form(scenario, plan, notes, measured)
    return ScenarioForm(scenario, name, load, tuple(_targets(scenario, notes)))


def _load_form(scenario: Scenario, plan: ScenarioPlan | None, notes: Notes, measured: Measured | None) -> LoadForm:
    executor = scenario.executor
    goal, way = asked_by(executor)
    unit = _unit(scenario)
    stages = list(scenario.stages.all())
    text = write([StagePlan(one.duration, one.target) for one in stages], level=executor in LEVEL)
    more = tuple(_more(scenario, notes))
    return LoadForm(
        goal=notes.field("goal", _("What should it reach?"), goal, kind="radios", choices=_goals()),
        way=notes.field("way", _way_label(goal), way, kind="radios", choices=_ways(goal), hint=f"k6: {executor}"),
        executor=executor,
        remark=_remark(goal),
        stages=tuple(_stages(scenario, unit, notes)),
        text=None if executor in COUNTED else _text(text, notes),
        line="" if executor in COUNTED else text,
        unit=unit,
        numbers=tuple(_numbers(scenario, plan or _rough(scenario), notes, measured)),
        more=more,
        full=len(stages) >= MOST_STAGES,
        level=executor in LEVEL,
        journey=_journey(plan or _rough(scenario)),
        opened=any(one.problem for one in more) or _unusual(scenario),
    )


def _unusual(scenario: Scenario) -> bool:
    """Whether what stands under "more" is not as it is for most."""
    return any(scenario.load.get(name, getattr(DEFAULTS, name)) != getattr(DEFAULTS, name) for name in MORE)


def _rough(scenario: Scenario) -> ScenarioPlan:
    """The load of a scenario that cannot be sent yet, with as many users for a rate as it will take."""
    known = {name: value for name, value in scenario.load.items() if name in LOAD_FIELDS}
    request = RequestPlan("GET", "", "", (), None)
    return ScenarioPlan(
        tag="",
        name="",
        executor=scenario.executor,
        stages=tuple(StagePlan(one.duration, one.target) for one in scenario.stages.all()),
        think_time=scenario.think_time,
        steps=tuple(StepPlan("", request, once=step.once) for step in scenario.steps.all()),
        load=LoadPlan(**known),
    )


def _goals() -> tuple[tuple[str, str], ...]:
    return (
        (RATE, _("Requests per second")),
        (USERS, _("Users at work")),
        (ITERATIONS, _("A number of iterations")),
    )


def _way_label(goal: str) -> str:
    return _("Who does them") if goal == ITERATIONS else _("From stage to stage")


def _ways(goal: str) -> tuple[tuple[str, str], ...]:
    if goal == ITERATIONS:
        return (TOGETHER, _("All users together")), (EACH, _("Each user"))
    return (LINES, _("In straight lines")), (LEVELS, _("At once"))


def _remark(goal: str) -> str:
    return {
        RATE: _("New iterations begin at this rate, however slow the answers are: as from independent visitors."),
        USERS: _("Each user waits for an answer before the next request: slow answers will lower the load."),
        ITERATIONS: _("It ends when all iterations are done, or when the time is over."),
    }[goal]


def _unit(scenario: Scenario) -> str:
    """What a target counts."""
    if scenario.executor not in RATES:
        return pgettext("after a number", "users")
    unit = scenario.load.get("time_unit", 1.0)
    named = {1.0: "/s", 60.0: "/min", 3600.0: "/h"}
    return named.get(unit, "/" + duration_text(unit))


def _text(text: str, notes: Notes) -> Field:
    hint = _("“2m to 50” leads there, “30s at 50” is there at once, “hold 10m” stays. Rows and text are the same.")
    return notes.field("stages_text", _("Stages as text"), text, at="stages", hint=hint, kind="area", rows=2)


def _stages(scenario: Scenario, unit: str, notes: Notes) -> Iterator[StageRow]:
    before = 0
    for number, stage in enumerate(scenario.stages.all()):
        if scenario.executor in LEVEL or stage.target == before:
            kind = _("Hold")
        else:
            kind = _("Ramp up") if stage.target > before else _("Ramp down")
        before = stage.target
        words = {"number": number + 1}
        counted = scenario.executor in COUNTED
        long = _("Longest time") if counted else _("Stage %(number)s, duration") % words
        many = _("Users") if counted else _target_label(scenario.executor) % words
        start, at = f"stage.{stage.pk}", f"stages.{number}"
        yield StageRow(
            stage.pk,
            number + 1,
            kind,
            notes.field(f"{start}.duration", long, duration_text(stage.duration), at=f"{at}.duration"),
            notes.field(f"{start}.target", many, stage.target, at=f"{at}.target", unit=unit),
        )


def _target_label(executor: str) -> str:
    return _("Stage %(number)s, rate") if executor in RATES else _("Stage %(number)s, users")


def _numbers(scenario: Scenario, plan: ScenarioPlan, notes: Notes, measured: Measured | None) -> Iterator[Field]:
    load = scenario.load
    if scenario.executor in COUNTED:
        label = _("Iterations of each user") if scenario.executor == PER_VU else _("Iterations in all")
        yield notes.field("iterations", label, load.get("iterations"))
    elif scenario.executor in RATES:
        low, high = plan.load.pre_allocated_vus, plan.load.max_vus
        if low is None or high is None:
            low, high = needed_vus(plan, measured.seconds if measured else assumed_iteration(plan))
        unit = pgettext("after a number", "users")
        yield notes.field(
            "pre_allocated_vus",
            _("Users kept ready"),
            load.get("pre_allocated_vus"),
            placeholder=plain_text(low),
            unit=unit,
            hint=_sum(plan, low, measured) if not load.get("pre_allocated_vus") else _("Started before the run."),
        )
        hint = _("Where answers are slow, users are added up to this. Beyond, iterations are dropped and counted.")
        more = {"placeholder": plain_text(high), "unit": unit, "hint": hint}
        yield notes.field("max_vus", _("Users at most"), load.get("max_vus"), **more)


def _sum(plan: ScenarioPlan, users: int, measured: Measured | None) -> str:
    """`25/s × 0.4 s × 2 = 20 users`, and where the time comes from."""
    took = assumed_iteration(plan) if measured is None else measured.seconds
    rate = max((stage.target for stage in plan.stages), default=0) / plan.load.time_unit
    words = {
        "rate": f"{rate:.6g}",
        "seconds": f"{took:.3g}",
        "margin": f"{MARGIN:g}",
        "users": users,
    }
    text = _("%(rate)s/s × %(seconds)s s × %(margin)s = %(users)s users.") % words
    if measured is None:
        return text + " " + _("An iteration is taken to last that long; nobody has measured it yet.")
    by_run = _("An iteration took that long in the last run.")
    return text + " " + (by_run if measured.source == "run" else _("An iteration took that long when it was tried."))


def _journey(plan: ScenarioPlan) -> str:
    """How many requests a rate of iterations makes, where that is not the same."""
    if plan.executor not in RATES:
        return ""
    each = sum(not step.once for step in plan.steps)
    rate = max((stage.target for stage in plan.stages), default=0) / plan.load.time_unit
    if each < 2 or not rate:
        return ""
    words = {"rate": f"{rate:.6g}", "steps": each, "requests": f"{rate * each:.6g}"}
    return _("%(rate)s iterations/s of %(steps)s requests each: %(requests)s requests/s at the peak.") % words


def _more(scenario: Scenario, notes: Notes) -> Iterator[Field]:
    load, executor = scenario.load, scenario.executor

    def time(name: str, label: str, hint: str) -> Field:
        return notes.field(name, label, duration_text(load.get(name, getattr(DEFAULTS, name))), hint=hint)

    yield time("start_time", _("Starts after"), _("From the beginning of the run."))
    yield time("graceful_stop", _("Graceful stop"), _("How long iterations under way may take when the time is over."))
    if executor == RAMPING:
        hint = _("How long a user may finish its iteration when there are to be fewer users.")
        yield time("graceful_ramp_down", _("Graceful ramp down"), hint)
    if executor in RATES:
        yield time("time_unit", _("Time unit of the rate"), _("1s for each second, 1m for each minute."))
    if len(scenario.steps.all()) < 2 and not load.get("batch"):
        return
    hint = _("All steps of an iteration are sent at once, as a browser loads a page.")
    yield notes.field("batch", _("Steps at once"), bool(load.get("batch")), kind="check", hint=hint)


def percentile_field(notes: Notes, value: int, **more: str) -> Field:
    """Of which percentile a response time target speaks."""
    choices = tuple((str(key), str(label)) for key, label in Percentile.choices)
    return notes.field("response_time_percentile", _("Percentile"), value, kind="select", choices=choices, **more)


def _targets(scenario: Scenario, notes: Notes) -> Iterator[Field]:
    if scenario.executor in RATES:
        hint = _("The pace comes from the rate: leave 0.")
    else:
        hint = _("Each user waits that long after an iteration. Seconds, or 500ms, 2m.")
    yield notes.field("think_time", _("Think time"), duration_text(scenario.think_time), hint=hint)
    yield percentile_field(notes, scenario.response_time_percentile)
    empty = _("Empty: no target.")
    yield notes.field(
        "response_time_target", _("Response time at most"), scenario.response_time_target, unit="ms", hint=empty
    )
    yield notes.field(
        "error_rate_target",
        _("Error rate at most"),
        scenario.error_rate_target,
        unit="%",
        hint=_("Share of requests that may fail. Empty: no target."),
    )
    yield notes.field("tps_target", _("Throughput at least"), scenario.tps_target, unit="req/s", hint=empty)
