"""The load of a plan as the builder shows it: curves, totals, and how many requests it will make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from loadtests.drawing import Drawing, draw
from loadtests.iteration_time import Measured
from loadtests.k6.curves import Point, curve, requests_of
from loadtests.k6.plan import RATES, LoadPlan, ScenarioPlan, StagePlan
from loadtests.models import Scenario
from loadtests.payload import LOAD_FIELDS


@dataclass(frozen=True, slots=True)
class Figure:
    """One curve: users, or iterations per second. `others`: how many more scenarios stand in it."""

    title: str
    unit: str
    drawing: Drawing
    chosen: bool  # whether the chosen scenario is in it
    others: int


@dataclass(frozen=True, slots=True)
class Load:
    """All of a plan's load. `requests` is None where nobody can know, `why` then; `about`: from a measured pace."""

    figures: tuple[Figure, ...]
    duration: float
    users: int | None
    rate: float | None
    requests: int | None
    about: bool
    why: str


def line_of(scenario: Scenario) -> list[Point]:
    """What a saved scenario asks for over time."""
    stages = [StagePlan(stage.duration, stage.target) for stage in scenario.stages.all()]
    return curve(scenario.executor, stages, load_of(scenario))


def load_of(scenario: Scenario) -> LoadPlan:
    """What its executor takes besides stages."""
    return LoadPlan(**{name: value for name, value in scenario.load.items() if name in LOAD_FIELDS})


def load(
    scenarios: Sequence[Scenario],
    lines: Sequence[list[Point]],
    chosen: int,
    plans: Mapping[int, ScenarioPlan],
    measured: Mapping[int, Measured],
) -> Load:
    """The load of saved scenarios (`lines`: `line_of` each), the one at `chosen` marked. `plans`: those that can be
    sent, `measured` how long an iteration takes, by position."""
    end = max((line[-1][0] for line in lines), default=0.0)
    figures = tuple(filter(None, (_figure(scenarios, lines, chosen, end, rate=rate) for rate in (False, True))))
    users = next((one.drawing.peak for one in figures if one.unit == pgettext("after a number", "users")), None)
    rate = next((one.drawing.top for one in figures if one.unit == "/s"), None)
    requests, about = _requests(len(scenarios), plans, measured)
    why = "" if requests is not None else _why(len(scenarios), plans)
    return Load(figures, end, round(users) if users is not None else None, rate, requests, about, why)


def _figure(
    scenarios: Sequence[Scenario], lines: Sequence[list[Point]], chosen: int, end: float, *, rate: bool
) -> Figure | None:
    """Users or rates of those scenarios that ask for them; None where there are none."""
    mine = [at for at, one in enumerate(scenarios) if (one.executor in RATES) == rate]
    if not mine:
        return None
    others = [lines[at] for at in mine if at != chosen]
    has_chosen = chosen in mine
    marks = _marks(scenarios[chosen]) if has_chosen else ()
    drawing = draw(lines[chosen] if has_chosen else [], others, duration=end, marks=marks)
    title = _("Iterations per second") if rate else _("Users over time")
    return Figure(title, "/s" if rate else pgettext("after a number", "users"), drawing, has_chosen, len(others))


def _marks(scenario: Scenario) -> tuple[float, ...]:
    """Where stages end, in seconds since the start of the run; the last end is the scenario's own."""
    time, marks = float(scenario.load.get("start_time", 0.0)), []
    for stage in scenario.stages.all():
        time += stage.duration
        marks.append(time)
    return tuple(marks[:-1])


def _requests(
    count: int, plans: Mapping[int, ScenarioPlan], measured: Mapping[int, Measured]
) -> tuple[int | None, bool]:
    """How many requests, and whether a measured pace had to do."""
    found, about = 0.0, False
    for at in range(count):
        plan = plans.get(at)
        if plan is None:
            return None, False
        one = requests_of(plan, measured[at].seconds if at in measured else None)
        if one is None:
            return None, False
        about = about or requests_of(plan) is None
        found += one
    return round(found), about


def _why(count: int, plans: Mapping[int, ScenarioPlan]) -> str:
    if len(plans) < count:
        return _("known once nothing is missing any more")
    return _("known after a run or a try: users wait for answers")
