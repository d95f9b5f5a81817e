"""REST: the first failing requests of a run."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from history.access import get_run
from history.models import FailedRequest
from projects.access import require_user

router = Router(tags=["Results"])


class Sent(Schema):
    """The request, secrets masked; long texts are cut."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None


class Got(Schema):
    """The answer. `body`: null where it was not read."""

    status: int
    status_text: str
    headers: dict[str, str]
    body: str | None
    duration: float | None = Field(None, description="Response time in ms")


class Failure(Schema):
    """One failing request."""

    scenario_id: int
    scenario: str
    scenario_tag: str
    step_id: int
    step: int = Field(description="1 for the first step of its scenario")
    name: str = Field(description="METHOD /path/{template}")
    kind: str = Field(
        description="The status; 0: and k6's number of the error without an answer; check where only that failed",
        examples=["500"],
    )
    t: float | None = Field(description="Second of the run")
    request: Sent
    response: Got | None
    error: str
    checks: list[str] = Field(description="The checks that did not hold")


class Failures(Schema):
    """By scenario, step and time."""

    items: list[Failure]
    count: int


@router.get("/test-history/{int:run_id}/failures", response=Failures, summary="The first failing requests of a run")
def failures(request: HttpRequest, run_id: int) -> dict[str, Any]:
    """Of each step and kind of failure the first five, with what was sent and answered; while the run lasts, those
    that are known by now."""
    run = get_run(require_user(request), run_id)
    rows = run.failures.select_related("step__scenario").order_by(
        "step__scenario__position", "step__position", "t", "pk"
    )
    items = [_item(row) for row in rows]
    return {"items": items, "count": len(items)}


def _item(row: FailedRequest) -> dict[str, Any]:
    step, scenario = row.step, row.step.scenario
    return {
        "scenario_id": scenario.pk,
        "scenario": scenario.name,
        "scenario_tag": scenario.scenario_tag,
        "step_id": step.pk,
        "step": step.position + 1,
        "name": step.request_name,
        "kind": row.kind,
        "t": row.t,
        "request": row.request,
        "response": row.response,
        "error": row.error,
        "checks": row.checks,
    }
