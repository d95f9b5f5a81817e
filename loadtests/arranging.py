"""Arranging a saved scenario: the order and number of its stages, steps and rows, and stages from a text or a profile.

What was typed and not understood (drafts) goes with what it was typed into.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from loadtests.editing import ROWS, add_step, columns, touch
from loadtests.goals import LEVELS, LINES, RATE, asked_by, executor_of
from loadtests.k6.plan import COUNTED, LEVEL, StagePlan
from loadtests.models import Plan, Scenario, Stage, Step
from loadtests.payload import MOST_CHECKS, MOST_STAGES, MOST_STEPS
from loadtests.plan_audit import changes_plan
from loadtests.profiles import BREAKPOINT, Profile, shape
from loadtests.stage_text import parse, write
from projects.models import Endpoint

Placed = TypeVar("Placed", Stage, Step)
ABORT_AFTER = 10.0  # seconds that a breakpoint test goes on after a target is missed, where nobody says otherwise
_BLANK: dict[str, dict[str, str]] = {
    "header": {"name": "", "value": ""},
    "check": {"kind": "contains", "target": "", "value": ""},
    "extract": {"name": "", "kind": "json", "expression": ""},
}


def stages_as_text(scenario: Scenario) -> str:
    """Its stages in one line."""
    rows = [StagePlan(one.duration, one.target) for one in scenario.stages.all()]
    return write(rows, level=scenario.executor in LEVEL)


@changes_plan
def set_stages(scenario: Scenario, rows: Sequence[StagePlan], executor: str) -> None:
    """Other stages for a scenario. Rows that were there are kept and changed, so that a page still knows them."""
    have = list(scenario.stages.all())
    for number, (stage, row) in enumerate(zip(have, rows, strict=False)):
        stage.position, stage.duration, stage.target = number, row.duration, row.target
    Stage.objects.bulk_update(have[: len(rows)], ["position", "duration", "target"])
    Stage.objects.bulk_create(
        Stage(scenario=scenario, position=number, duration=row.duration, target=row.target)
        for number, row in enumerate(rows)
        if number >= len(have)
    )
    scenario.stages.filter(pk__in=[stage.pk for stage in have[len(rows) :]]).delete()
    scenario.executor = executor
    scenario.drafts = {name: text for name, text in scenario.drafts.items() if not name.startswith("stage")}
    scenario.save(update_fields=["executor", "drafts"])
    touch(scenario.plan)


@changes_plan
def set_stage_text(scenario: Scenario, text: str) -> None:
    """Stages from a line of text; one that cannot be read is kept as it is typed, and the plan does not run."""
    try:
        stages = parse(text)
    except ValueError:
        stages = None
    if stages is None or len(stages.rows) > MOST_STAGES:
        scenario.drafts = {**scenario.drafts, "stages_text": text[:10_000]}
        scenario.save(update_fields=["drafts"])
        return
    goal, _way = asked_by(scenario.executor)
    set_stages(scenario, stages.rows, executor_of(goal, LEVELS if stages.level else LINES, scenario.executor))


def forget_text(scenario: Scenario) -> None:
    """Stages were typed as rows: a text that could not be read counts no more."""
    if "stages_text" in scenario.drafts:
        scenario.drafts = {name: text for name, text in scenario.drafts.items() if name != "stages_text"}
        scenario.save(update_fields=["drafts"])


@changes_plan
def set_executor(scenario: Scenario, executor: str) -> None:
    """Another executor. A number of iterations has one stage: the most users, and the time of all together."""
    before, scenario.executor = scenario.executor, executor
    if executor in COUNTED and before not in COUNTED:
        stages = list(scenario.stages.all())
        users, time = max((one.target for one in stages), default=1), sum(one.duration for one in stages)
        scenario.load = {**scenario.load, "iterations": scenario.load.get("iterations") or max(100, users)}
        scenario.save(update_fields=["load"])
        set_stages(scenario, [StagePlan(max(time, 600.0), max(1, users))], executor)
    scenario.save(update_fields=["executor"])
    touch(scenario.plan)


@changes_plan
def apply_profile(plan: Plan, scenarios: Sequence[Scenario], profile: Profile, peak: int, minutes: float) -> None:
    """The shape of a profile for some scenarios. Breakpoint ends a run soon after a target is missed."""
    for scenario in scenarios:
        goal, _way = asked_by(scenario.executor)
        made = shape(profile, peak, minutes, rate=goal == RATE)
        set_stages(scenario, made.stages, made.executor)
    plan.profile = profile
    if profile == BREAKPOINT and plan.abort_after is None:
        plan.abort_after = ABORT_AFTER
    plan.save(update_fields=["profile", "abort_after"])


@changes_plan
def add_stage(scenario: Scenario) -> None:
    """One more stage like the last one, as many as a scenario may have."""
    stages = list(scenario.stages.all())
    if len(stages) < MOST_STAGES:
        last = stages[-1] if stages else Stage(duration=30, target=5)
        position = last.position + 1 if stages else 0
        Stage.objects.create(scenario=scenario, position=position, duration=last.duration or 30, target=last.target)
        touch(scenario.plan)


@changes_plan
def delete_stage(scenario: Scenario, pk: int) -> None:
    """Takes a stage out; the last one stays."""
    if scenario.stages.count() > 1:
        scenario.stages.filter(pk=pk).delete()
        kept = {name: text for name, text in scenario.drafts.items() if not name.startswith(f"stage.{pk}.")}
        if kept != scenario.drafts:
            scenario.drafts = kept
            scenario.save(update_fields=["drafts"])
        touch(scenario.plan)


@changes_plan
def duplicate_stage(scenario: Scenario, pk: int) -> None:
    """A copy right behind the stage."""
    stages = list(scenario.stages.all())
    at = _at(stages, pk)
    if at is not None and len(stages) < MOST_STAGES:
        copy = Stage.objects.create(**columns(stages[at]))
        _renumber([*stages[: at + 1], copy, *stages[at + 1 :]], scenario)


@changes_plan
def duplicate_step(scenario: Scenario, pk: int) -> Step | None:
    """A copy right behind the step; None where there is no room."""
    steps = list(scenario.steps.all())
    at = _at(steps, pk)
    if at is None or len(steps) >= MOST_STEPS:
        return None
    copy = Step.objects.create(**columns(steps[at]))
    _renumber([*steps[: at + 1], copy, *steps[at + 1 :]], scenario)
    return copy


@changes_plan
def append_steps(scenario: Scenario, endpoints: Sequence[Endpoint]) -> list[Step]:
    """One more step for each endpoint, as many as a scenario may have."""
    room = MOST_STEPS - scenario.steps.count()
    made = [add_step(scenario, endpoint) for endpoint in endpoints[: max(0, room)]]
    touch(scenario.plan)
    return made


@changes_plan
def delete_step(scenario: Scenario, pk: int) -> None:
    """Takes a step out; the last one stays."""
    if scenario.steps.count() > 1:
        scenario.steps.filter(pk=pk).delete()
        touch(scenario.plan)


def move(scenario: Scenario, rows: Sequence[Placed], pk: int, by: int) -> None:
    """Moves a stage or a step by some places, as far as there are any."""
    at = _at(rows, pk)
    if at is not None:
        order = [row.pk for row in rows]
        order.insert(max(0, min(len(order) - 1, at + by)), order.pop(at))
        put_in_order(scenario, rows, order)


@changes_plan
def put_in_order(scenario: Scenario, rows: Sequence[Placed], order: Sequence[int]) -> None:
    """Stages or steps in the order of these keys; what is not named comes last, what is not there is left out."""
    wanted = {pk: number for number, pk in enumerate(order)}
    _renumber(sorted(rows, key=lambda row: wanted.get(row.pk, len(wanted))), scenario)


def _renumber(rows: Sequence[Placed], scenario: Scenario) -> None:
    for number, row in enumerate(rows):
        if row.position != number:
            row.position = number
            row.save(update_fields=["position"])
    touch(scenario.plan)


def _at(rows: Sequence[Stage] | Sequence[Step], pk: int) -> int | None:
    return next((at for at, row in enumerate(rows) if row.pk == pk), None)


@changes_plan
def add_row(step: Step, kind: str) -> None:
    """One more blank check, value to take, or header (`kind`: check, extract, header)."""
    rows: list[Any] = getattr(step, ROWS[kind])
    if len(rows) < MOST_CHECKS:
        setattr(step, ROWS[kind], [*rows, _BLANK[kind]])
        step.save(update_fields=[ROWS[kind]])
        touch(step.scenario.plan)


@changes_plan
def delete_row(step: Step, kind: str, number: int) -> None:
    """Takes a row out; those behind it move up."""
    rows: list[Any] = getattr(step, ROWS[kind])
    setattr(step, ROWS[kind], [row for at, row in enumerate(rows) if at != number])
    step.save(update_fields=[ROWS[kind]])
    touch(step.scenario.plan)
