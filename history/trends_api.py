"""REST: how a plan, an endpoint or a project went from run to run, and what got worse."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from history.regressions import found
from history.trends import (
    LAST,
    MOST,
    Subject,
    Trend,
    endpoint_subject,
    plan_subject,
    project_subject,
    request_subject,
    trend,
)
from metricvault.lib.errors import Detail, Refused
from projects.access import Person, get_project, require_user

router = Router(tags=["Results"])
_KEY = 2**63 - 1


class TrendQuery(Schema):
    """Whose trend: exactly one of plan_id, endpoint and project_id, or project_id with request."""

    plan_id: int | None = Field(None, ge=1, le=_KEY, description="A plan", examples=[1])
    project_id: int | None = Field(None, ge=1, le=_KEY, description="All runs of a project")
    endpoint: int | None = Field(None, ge=1, le=_KEY, description="An endpoint by its id")
    request: str = Field("", max_length=2050, description="With project_id: METHOD /path/{template} of an endpoint")
    measure: Literal["p50", "p95", "p99", "tps", "error_rate"] = Field("p95", description="What `value` is")
    last: int = Field(LAST[1], ge=1, le=MOST, description="How many runs at most, the newest")


class ReadingOut(Schema):
    test_history_id: int
    title: str
    plan_id: int | None
    tested_at: datetime
    status: str
    outcome: str | None
    valid: bool = Field(description="It ended by itself, and its result is to be trusted")
    baseline: bool
    release: str
    labels: list[str]
    total_requests: int | None
    p50: float | None
    p95: float | None
    p99: float | None
    tps: float | None
    error_rate: float | None
    value: float | None = Field(description="The measure that was asked for")
    target: float | None = Field(description="What the run was judged by in this measure")


class TrendOut(Schema):
    kind: str = Field(description="plan, endpoint or project")
    title: str
    project_id: int
    plan_id: int | None
    request: str
    measure: str
    more: bool = Field(description="Whether there are older runs")
    items: list[ReadingOut]


@router.get("/test-history/trends", response=TrendOut, summary="A plan, an endpoint or a project from run to run")
def trends(request: HttpRequest, query: Query[TrendQuery]) -> dict[str, Any]:
    """The newest runs, the oldest of them first; runs that measured nothing are left out."""
    user = require_user(request)
    return _told(trend(user, _subject(user, query), query.last), query.measure)


def _subject(user: Person, query: TrendQuery) -> Subject:
    given = [name for name in ("plan_id", "endpoint", "project_id") if getattr(query, name) is not None]
    if len(given) != 1:
        sentence = _("Name exactly one of plan_id, endpoint and project_id.")
        raise Refused(sentence, [Detail(given[1] if given else "plan_id", sentence)])
    if query.request and query.project_id is None:
        sentence = _("A request is looked for in a project: name project_id, too.")
        raise Refused(sentence, [Detail("request", sentence)])
    if query.plan_id is not None:
        return plan_subject(user, query.plan_id)
    if query.endpoint is not None:
        return endpoint_subject(user, query.endpoint)
    assert query.project_id is not None
    name = query.request.replace("\0", "").strip()
    return (
        request_subject(get_project(user, query.project_id), name) if name else project_subject(user, query.project_id)
    )


def _told(found: Trend, measure: str) -> dict[str, Any]:
    column = "errors" if measure == "error_rate" else measure
    items = [
        {
            "test_history_id": row.run_id,
            "title": row.title,
            "plan_id": row.plan_id,
            "tested_at": row.tested_at,
            "status": row.status,
            "outcome": row.outcome or None,
            "valid": row.valid,
            "baseline": row.baseline,
            "release": row.release,
            "labels": list(row.labels),
            "total_requests": row.requests,
            "p50": row.p50,
            "p95": row.p95,
            "p99": row.p99,
            "tps": row.tps,
            "error_rate": row.errors,
            "value": row.of(column),
            "target": row.targets.get(column),
        }
        for row in found.readings
    ]
    subject = found.subject
    return {
        "kind": subject.kind,
        "title": subject.title,
        "project_id": subject.project.pk,
        "plan_id": subject.plan_id,
        "request": subject.request,
        "measure": measure,
        "more": found.more,
        "items": items,
    }


class RegressionOut(Schema):
    title: str
    project_id: int
    plan_id: int | None
    request: str = Field(description="The endpoint; empty for all requests")
    measure: str = Field(description="p95 (ms), error_rate (percent) or tps")
    value: float = Field(description="Of the last run")
    baseline: float = Field(description="What it was")
    change: float = Field(description="Percent; of error rates points")
    baseline_run: int | None = Field(description="The baseline; null where it is the median of earlier runs")
    runs: list[int] = Field(description="The last runs, the oldest first")
    values: list[float | None] = Field(description="What these measured")


class RegressionList(Schema):
    items: list[RegressionOut]
    count: int


class RegressionQuery(Schema):
    """Which of them."""

    project_id: int | None = Field(None, ge=1, le=_KEY, description="Only of this project")
    limit: int = Field(50, ge=1, le=500, description="How many items at most, the worst first")


@router.get("/test-history/regressions", response=RegressionList, summary="What got worse")
def regressions(request: HttpRequest, query: Query[RegressionQuery]) -> dict[str, Any]:
    """Plans, and endpoints of plans, whose last two valid runs both are worse than the baseline (without one: than the
    median of the ten passed runs before them): p95 by over 10 %, errors by over one point, throughput at the same load
    by over 10 %."""
    user = require_user(request)
    if query.project_id is not None:
        get_project(user, query.project_id)
    worse = found(user, None if query.project_id is None else [query.project_id])
    items = [
        {
            "title": one.title,
            "project_id": one.project_id,
            "plan_id": one.plan_id,
            "request": one.request,
            "measure": "error_rate" if one.measure == "errors" else one.measure,
            "value": one.value,
            "baseline": one.baseline,
            "change": one.change,
            "baseline_run": one.base_run,
            "runs": list(one.runs),
            "values": list(one.values),
        }
        for one in worse[: query.limit]
    ]
    return {"items": items, "count": len(worse)}
