"""A load test as it was asked for becomes a saved plan: what import, and "edit and run", make of it."""

import json
import re
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from loadtests import plan_audit
from loadtests.models import Plan, Scenario, Stage, Step
from loadtests.payload import LOAD_FIELDS, LoadTestIn, ScenarioIn, StepIn
from loadtests.requesting import body_text
from projects import audit
from projects.models import Endpoint, Environment, Project

_PLAN = ("title", "target_tps", "response_time_target", "response_time_percentile", "error_rate_target", "abort_after",
         "generators", "k6_dashboard")  # fmt: skip
_SCENARIO = ("name", "executor", "think_time", "response_time_target", "response_time_percentile", "error_rate_target",
             "tps_target")  # fmt: skip


@transaction.atomic
def keep(load_test: LoadTestIn, project: Project, user: User, plan: Plan | None = None, *, made_of: str = "") -> Plan:
    """A new plan of `project`, or `plan` with everything replaced that the load test says. Endpoints and environments
    that are not of the project are left out: the plan then says what it lacks. `made_of`: of what, for the audit, where
    it is no plan file."""
    if plan is not None:
        plan_audit.close(plan)
    before = _told(plan) if plan else None
    kept = plan or Plan(project=project, created_by=user)
    for name in _PLAN:
        setattr(kept, name, getattr(load_test, name))
    kept.description = load_test.description or ""
    kept.profile = load_test.profile or ""
    kept.environment = _environment(load_test, project)
    options = load_test.options.model_dump(mode="json", exclude_unset=True) if load_test.options else {}
    kept.options, kept.drafts = {"http": options, "data": dict(load_test.data)}, {}
    kept.save()
    kept.scenarios.all().delete()
    endpoints = _endpoints(load_test, project)
    for position, scenario in enumerate(load_test.scenarios):
        _keep_scenario(kept, position, scenario, endpoints)
    action = audit.Action.CREATED if made_of else audit.Action.IMPORTED
    audit.record(action, kept, before=before, after=_told(kept), detail=made_of)
    return kept


def _told(plan: Plan) -> dict[str, Any]:
    """For the audit."""
    return {"title": plan.title, "scenarios": list(plan.scenarios.values_list("name", flat=True))}


def _environment(load_test: LoadTestIn, project: Project) -> Environment | None:
    if load_test.environment_id is not None:
        return project.environments.filter(pk=load_test.environment_id).first()
    return project.environments.filter(name=load_test.environment).first() if load_test.environment else None


def _endpoints(load_test: LoadTestIn, project: Project) -> dict[int, Endpoint]:
    keys = {step.endpoint_id for one in load_test.scenarios for _where, step in one.all_steps()}
    return Endpoint.everything.filter(openapi_spec__project=project).in_bulk(keys)


def _keep_scenario(plan: Plan, position: int, asked: ScenarioIn, endpoints: dict[int, Endpoint]) -> None:
    given = {name: getattr(asked, name) for name in LOAD_FIELDS if name in asked.model_fields_set}
    row = Scenario.objects.create(
        plan=plan,
        position=position,
        load={name: value for name, value in given.items() if value is not None},
        **{name: getattr(asked, name) for name in _SCENARIO},
    )
    Stage.objects.bulk_create(
        Stage(scenario=row, position=at, duration=stage.duration, target=stage.target)
        for at, stage in enumerate(asked.stages)
    )
    Step.objects.bulk_create(
        _step(row, at, one, endpoints.get(one.endpoint_id)) for at, (_where, one) in enumerate(asked.all_steps())
    )


def _step(scenario: Scenario, position: int, asked: StepIn, endpoint: Endpoint | None) -> Step:
    body, content_type = _body(asked, endpoint)
    return Step(
        scenario=scenario,
        position=position,
        name=asked.name,
        endpoint=endpoint,
        values=asked.parameters.model_dump(mode="json") if asked.parameters else {},
        body=body,
        content_type=content_type[:200],
        headers=[{"name": name, "value": value} for name, value in (asked.headers or {}).items()],
        statuses=list(asked.statuses),
        checks=[one.model_dump(mode="json") for one in asked.checks],
        extracts=[one.model_dump(mode="json") for one in asked.extracts],
        once=asked.once,
    )


def _body(asked: StepIn, endpoint: Endpoint | None) -> tuple[str, str]:
    """A saved step has its body as text: what was left out is the document's example, JSON is written out."""
    if isinstance(asked.body, str) or endpoint is None:
        text = asked.body if isinstance(asked.body, str) else json.dumps(asked.body, ensure_ascii=False, indent=2)
        return ("" if asked.body is None else text), asked.content_type or ""
    placeholders: list[str] = []
    text, media_type = body_text(asked, endpoint, _hidden(asked.body, placeholders))
    if not text:
        return "", asked.content_type or ""
    return re.sub(r"zqhole(\d+)zq", lambda found: placeholders[int(found[1])], text), media_type


def _hidden(value: Any, placeholders: list[str]) -> Any:
    """A value with words that no encoding changes in place of its placeholders."""
    if isinstance(value, list):
        return [_hidden(item, placeholders) for item in value]
    if isinstance(value, dict):
        return {name: _hidden(item, placeholders) for name, item in value.items()}
    if not isinstance(value, str):
        return value

    def hide(found: re.Match[str]) -> str:
        placeholders.append(found[0])
        return f"zqhole{len(placeholders) - 1}zq"

    return re.sub(r"\{\{.*?\}\}", hide, value)


def example_body(endpoint: Endpoint, content_type: str | None) -> str:
    """What is sent to an endpoint where nobody says what; "" for nothing."""
    asked = StepIn.model_validate({"endpoint_id": endpoint.pk, "content_type": content_type})
    return body_text(asked, endpoint, None)[0]
