"""What the builder's page shows of a plan: its load, its scenarios, and the form of the chosen one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from loadtests import planning
from loadtests.asking import MOST_SCENARIOS, MOST_STAGES, duration_text
from loadtests.drawing import draw
from loadtests.editing import DRAFTS, PLACES, typed_text
from loadtests.k6.plan import RAMPING, Point, StagePlan, curve, peak_vus
from loadtests.models import Executor, Plan, Scenario
from loadtests.runners import KUBERNETES
from metricvault.lib.errors import Detail

_BODILESS = {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"}


@dataclass(frozen=True, slots=True)
class Field:
    """A control with its note. `id` is unique on the page, `name` is what `editing` reads."""

    id: str
    name: str
    label: str
    value: str = ""
    problem: str = ""
    hint: str = ""
    unit: str = ""
    placeholder: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    kind: str = "text"  # or "select", "area"; choices of a text are proposals
    warning: bool = False


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage as a row of the form."""

    pk: int
    number: int
    kind: str
    duration: Field
    target: Field


@dataclass(frozen=True, slots=True)
class ScenarioForm:
    """Everything of one scenario that can be changed."""

    scenario: Scenario
    general: tuple[Field, ...]
    executor: Field
    stages: tuple[StageRow, ...]
    parameters: tuple[tuple[str, str, Field], ...]  # place, note of the document, field
    body: Field | None
    content_type: Field | None
    targets: tuple[Field, ...]
    problems: tuple[str, ...]  # of the scenario as a whole
    full: bool

    def fields(self) -> Iterator[Field]:
        """All fields, whose notes follow each change."""
        yield from (*self.general, self.executor, *self.targets)
        for row in self.stages:
            yield from (row.duration, row.target)
        yield from (field for _place, _note, field in self.parameters)
        yield from (field for field in (self.content_type, self.body) if field)


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario in the list."""

    scenario: Scenario
    name: str
    peak: int
    problems: int
    chosen: bool


def context(plan: Plan, chosen_pk: int | None) -> dict[str, Any]:
    """Everything the page shows. `plan` comes from `editing.full_plans`; an unknown choice is the first scenario."""
    scenarios = list(plan.scenarios.all())
    position = next((at for at, one in enumerate(scenarios) if one.pk == chosen_pk), 0)
    chosen = scenarios[position] if scenarios else None
    reviewed = planning.review(plan)
    lines = [_line(scenario) for scenario in scenarios]
    form = None
    if chosen is not None:
        form = scenario_form(chosen, _of(reviewed.problems, position), _of(reviewed.warnings, position))
    return {
        "plan": plan,
        "k6_dashboard": settings.METRICVAULT_K6_DASHBOARD if plan.k6_dashboard is None else plan.k6_dashboard,
        "chosen": chosen,
        "rows": [_row(at, one, lines[at], chosen, reviewed.problems) for at, one in enumerate(scenarios)],
        "drawing": draw(lines[position], lines[:position] + lines[position + 1 :]) if scenarios else None,
        "form": form,
        "problems": _for_people(scenarios, reviewed.problems),
        "warnings": _for_people(scenarios, reviewed.warnings),
        "ready": reviewed.built is not None,
        "hosts": _hosts(reviewed.built),
        "full": len(scenarios) >= MOST_SCENARIOS,
        "on_cluster": settings.METRICVAULT_RUNNER == KUBERNETES,
        "generators": reviewed.built.plan.generators if reviewed.built else None,
        "each": ceil(peak_vus(reviewed.built.plan) / reviewed.built.plan.generators) if reviewed.built else None,
        "generators_problem": next((one.message for one in reviewed.problems if one.field == "generators"), ""),
        "title_problem": next((one.message for one in reviewed.problems if one.field == "title"), ""),
    }


def _hosts(built: planning.BuiltPlan | None) -> str:
    urls = (scenario.request.url for scenario in built.plan.scenarios) if built else ()
    return ", ".join(sorted({urlsplit(url).netloc for url in urls}))


def _line(scenario: Scenario) -> list[Point]:
    stages = [StagePlan(stage.duration, stage.target) for stage in scenario.stages.all()]
    return curve(scenario.executor, stages)


def _of(details: Iterable[Detail], position: int) -> dict[str, str]:
    """The details of one scenario, by what comes after its position."""
    start = f"scenarios.{position}."
    return {one.field.removeprefix(start): one.message for one in details if one.field.startswith(start)}


def _row(at: int, scenario: Scenario, line: list[Point], chosen: Scenario | None, problems: Iterable[Detail]) -> Row:
    name = scenario.name or str(scenario.endpoint or _("Scenario"))
    peak = round(max(users for _t, users in line))
    return Row(scenario, name, peak, len(_of(problems, at)), scenario == chosen)


def _for_people(scenarios: list[Scenario], details: Iterable[Detail]) -> list[tuple[int | None, str]]:
    """(key of the scenario, sentence with its name); no key for what concerns the whole plan."""
    found: list[tuple[int | None, str]] = []
    for detail in details:
        parts = detail.field.split(".")
        if parts[0] == "scenarios" and len(parts) > 1 and int(parts[1]) < len(scenarios):
            scenario = scenarios[int(parts[1])]
            name = scenario.name or str(scenario.endpoint or "")
            message = detail.message
            if not name or name not in message:
                message = _("“%(name)s”: %(message)s") % {"name": name, "message": message}
            found.append((scenario.pk, message))
        else:
            found.append((None, detail.message))
    return found


def scenario_form(scenario: Scenario, problems: Mapping[str, str], warnings: Mapping[str, str]) -> ScenarioForm:
    """The form of a scenario with each problem at its field."""
    left = dict(problems)
    drafts = scenario.values.get(DRAFTS, {})

    def field(name: str, label: str, value: Any, at: str = "", **more: Any) -> Field:
        at = at or name
        key = more.pop("id", f"f-{name}")
        note: dict[str, Any] = {"problem": left.pop(at, "")}
        if not note["problem"] and at in warnings:
            note = {"hint": warnings[at], "warning": True}
        return Field(key, name, label, str(drafts.get(name, _plain(value))), **{**more, **note})

    p95_hint = _("Missed if 5 % of requests take longer. Empty: no target.")
    return ScenarioForm(
        scenario=scenario,
        general=(field("name", _("Name"), scenario.name),),
        executor=field(
            "executor",
            _("How the load is made"),
            scenario.executor,
            kind="select",
            choices=tuple((value, str(label)) for value, label in Executor.choices),
            hint=_executor_hint(scenario.executor),
        ),
        stages=tuple(_stages(scenario, field)),
        parameters=tuple(_parameters(scenario, field)),
        content_type=_content_type(scenario, field),
        body=_body(scenario, field),
        targets=(
            field(
                "think_time",
                _("Think time after each request"),
                duration_text(scenario.think_time),
                hint=_("Each user waits that long. Seconds, or 500ms, 2m."),
            ),
            field("response_time_target", _("p95 at most"), scenario.response_time_target, unit="ms", hint=p95_hint),
            field(
                "error_rate_target",
                _("Error rate at most"),
                scenario.error_rate_target,
                unit="%",
                hint=_("Share of requests that may fail. Empty: no target."),
            ),
        ),
        full=len(scenario.stages.all()) >= MOST_STAGES,
        problems=tuple(left.values()),
    )


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _executor_hint(executor: str) -> str:
    if executor == RAMPING:
        return _("Each stage leads in a straight line to its users, beginning with 0.")
    return _("Each stage holds its users. Slow answers lower the number of requests.")


def _stages(scenario: Scenario, field: Any) -> Iterator[StageRow]:
    before = 0
    for number, stage in enumerate(scenario.stages.all()):
        if scenario.executor != RAMPING or stage.target == before:
            kind = _("Hold")
        else:
            kind = _("Ramp up") if stage.target > before else _("Ramp down")
        before = stage.target
        words = {"number": number + 1}
        yield StageRow(
            stage.pk,
            number + 1,
            kind,
            field(
                f"stage.{stage.pk}.duration",
                _("Stage %(number)s, duration") % words,
                duration_text(stage.duration),
                at=f"stages.{number}.duration",
                id=f"f-stage-{stage.pk}-duration",
            ),
            field(
                f"stage.{stage.pk}.target",
                _("Stage %(number)s, users") % words,
                stage.target,
                at=f"stages.{number}.target",
                id=f"f-stage-{stage.pk}-target",
            ),
        )


def _parameters(scenario: Scenario, field: Any) -> Iterator[tuple[str, str, Field]]:
    """What the document describes, then what was given besides."""
    described = scenario.endpoint.parameters if scenario.endpoint else []
    given = {(place, name): value for place in PLACES for name, value in scenario.values.get(place, {}).items()}
    for number, parameter in enumerate(described):
        place, name = parameter["in"], parameter["name"]
        example = typed_text(parameter["value"])
        value = given.pop((place, name), example if parameter["required"] else "")
        choices = parameter.get("schema", {}).get("enum") or ()
        yield (
            place,
            parameter["description"][:300],
            field(
                f"value.{place}.{name}",
                name,
                typed_text(value),
                at=f"parameters.{place}.{name}",
                id=f"f-{place}-{number}",
                hint="" if parameter["required"] else _("optional"),
                placeholder="" if parameter["required"] else example[:80],
                choices=tuple((plain, plain) for plain in map(typed_text, choices)),
            ),
        )
    for number, ((place, name), value) in enumerate(given.items()):
        key = {"at": f"parameters.{place}.{name}", "id": f"f-{place}-more-{number}"}
        yield place, "", field(f"value.{place}.{name}", name, typed_text(value), **key)


def _content_type(scenario: Scenario, field: Any) -> Field | None:
    content = (scenario.endpoint.request_body or {}).get("content", []) if scenario.endpoint else []
    if len(content) < 2:
        return None
    choices = tuple((one["media_type"], one["media_type"]) for one in content)
    found: Field = field("content_type", _("Content type"), scenario.content_type, kind="select", choices=choices)
    return found


def _body(scenario: Scenario, field: Any) -> Field | None:
    endpoint = scenario.endpoint
    described = endpoint.request_body if endpoint else None
    if not scenario.body and described is None and (endpoint is None or endpoint.method in _BODILESS):
        return None
    hint = _("Sent with each request. Empty: no body.")
    if described and scenario.body and scenario.body in (one["text"] for one in described["content"]):
        hint = _("Filled in from the document.")
    found: Field = field("body", _("Body"), scenario.body, hint=hint, kind="area")
    return found
