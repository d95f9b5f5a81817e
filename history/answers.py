"""What the API says of a run: schemas and the one function each that fills them."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from ninja import Schema
from pydantic import create_model

from history import verdict_words
from history.baselines import baseline_of
from history.models import Iterated, Measured, PhaseHistory, ScenarioHistory, StageHistory, StepHistory, TestHistory
from history.reasons import explain

_MEASURED = [column.name for column in Measured._meta.fields]
_ITERATED = [column.name for column in Iterated._meta.fields]
_WHOLE = {column.name for column in Iterated._meta.fields if column.get_internal_type() == "BigIntegerField"}
_USERS = ["max_vus", "min_vus", "avg_vus"]
HEAVY = ("script", "log", "summary", "plan_snapshot", "asked", "reasons", "generators", "live_sent")  # for lists
_TARGETS = ["response_time_target", "response_time_percentile", "error_rate_target"]


def _schema(title: str, names: list[str]) -> Any:
    """The measured columns, in one place: a new column shows up here by itself."""
    fields: dict[str, Any] = {name: (int | None if name in _WHOLE else float | None, None) for name in names}
    return create_model(title, __base__=Schema, **fields)


MeasuredOut: Any = _schema("MeasuredOut", _MEASURED)
IteratedOut: Any = _schema("IteratedOut", _ITERATED)


class ReasonOut(Schema):
    code: str
    good: bool
    message: str
    detail: str


class VerdictReasonOut(ReasonOut):
    """`numbers`: the plain values in the sentence, by name: `value`, `target`, `by` (how far off, in percent of the
    target; of an error rate in percentage points), `since` (the second from which it stayed so) …"""

    mark: str
    numbers: dict[str, str | int | float]


class VerdictOut(Schema):
    """`exit_code`: 0 passed, 1 targets missed, 2 invalid, 3 error, 4 stopped or timed out; null while the run lasts."""

    outcome: str | None
    exit_code: int | None
    sentence: str
    reasons: list[VerdictReasonOut]


class EndpointOut(Schema):
    id: int
    method: str
    path: str


class StageOut(IteratedOut):
    id: int
    duration: float
    target: int
    kind: str


class PhaseOut(IteratedOut):
    """All stages of one kind together: ramp-up, steady or ramp-down."""

    kind: str
    min_vus: float | None
    max_vus: float | None
    avg_vus: float | None


class CheckOut(Schema):
    key: str
    kind: str
    text: str
    passed: int | None = None
    failed: int | None = None


class StepOut(MeasuredOut):
    id: int
    position: int
    name: str
    request: str
    endpoint_id: int | None
    checks: list[CheckOut]


class ScenarioOut(IteratedOut):
    id: int
    name: str
    scenario_tag: str
    request: str
    endpoint: EndpointOut | None
    endpoint_id: int | None
    think_time: float
    executor: str
    response_time_target: float | None
    response_time_percentile: int
    error_rate_target: float | None
    tps_target: float | None
    test_history_id: int
    answers: dict[str, int]
    phases: list[PhaseOut]
    stages: list[StageOut]
    steps: list[StepOut]


class SimpleOut(Schema):
    id: int
    title: str
    project: dict[str, Any]
    status: str
    outcome: str | None
    tested_at: datetime
    completed_at: datetime | None
    avg_tps: float | None
    p95_response_time: float | None
    avg_error_rate: float | None
    total_requests: int | None
    labels: list[str]
    release: str
    pinned: bool


class FullOut(IteratedOut):
    id: int
    title: str
    description: str
    target_tps: float | None
    response_time_target: float | None
    response_time_percentile: int
    error_rate_target: float | None
    tested_at: datetime
    job_name: str
    k6_script_file_name: str
    is_completed: bool
    completed_at: datetime | None
    project_id: int
    max_vus: float | None
    min_vus: float | None
    avg_vus: float | None
    status: str
    outcome: str | None


class GeneratorOut(Schema):
    instance: str
    name: str
    phase: str
    node: str
    restarts: int
    exit_code: int | None
    cpu: float | None
    cpu_limit: float | None
    memory: int | None
    started: float | None = None
    trouble: ReasonOut | None


class K6ReportOut(Schema):
    instance: str
    url: str


class Details(FullOut):
    project: dict[str, Any]
    k6_reports: list[K6ReportOut]
    runner: str
    generators: list[GeneratorOut]
    trouble: ReasonOut | None
    plan_id: int | None
    labels: list[str]
    release: str
    pinned: bool
    baseline_id: int | None
    note_count: int
    message: str
    reasons: list[ReasonOut]
    verdict: VerdictOut
    answers: dict[str, int]
    phases: list[PhaseOut]
    scenarios: list[ScenarioOut]


class SimpleList(Schema):
    items: list[SimpleOut]
    count: int


class FullList(Schema):
    items: list[FullOut]
    count: int


def _columns(row: Any, names: list[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def simple(run: TestHistory) -> dict[str, Any]:
    """A run in short."""
    names = ["id", "title", "status", "tested_at", "completed_at", "avg_tps", "p95_response_time", "avg_error_rate"]
    project = {"id": run.project_id, "title": run.project.title}
    return {
        **_columns(run, [*names, "total_requests", "release", "pinned"]),
        "labels": [label.text for label in run.labels.all()],
        "outcome": run.outcome or None,
        "project": project,
    }


def full(run: TestHistory) -> dict[str, Any]:
    """Every column of TEST_HISTORY."""
    names = ["id", "title", "description", "target_tps", "tested_at", "job_name", "k6_script_file_name"]
    names += ["is_completed", "completed_at", "project_id", "status", *_USERS, *_TARGETS, *_ITERATED]
    return {**_columns(run, names), "outcome": run.outcome or None}


def details(run: TestHistory) -> dict[str, Any]:
    """Every column of TEST_HISTORY, SCENARIO_HISTORY and STAGE_HISTORY, its steps, and the verdict."""
    scenarios = run.scenarios.select_related("endpoint").prefetch_related("stages", "steps", "phases")
    baseline = baseline_of(run)
    return {
        **full(run),
        **_columns(run, ["release", "pinned"]),
        "labels": [label.text for label in run.labels.all()],
        "note_count": run.notes.count(),
        "baseline_id": baseline.pk if baseline else None,
        "project": {"id": run.project_id, "title": run.project.title},
        "k6_reports": [
            {"instance": instance, "url": reverse("history:k6-report", args=[run.pk, instance])}
            for instance in run.reports
        ],
        "plan_id": run.plan_id,
        "runner": run.runner,
        "generators": [_generator(row) for row in run.generators],
        "trouble": run.troubled,
        "message": run.message,
        "reasons": run.explained,
        "verdict": verdict_words.answer(run),
        "answers": run.answers,
        "phases": [_phase(phase) for phase in run.phases.filter(scenario=None)],
        "scenarios": [_scenario(scenario) for scenario in scenarios],
    }


def _generator(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "trouble": next(iter(explain([row["trouble"]])), None) if row.get("trouble") else None}


def _scenario(row: ScenarioHistory) -> dict[str, Any]:
    names = ["id", "name", "scenario_tag", "endpoint_id", "think_time", "executor", *_TARGETS, "tps_target"]
    names += ["test_history_id", *_ITERATED]
    endpoint = row.endpoint and {"id": row.endpoint.pk, "method": row.endpoint.method, "path": row.endpoint.path}
    return {
        **_columns(row, names),
        "request": row.request_name,
        "endpoint": endpoint,
        "answers": row.answers,
        "phases": [_phase(phase) for phase in row.phases.all()],
        "stages": [_stage(stage) for stage in row.stages.all()],
        "steps": [_step(step) for step in row.steps.all()],
    }


def _stage(row: StageHistory) -> dict[str, Any]:
    return _columns(row, ["id", "duration", "target", "kind", *_ITERATED])


def _phase(row: PhaseHistory) -> dict[str, Any]:
    return _columns(row, ["kind", *_USERS, *_ITERATED])


def _step(row: StepHistory) -> dict[str, Any]:
    names = ["id", "position", "name", "endpoint_id", "checks", *_MEASURED]
    return {**_columns(row, names), "request": row.request_name}
