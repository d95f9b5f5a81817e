"""Changing saved plans: what the builder's forms do.

What is typed is kept at once. What cannot be read as meant (`10x` as a duration) is kept too, as a draft under
`values["typed"]`: it comes back after a reload, and the plan says so and does not run on an older value.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Prefetch, QuerySet
from django.utils import timezone

from loadtests.asking import MOST_SCENARIOS, MOST_STAGES, ScenarioIn, shape_problems
from loadtests.models import Plan, Scenario, Stage
from loadtests.parameters import plain
from projects.models import Endpoint, Project

PLACES = ("path", "query", "header", "cookie")
DRAFTS = "typed"
_NUMBERS = ("response_time_target", "error_rate_target")
_HEAVY = ("document", "warnings", "servers")


def full_plans() -> QuerySet[Plan]:
    """Plans with everything that the builder and the script read, in four queries however large the plan."""
    heavy = [f"endpoint__openapi_spec__{name}" for name in _HEAVY]
    scenarios = Scenario.objects.select_related("endpoint__openapi_spec").defer(*heavy, "endpoint__description")
    return Plan.objects.select_related("project").prefetch_related(
        Prefetch("scenarios", scenarios.prefetch_related("stages"))
    )


def scenario_payload(scenario: Scenario) -> dict[str, Any]:
    """A saved scenario in the words of the API, drafts included."""
    payload, drafts = _stored_payload(scenario), scenario.values.get(DRAFTS, {})
    for name, text in drafts.items():
        if name in payload:
            payload[name] = _number(text) if name in _NUMBERS else text
    for stage, asked in zip(scenario.stages.all(), payload["stages"], strict=True):
        asked["duration"] = drafts.get(f"stage.{stage.pk}.duration", asked["duration"])
        asked["target"] = _number(drafts.get(f"stage.{stage.pk}.target", asked["target"]))
    return payload


def _stored_payload(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "endpoint_id": scenario.endpoint_id,
        "executor": scenario.executor,
        "think_time": scenario.think_time,
        "response_time_target": scenario.response_time_target,
        "error_rate_target": scenario.error_rate_target,
        "parameters": {place: scenario.values.get(place, {}) for place in PLACES},
        "body": scenario.body,
        "content_type": scenario.content_type or None,
        "stages": [{"duration": one.duration, "target": one.target} for one in scenario.stages.all()],
    }


@transaction.atomic
def create_plan(project: Project, title: str, endpoints: Iterable[Endpoint], user: User) -> Plan:
    """A plan with one scenario for each endpoint."""
    plan = Plan.objects.create(project=project, title=title.strip()[:200] or project.title, created_by=user)
    add_scenarios(plan, endpoints)
    return plan


@transaction.atomic
def add_scenarios(plan: Plan, endpoints: Iterable[Endpoint]) -> list[Scenario]:
    """One scenario for each endpoint at the end of the plan, 5 users for 30 s; as many as a plan may have."""
    room = MOST_SCENARIOS - plan.scenarios.count()
    position = _next_position(plan)
    made = []
    for number, endpoint in enumerate(list(endpoints)[: max(0, room)]):
        name = (endpoint.summary or str(endpoint))[:200]
        scenario = Scenario(plan=plan, position=position + number, name=name, endpoint=endpoint)
        fill_from_document(scenario)
        scenario.save()
        Stage.objects.create(scenario=scenario, duration=30, target=5)
        made.append(scenario)
    _touch(plan)
    return made


def fill_from_document(scenario: Scenario, content_type: str | None = None) -> None:
    """Sets (and does not save) the required values and the body to the document's examples."""
    endpoint = scenario.endpoint
    values: dict[str, Any] = {place: {} for place in PLACES}
    content = (endpoint.request_body or {}).get("content", []) if endpoint else []
    for parameter in endpoint.parameters if endpoint else ():
        if parameter["required"]:
            values[parameter["in"]][parameter["name"]] = typed_text(parameter["value"])
    entry = next((one for one in content if one["media_type"] == content_type), content[0] if content else None)
    drafts = scenario.values.get(DRAFTS)
    scenario.values = {**values, DRAFTS: drafts} if drafts else values
    scenario.body, scenario.content_type = (entry["text"], entry["media_type"][:200]) if entry else ("", "")


def typed_text(value: Any) -> str:
    """A value as a person types it: `a,b` for a list of plain things, JSON for anything nested."""
    if isinstance(value, list) and not any(isinstance(item, dict | list) or "," in plain(item) for item in value):
        return ",".join(plain(item) for item in value)
    return plain(value)


@transaction.atomic
def save_plan(plan: Plan, typed: Mapping[str, str]) -> None:
    """Title, description, target, load generators and k6's own report of the plan. An empty title is kept; the plan
    does not run with it."""
    if "k6_dashboard" in typed:
        plan.k6_dashboard = typed["k6_dashboard"] == "on"
    plan.title = typed.get("title", plan.title).replace("\x00", "").strip()[:200]
    plan.description = typed.get("description", plan.description).replace("\x00", "").strip()[:10_000]
    tps = _number(typed["target_tps"]) if "target_tps" in typed else plan.target_tps
    if tps is None or (isinstance(tps, int | float) and 0 <= tps <= 10_000_000):
        plan.target_tps = tps
    count = _number(typed["generators"]) if "generators" in typed else plan.generators
    if count is None or (isinstance(count, int | float) and 1 <= count <= 1000 and count == int(count)):
        plan.generators = count if count is None else int(count)
    plan.save(update_fields=["title", "description", "target_tps", "generators", "k6_dashboard", "updated_at"])


@transaction.atomic
def save_scenario(scenario: Scenario, typed: Mapping[str, str]) -> None:
    """Everything that stands in the form of a scenario. Names: those of the API's fields, `stage.<pk>.duration`,
    `stage.<pk>.target`, `value.<place>.<name>`. Fields that are not there stay as they are.

    Raises Refused for what no database keeps, TooLarge for a body over 1 MB.
    """
    stages = list(scenario.stages.all())
    if not stages:  # only the admin makes such; it needs a stage before anything else
        return
    stored = {**_stored_payload(scenario), "endpoint_id": 1}  # one that is gone is no matter of typing
    asked, places = _asked(stored, stages, typed)
    wrong = {detail.field for detail in shape_problems(asked)}
    drafts = {name: typed[name] for name, field in places.items() if field in wrong}
    sound = ScenarioIn.model_validate(_with_stored(asked, stored, wrong))
    for name in ("name", "executor", "think_time", *_NUMBERS, "body"):
        setattr(scenario, name, getattr(sound, name))
    scenario.content_type = sound.content_type or ""
    scenario.values = sound.parameters.model_dump() if sound.parameters else {}
    if drafts:
        scenario.values[DRAFTS] = drafts
    scenario.save()
    for stage, read in zip(stages, sound.stages, strict=True):
        if (stage.duration, stage.target) != (read.duration, read.target):
            stage.duration, stage.target = read.duration, read.target
            stage.save(update_fields=["duration", "target"])
    _touch(scenario.plan)


def _asked(
    stored: Mapping[str, Any], stages: list[Stage], typed: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The stored scenario with what was typed in its place; and the API's field of each typed name."""
    asked: dict[str, Any] = {**stored, "stages": [dict(stage) for stage in stored["stages"]]}
    places: dict[str, str] = {}
    for name in ("name", "executor", "think_time", "content_type", "body", *_NUMBERS):
        if name in typed:
            text = typed[name].replace("\r\n", "\n")
            asked[name] = _number(text) if name in _NUMBERS else text
            places[name] = name
    if not str(asked["think_time"]).strip():
        asked["think_time"] = 0
    for number, stage in enumerate(stages):
        for part in ("duration", "target"):
            name = f"stage.{stage.pk}.{part}"
            if name in typed:
                asked["stages"][number][part] = _number(typed[name]) if part == "target" else typed[name]
                places[name] = f"stages.{number}.{part}"
    asked["parameters"] = {place: dict(stored["parameters"][place]) for place in PLACES}
    for name, text in typed.items():
        kind, _dot, rest = name.partition(".")
        place, _dot, parameter = rest.partition(".")
        if kind == "value" and place in PLACES and parameter:
            asked["parameters"][place][parameter] = text
    return asked, places


def _with_stored(asked: Mapping[str, Any], stored: Mapping[str, Any], wrong: set[str]) -> dict[str, Any]:
    """What was asked for, with the stored value wherever that is wrong."""
    sound = {name: stored[name] if name in wrong else value for name, value in asked.items()}
    sound["stages"] = [dict(stage) for stage in asked["stages"]]
    for number, stage in enumerate(sound["stages"]):
        for part in stage:
            if f"stages.{number}.{part}" in wrong:
                stage[part] = stored["stages"][number][part]
    return sound


@transaction.atomic
def duplicate_scenario(scenario: Scenario) -> Scenario:
    """A copy at the end of the plan; the original itself where the plan is full."""
    plan = scenario.plan
    if plan.scenarios.count() >= MOST_SCENARIOS:
        return scenario
    values = {key: value for key, value in scenario.values.items() if key != DRAFTS}
    copy = Scenario(**{**_columns(scenario), "position": _next_position(plan), "values": values})
    copy.save()
    Stage.objects.bulk_create(
        Stage(scenario=copy, position=stage.position, duration=stage.duration, target=stage.target)
        for stage in scenario.stages.all()
    )
    _touch(plan)
    return copy


def _columns(scenario: Scenario) -> dict[str, Any]:
    """Its columns by attribute, without its key."""
    return {
        one.attname: getattr(scenario, one.attname) for one in Scenario._meta.concrete_fields if not one.primary_key
    }


@transaction.atomic
def delete_scenario(scenario: Scenario) -> None:
    """Takes it out of its plan."""
    scenario.delete()
    _touch(scenario.plan)


@transaction.atomic
def add_stage(scenario: Scenario) -> None:
    """One more stage like the last one, as many as a scenario may have."""
    stages = list(scenario.stages.all())
    if len(stages) < MOST_STAGES:
        last = stages[-1] if stages else Stage(duration=30, target=5)
        position = last.position + 1 if stages else 0
        Stage.objects.create(scenario=scenario, position=position, duration=last.duration or 30, target=last.target)
        _touch(scenario.plan)


@transaction.atomic
def delete_stage(scenario: Scenario, pk: int) -> None:
    """Takes a stage out; the last one stays."""
    if scenario.stages.count() > 1:
        scenario.stages.filter(pk=pk).delete()
        drafts = scenario.values.get(DRAFTS, {})
        kept = {name: text for name, text in drafts.items() if not name.startswith(f"stage.{pk}.")}
        if kept != drafts:
            scenario.values = {**scenario.values, DRAFTS: kept}
            scenario.save(update_fields=["values"])
        _touch(scenario.plan)


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


def _next_position(plan: Plan) -> int:
    last = plan.scenarios.aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _touch(plan: Plan) -> None:
    plan.updated_at = timezone.now()
    plan.save(update_fields=["updated_at"])
