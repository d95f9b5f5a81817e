"""What the builder's page shows of a plan: its load, its scenarios, the form of the chosen one with its open step."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loadtests import approving, iteration_time, planning
from loadtests.form_fields import Field, Notes
from loadtests.k6.curves import Point, peak_vus
from loadtests.k6.plan import RATES, RequestPlan
from loadtests.load_page import line_of, load
from loadtests.models import Plan, Scenario, Step
from loadtests.payload import MOST_SCENARIOS, MOST_STEPS
from loadtests.plan_fields import plan_form
from loadtests.profiles import PROFILES, USUAL
from loadtests.scenario_form import scenario_form
from loadtests.step_form import step_form
from metricvault.lib.errors import Detail


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario in the list. `peak` with its unit."""

    scenario: Scenario
    name: str
    peak: str
    steps: Sequence[Step]
    problems: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step in the list of its scenario."""

    step: Step
    number: int
    problems: int
    chosen: bool
    takes: str  # the variables it takes, in one line


def context(plan: Plan, chosen_pk: int | None, step_pk: int | None = None) -> dict[str, Any]:
    """Everything the page shows. `plan` comes from `editing.full_plans`; an unknown choice is the first one."""
    scenarios = list(plan.scenarios.all())
    position = next((at for at, one in enumerate(scenarios) if one.pk == chosen_pk), 0)
    chosen = scenarios[position] if scenarios else None
    lines = [line_of(one) for one in scenarios]
    measured = iteration_time.measured(plan)
    reviewed = planning.review(plan, {at: one.seconds for at, one in measured.items()})
    notes = Notes(_whole(reviewed.problems), _whole(reviewed.warnings), plan.drafts)
    return {
        "plan": plan,
        "chosen": chosen,
        "rows": [_row(at, one, lines[at], chosen, reviewed.problems) for at, one in enumerate(scenarios)],
        "load": load(scenarios, lines, position, reviewed.scenarios, measured) if scenarios else None,
        **(
            _chosen(plan, chosen, position, reviewed, measured.get(position), step_pk)
            if chosen is not None
            else {"form": None}
        ),
        "plan_form": plan_form(plan, notes, _pods(reviewed)),
        "problems": _for_people(scenarios, reviewed.problems),
        "ways_out": approving.ways_out(reviewed.problems, plan.project_id),
        "warnings": _for_people(scenarios, reviewed.warnings),
        "ready": reviewed.built is not None,
        "hosts": _hosts(reviewed.built),
        "full": len(scenarios) >= MOST_SCENARIOS,
        "profiles": _profiles(plan),
    }


def _chosen(
    plan: Plan,
    chosen: Scenario,
    position: int,
    reviewed: planning.Review,
    measured: iteration_time.Measured | None,
    step_pk: int | None,
) -> dict[str, Any]:
    """The form of the chosen scenario and of its open step."""
    problems, warnings = _of(reviewed.problems, position), _of(reviewed.warnings, position)
    notes = Notes(problems, warnings, chosen.drafts)
    steps = list(chosen.steps.all())
    at = next((number for number, one in enumerate(steps) if one.pk == step_pk), 0)
    form = scenario_form(chosen, reviewed.scenarios.get(position), notes, measured)
    opened = step_form(plan, steps[at], at, notes, steps) if steps else None
    for number in range(len(steps)):
        notes.take(f"steps.{number}.")  # they are counted in the rows of their steps
    return {
        "form": form,
        "step": opened,
        "step_rows": [_step_row(number, one, at, problems) for number, one in enumerate(steps)],
        "steps_full": len(steps) >= MOST_STEPS,
        "form_problems": notes.left(),
    }


def fields(shown: Mapping[str, Any]) -> Iterator[Field]:
    """All fields on the page of the chosen scenario, whose notes follow each change."""
    if shown["form"] is not None:
        yield from shown["form"].fields()
    if shown.get("step") is not None:
        yield from shown["step"].fields()


def _profiles(plan: Plan) -> dict[str, Any]:
    words = {
        "smoke": _("Smoke: does it work at all?"),
        "load": _("Load: what is usual, for a while"),
        "stress": _("Stress: more than usual, in steps"),
        "spike": _("Spike: a sudden rush"),
        "soak": _("Soak: for hours"),
        "breakpoint": _("Breakpoint: until a target is missed"),
    }
    usual = USUAL.get(plan.profile, USUAL["load"])  # type: ignore[call-overload]
    return {
        "choices": [(name, words[name], name == (plan.profile or "load")) for name in PROFILES],
        "peak": usual[0],
        "minutes": usual[1],
    }


def _hosts(built: planning.BuiltPlan | None) -> str:
    requests = (step.request for one in built.plan.scenarios for step in one.steps) if built else ()
    return ", ".join(sorted({_host(request) for request in requests}))


def _host(request: RequestPlan) -> str:
    url = request.url if isinstance(request.url, str) else str(request.url[0])
    return urlsplit(url).netloc


def _pods(reviewed: planning.Review) -> str:
    """What comes of the number of load generators."""
    words = _("Empty: as many as the users need.")
    if reviewed.built is None:
        return words
    count = reviewed.built.plan.generators
    each = ceil(peak_vus(reviewed.built.plan) / count)
    text = ngettext("%(number)s pod of up to %(each)s users.", "%(number)s pods of up to %(each)s users each.", count)
    return text % {"number": count, "each": number_format(each)} + " " + words


def _of(details: Iterable[Detail], position: int) -> dict[str, str]:
    """The details of one scenario, by what comes after its position."""
    start = f"scenarios.{position}."
    return {one.field.removeprefix(start): one.message for one in details if one.field.startswith(start)}


def _whole(details: Iterable[Detail]) -> dict[str, str]:
    """Those of the plan as a whole, by their field."""
    return {one.field: one.message for one in details if not one.field.startswith("scenarios.")}


def _row(at: int, scenario: Scenario, line: list[Point], chosen: Scenario | None, problems: Iterable[Detail]) -> Row:
    steps = list(scenario.steps.all())
    name = scenario.name or (str(steps[0]) if steps else _("Scenario"))
    peak = max((level for _t, level in line), default=0)
    if scenario.executor in RATES:
        shown = f"{number_format(int(peak) if peak == int(peak) else round(peak, 2))}/s"
    else:
        users = round(peak)
        shown = ngettext("%(number)s user", "%(number)s users", users) % {"number": number_format(users)}
    return Row(scenario, name, shown, steps, len(_of(problems, at)), scenario == chosen)


def _step_row(number: int, step: Step, chosen: int, problems: Mapping[str, str]) -> StepRow:
    count = sum(path.startswith(f"steps.{number}.") for path in problems)
    takes = ", ".join(one["name"] for one in step.extracts if one.get("name"))
    return StepRow(step, number + 1, count, number == chosen, takes)


def _for_people(scenarios: list[Scenario], details: Iterable[Detail]) -> list[tuple[str, str]]:
    """(where it is mended as a query, sentence with the name of its scenario); no query for the whole plan."""
    found: list[tuple[str, str]] = []
    for detail in details:
        parts = detail.field.split(".")
        if parts[0] == "scenarios" and len(parts) > 1 and int(parts[1]) < len(scenarios):
            scenario = scenarios[int(parts[1])]
            steps = list(scenario.steps.all())
            name = scenario.name or (str(steps[0]) if steps else "")
            message = detail.message
            if not name or name not in message:
                message = _("“%(name)s”: %(message)s") % {"name": name, "message": message}
            query = f"?scenario={scenario.pk}"
            if parts[2:3] == ["steps"] and len(parts) > 3 and int(parts[3]) < len(steps):
                query += f"&step={steps[int(parts[3])].pk}"
            found.append((query, message))
        else:
            found.append(("", detail.message))
    return found
