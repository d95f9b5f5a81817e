"""REST: one iteration of a load test, and what came of it."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status

from history.reasons import explain
from loadtests import editing, planning, trying
from loadtests.access import get_editable_plan
from loadtests.api_body import BODY, payload_of
from loadtests.models import Try
from metricvault.lib.errors import Missing
from projects.access import project_scope, require_user

router = Router(tags=["Load tests"])


class TryStarted(Schema):
    id: int
    state: str
    url: str


class Pair(Schema):
    name: str
    value: str


class TryRequest(Schema):
    method: str
    url: str
    headers: list[Pair]
    body: str
    cut: bool


class TryResponse(Schema):
    status: int
    status_text: str
    proto: str
    headers: list[Pair]
    cookies: list[Pair]
    body: str
    cut: bool
    size: int
    duration: float
    timings: dict[str, float]


class TryCheck(Schema):
    text: str
    ok: bool | None
    found: str


class TryExtract(Schema):
    name: str
    kind: str
    expression: str
    value: str | None


class TryStep(Schema):
    scenario: str
    step: int
    name: str
    state: str
    problems: list[str]
    request: TryRequest | None
    response: TryResponse | None
    error: str
    checks: list[TryCheck]
    extracts: list[TryExtract]


class TryAnswer(Schema):
    id: int
    state: str
    message: str
    created_at: datetime
    project_id: int
    plan_id: int | None
    steps: list[TryStep]
    log: str


@router.post("/load-testing/try", response={202: TryStarted}, openapi_extra=BODY, summary="Send one iteration")
def start_try(request: HttpRequest) -> Any:
    """One iteration of each scenario, to see its requests and answers; nothing is measured. The body is that of a load
    test; what came of it is at `/load-testing/try/{id}` within seconds."""
    user = require_user(request)
    return Status(202, _started(request, trying.start(payload_of(request), user)))


@router.post("/plan/{int:plan_id}/try", response={202: TryStarted}, summary="Send one iteration of a saved plan")
def try_plan(request: HttpRequest, plan_id: int) -> Any:
    """As `POST /load-testing/try` with what the plan asks for."""
    user = require_user(request)
    plan = editing.full_plans().get(pk=get_editable_plan(user, plan_id).pk)
    return Status(202, _started(request, trying.start(planning.from_plan(plan), user, plan)))


def _started(request: HttpRequest, row: Try) -> dict[str, Any]:
    url = request.build_absolute_uri(f"/load-testing/try/{row.pk}")
    return {"id": row.pk, "state": row.state, "url": url}


@router.get("/load-testing/try/{int:try_id}", response=TryAnswer, summary="What came of one iteration")
def show_try(request: HttpRequest, try_id: int) -> dict[str, Any]:
    """`state` is waiting, running, passed or failed. Secrets are masked; bodies are the first 64 KB."""
    user = require_user(request)
    row = Try.objects.filter(project_scope(user, "project__"), pk=try_id).first()
    if row is None:
        raise Missing(_("There is no try %(id)s.") % {"id": try_id})
    row = trying.look(row, timezone.now())
    return {
        "id": row.pk,
        "state": row.state,
        "message": next((one["message"] for one in explain([row.message] if row.message else [])), ""),
        "created_at": row.created_at,
        "project_id": row.project_id,
        "plan_id": row.plan_id,
        "steps": [_step(one) for one in trying.steps(row)],
        "log": row.log,
    }


def _step(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "scenario": one["scenario_name"],
        "problems": [found["message"] for found in explain(one["problems"])],
        "request": _with_pairs(one["request"]),
        "response": _with_pairs(one["response"]),
    }


def _with_pairs(message: dict[str, Any] | None) -> dict[str, Any] | None:
    if message is None:
        return None
    pairs: dict[str, Any] = {
        name: [{"name": header, "value": value} for header, value in message[name]]
        for name in ("headers", "cookies")
        if name in message
    }
    return {**message, **pairs}
