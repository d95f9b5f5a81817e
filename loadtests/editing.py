"""Changing saved plans: what the builder's forms do.

What is typed is kept at once. What cannot be read as meant (`10x` as a duration) is kept too, as a draft by the name of
its field: it comes back after a reload, and the plan says so and does not run on an older value.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Prefetch, QuerySet
from django.utils import timezone

from loadtests.asking import check_body, check_text, shape_problems
from loadtests.models import Plan, Scenario, Stage, Step
from loadtests.parameters import plain
from loadtests.payload import LOAD_FIELDS, MOST_SCENARIOS, LoadTestIn, ScenarioIn
from loadtests.plan_audit import changes_plan
from projects import audit
from projects.models import Endpoint, OpenApiSpec, Project

PLACES = ("path", "query", "header", "cookie")
ROWS = {"header": "headers", "check": "checks", "extract": "extracts"}
SCENARIO_FIELDS = (
    "name",
    "executor",
    "think_time",
    "response_time_target",
    "response_time_percentile",
    "error_rate_target",
    "tps_target",
)
PLAN_FIELDS = (
    "target_tps",
    "response_time_target",
    "response_time_percentile",
    "error_rate_target",
    "abort_after",
    "generators",
)
STEP_TEXTS = ("name", "body", "content_type")
_NUMBERS = {
    "response_time_target", "response_time_percentile", "error_rate_target", "tps_target", "target_tps", "generators",
    "pre_allocated_vus", "max_vus", "iterations", "max_redirects", "batch_size", "target",
}  # fmt: skip
_SWITCHES = {"batch", "verify_tls", "http2"}
_HEAVY = ("document", "warnings", "servers")
_LIKE = {"title": "-", "scenarios": [{"endpoint_id": 1, "stages": [{"duration": 1, "target": 1}]}]}


def full_plans() -> QuerySet[Plan]:
    """Plans with everything that the builder and the script read, in seven queries however large the plan. Steps with
    one endpoint share it: its columns are large."""
    documents = OpenApiSpec.objects.defer(*_HEAVY, "security_schemes")
    endpoints = Endpoint.everything.defer("description", "servers", "missing").prefetch_related(
        Prefetch("openapi_spec", documents)
    )
    steps = Step.objects.prefetch_related(Prefetch("endpoint", endpoints))
    scenarios = Scenario.objects.prefetch_related("stages", Prefetch("steps", steps))
    return Plan.objects.select_related("project", "environment").prefetch_related(Prefetch("scenarios", scenarios))


def plan_payload(plan: Plan) -> dict[str, Any]:
    """A saved plan as the body of `POST /load-testing`, drafts included."""
    payload: dict[str, Any] = {
        "title": plan.title,
        "description": plan.description,
        "project_id": plan.project_id,
        "environment_id": plan.environment_id,
        "k6_dashboard": plan.k6_dashboard,
        **{name: getattr(plan, name) for name in PLAN_FIELDS},
        "profile": plan.profile or None,
        "options": dict(plan.options.get("http", {})),
        "data": dict(plan.options.get("data", {})),
        "scenarios": [scenario_payload(scenario) for scenario in plan.scenarios.all()],
    }
    for name, text in plan.drafts.items():
        part, _dot, rest = name.partition(".")
        if rest and part in ("http", "data"):
            payload["options" if part == "http" else part][rest] = _read(rest, text)
        else:
            payload[name] = _read(name, text)
    return payload


def scenario_payload(scenario: Scenario) -> dict[str, Any]:
    """A saved scenario in the words of the API, drafts included."""
    payload, drafts = _stored_payload(scenario), scenario.drafts
    for name, text in drafts.items():
        if name in SCENARIO_FIELDS or name in LOAD_FIELDS:
            payload[name] = _read(name, text)
    for stage, asked in zip(scenario.stages.all(), payload["stages"], strict=True):
        asked["duration"] = drafts.get(f"stage.{stage.pk}.duration", asked["duration"])
        asked["target"] = _number(drafts.get(f"stage.{stage.pk}.target", asked["target"]))
    if "stages_text" in drafts:
        payload["stages"] = drafts["stages_text"]
    return payload


def _stored_payload(scenario: Scenario) -> dict[str, Any]:
    return {
        **{name: getattr(scenario, name) for name in SCENARIO_FIELDS},
        **{name: value for name, value in scenario.load.items() if name in LOAD_FIELDS},
        "stages": [{"duration": one.duration, "target": one.target} for one in scenario.stages.all()],
        "steps": [step_payload(one) for one in scenario.steps.all()],
    }


def step_payload(step: Step) -> dict[str, Any]:
    """A saved step in the words of the API."""
    return {
        "name": step.name,
        "endpoint_id": step.endpoint_id,
        "parameters": {place: step.values.get(place, {}) for place in PLACES},
        "body": step.body,
        "content_type": step.content_type or None,
        "headers": step.headers or None,
        "statuses": step.statuses,
        "checks": step.checks,
        "extracts": step.extracts,
        "once": step.once,
    }


@transaction.atomic
def create_plan(project: Project, title: str, endpoints: Iterable[Endpoint], user: User) -> Plan:
    """A plan with one scenario for each endpoint."""
    plan = Plan.objects.create(project=project, title=title.strip()[:200] or project.title, created_by=user)
    plan.audit_begun = True  # type: ignore[attr-defined]  # it has no state before
    made = add_scenarios(plan, endpoints)
    audit.record(audit.Action.CREATED, plan, after={"scenarios": [one.name for one in made]})
    return plan


@changes_plan
def add_scenarios(plan: Plan, endpoints: Iterable[Endpoint]) -> list[Scenario]:
    """One scenario for each endpoint at the end of the plan, 5 users for 30 s; as many as a plan may have."""
    room = MOST_SCENARIOS - plan.scenarios.count()
    position = next_position(plan.scenarios)
    made = []
    for number, endpoint in enumerate(list(endpoints)[: max(0, room)]):
        name = (endpoint.summary or str(endpoint))[:200]
        scenario = Scenario.objects.create(plan=plan, position=position + number, name=name)
        add_step(scenario, endpoint)
        Stage.objects.create(scenario=scenario, duration=30, target=5)
        made.append(scenario)
    touch(plan)
    return made


def add_step(scenario: Scenario, endpoint: Endpoint) -> Step:
    """One more step at the end of the scenario, filled in from the document."""
    step = Step(scenario=scenario, position=next_position(scenario.steps), endpoint=endpoint)
    fill_from_document(step)
    step.save()
    return step


def fill_from_document(step: Step, content_type: str | None = None) -> None:
    """Sets (and does not save) the required values and the body to the document's examples."""
    endpoint = step.endpoint
    values: dict[str, Any] = {place: {} for place in PLACES}
    content = (endpoint.request_body or {}).get("content", []) if endpoint else []
    for parameter in endpoint.parameters if endpoint else ():
        if parameter["required"]:
            values[parameter["in"]][parameter["name"]] = typed_text(parameter["value"])
    entry = next((one for one in content if one["media_type"] == content_type), content[0] if content else None)
    step.values = values
    step.body, step.content_type = (entry["text"], entry["media_type"][:200]) if entry else ("", "")


def typed_text(value: Any) -> str:
    """A value as a person types it: `a,b` for a list of plain things, JSON for anything nested."""
    if isinstance(value, list) and not any(isinstance(item, dict | list) or "," in plain(item) for item in value):
        return ",".join(plain(item) for item in value)
    return plain(value)


@changes_plan
def save_plan(plan: Plan, typed: Mapping[str, str]) -> None:
    """What stands in the form of the plan; fields that are not there stay as they are. An empty title is kept; the plan
    does not run with it. Names: title, description, k6_dashboard, environment_id, those of PLAN_FIELDS, profile,
    `http.<option>`, `data.<file>`."""
    if "k6_dashboard" in typed:
        plan.k6_dashboard = typed["k6_dashboard"] == "on"
    plan.title = typed.get("title", plan.title).replace("\x00", "").strip()[:200]
    plan.description = typed.get("description", plan.description).replace("\x00", "").strip()[:10_000]
    if "environment_id" in typed:
        key = typed["environment_id"]
        found = plan.project.environments.filter(pk=int(key) if key.isdecimal() and len(key) < 19 else 0).first()
        plan.environment = found
    if "profile" in typed:
        plan.profile = typed["profile"].strip()[:20]
    asked = {name: _read(name, typed[name]) for name in PLAN_FIELDS if name in typed}
    options = {name[5:]: _read(name[5:], text) for name, text in typed.items() if name.startswith("http.")}
    data = {name[5:]: text for name, text in typed.items() if name.startswith("data.")}
    given = {**asked, **({"options": options} if options else {}), **({"data": data} if data else {})}
    wrong = {one.field for one in shape_problems({**_LIKE, **given})}
    names = {**{name: name for name in asked}, **{f"http.{name}": f"options.{name}" for name in options},
             **{f"data.{name}": f"data.{name}" for name in data}}  # fmt: skip
    _keep_drafts(plan, typed, names, wrong)
    sound = LoadTestIn.model_validate(
        {
            **_LIKE,
            **{name: value for name, value in asked.items() if name not in wrong},
            "options": {name: value for name, value in options.items() if f"options.{name}" not in wrong},
            "data": {name: value for name, value in data.items() if f"data.{name}" not in wrong},
        }
    )
    for name in asked:
        if name not in wrong:
            setattr(plan, name, getattr(sound, name))
    http = sound.options.model_dump(exclude_unset=True) if sound.options else {}
    plan.options = {
        "http": {**plan.options.get("http", {}), **http},
        "data": {**plan.options.get("data", {}), **sound.data},
    }
    plan.save()


def _keep_drafts(row: Plan | Scenario, typed: Mapping[str, str], names: Mapping[str, str], wrong: set[str]) -> None:
    """What was typed now replaces its drafts. `names`: the payload's field of each typed name."""
    kept = {name: text for name, text in row.drafts.items() if name not in typed}
    found = {name: typed[name] for name, field in names.items() if field in wrong}
    row.drafts = {**kept, **{name: text for name, text in found.items() if "\x00" not in text}}  # no database keeps it


@changes_plan
def save_scenario(scenario: Scenario, typed: Mapping[str, str]) -> None:
    """What stands in the form of a scenario. Names: those of the API's fields, `stage.<pk>.duration|target`,
    `step.<pk>.<field>`, `step.<pk>.value.<place>.<name>`, `step.<pk>.header.<n>.name|value`,
    `step.<pk>.check.<n>.kind|target|value`, `step.<pk>.extract.<n>.name|kind|expression`. Fields that are not there
    stay as they are; unknown names and rows are left alone.

    Raises Refused for what no database keeps, TooLarge for a body over 1 MB.
    """
    check_text(dict(typed))
    for name, text in typed.items():
        if name.endswith(".body"):
            check_body(name.removesuffix(".body"), {"body": text})
    _save_load(scenario, typed)
    changed = {name: text for name, text in typed.items() if name.startswith("step.")}
    for step in scenario.steps.all() if changed else ():
        prefix = f"step.{step.pk}."
        own = {name.removeprefix(prefix): text for name, text in changed.items() if name.startswith(prefix)}
        if own:
            _save_step(step, own)
    touch(scenario.plan)


def _save_load(scenario: Scenario, typed: Mapping[str, str]) -> None:
    """The scenario's own fields and its stages."""
    fields = [name for name in (*SCENARIO_FIELDS, *LOAD_FIELDS) if name in typed]
    asked = {name: _read(name, typed[name]) for name in fields}
    if "think_time" in asked and not str(asked["think_time"]).strip():
        asked["think_time"] = 0
    names = {name: name for name in fields}
    stages = list(scenario.stages.all())
    rows = [{"duration": one.duration, "target": one.target} for one in stages]
    for number, stage in enumerate(stages):
        for part in ("duration", "target"):
            name = f"stage.{stage.pk}.{part}"
            if name in typed:
                rows[number][part] = _read(part, typed[name])
                names[name] = f"stages.{number}.{part}"
    if not names:
        return
    like = {"endpoint_id": 1, **asked, "stages": rows or [{"duration": 1, "target": 1}]}
    start = "scenarios.0."
    problems = shape_problems({"title": "-", "scenarios": [like]})
    wrong = {one.field.removeprefix(start) for one in problems}
    _keep_drafts(scenario, typed, names, wrong)
    sound_rows = [
        {part: getattr(stage, part) if f"stages.{at}.{part}" in wrong else value for part, value in row.items()}
        for at, (stage, row) in enumerate(zip(stages, rows, strict=True))
    ]
    kept = {name: value for name, value in asked.items() if name not in wrong}
    sound = ScenarioIn.model_validate(
        {**like, **kept, "stages": sound_rows or like["stages"], **_nothing(wrong, asked)}
    )
    for name in kept:
        if name in SCENARIO_FIELDS:
            setattr(scenario, name, getattr(sound, name))
    more = {name: getattr(sound, name) for name in kept if name in LOAD_FIELDS}
    scenario.load = {name: value for name, value in {**scenario.load, **more}.items() if value is not None}
    scenario.save()
    for stage, read in zip(stages, sound.stages, strict=False):
        if (stage.duration, stage.target) != (read.duration, read.target):
            stage.duration, stage.target = read.duration, read.target
            stage.save(update_fields=["duration", "target"])


def _nothing(wrong: set[str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of what was wrong, so that the rest can be read."""
    return {name: ScenarioIn.model_fields[name].default for name in asked if name in wrong}


def _save_step(step: Step, typed: Mapping[str, str]) -> None:
    """The fields of one step, rows as they are typed: planning says what is wrong with them."""
    for name in STEP_TEXTS:
        if name in typed:
            text = typed[name].replace("\r\n", "\n")
            setattr(step, name, text if name == "body" else text.strip()[:200])
    if "once" in typed:
        step.once = typed["once"] == "on"
    if "statuses" in typed:
        step.statuses = [part.strip() for part in typed["statuses"].split(",") if part.strip()][:40]
    for name, text in typed.items():
        kind, _dot, rest = name.partition(".")
        first, _dot, last = rest.partition(".")
        if kind == "value" and first in PLACES and last:
            step.values = {**step.values, first: {**step.values.get(first, {}), last: text}}
        elif kind in ROWS and first.isdecimal() and len(first) < 4:
            rows = [dict(row) for row in getattr(step, ROWS[kind])]
            if int(first) < len(rows) and last in rows[int(first)]:
                rows[int(first)][last] = text
                setattr(step, ROWS[kind], rows)
    step.save()


@changes_plan
def duplicate_scenario(scenario: Scenario) -> Scenario:
    """A copy at the end of the plan; the original itself where the plan is full."""
    plan = scenario.plan
    if plan.scenarios.count() >= MOST_SCENARIOS:
        return scenario
    copy = copy_scenario(scenario, plan, next_position(plan.scenarios))
    touch(plan)
    return copy


def copy_scenario(scenario: Scenario, plan: Plan, position: int) -> Scenario:
    """The scenario with its steps and stages, without drafts, in `plan`."""
    copy = Scenario.objects.create(**{**columns(scenario), "plan_id": plan.pk, "position": position, "drafts": {}})
    Stage.objects.bulk_create(Stage(**{**columns(one), "scenario_id": copy.pk}) for one in scenario.stages.all())
    Step.objects.bulk_create(Step(**{**columns(one), "scenario_id": copy.pk}) for one in scenario.steps.all())
    return copy


def columns(row: Scenario | Stage | Step) -> dict[str, Any]:
    """Its columns by attribute, without its key."""
    return {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields if not one.primary_key}


@changes_plan
def delete_scenario(scenario: Scenario) -> None:
    """Takes it out of its plan."""
    scenario.delete()
    touch(scenario.plan)


def _number(value: Any) -> Any:
    """Text as a number where it is one; nothing for nothing; the text itself where it is none."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return None
    try:
        return int(text) if text.lstrip("-").isdecimal() and len(text) < 20 else float(text)
    except ValueError:
        return text


def _read(name: str, text: Any) -> Any:
    """What a form says, in the words of the API: numbers, switches, durations and texts."""
    if name in _SWITCHES and text in ("on", "off"):
        return text == "on"
    if name in _NUMBERS:
        return _number(text)
    return None if name in ("abort_after",) and not str(text).strip() else text


def next_position(rows: Any) -> int:
    """After the last one of a related set."""
    last = rows.aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def touch(plan: Plan) -> None:
    """Notes that something of the plan has changed."""
    plan.updated_at = timezone.now()
    plan.save(update_fields=["updated_at"])
