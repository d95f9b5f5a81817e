"""What the API says of a run: schemas and the one function each that fills them."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import F
from django.urls import reverse
from pydantic import BaseModel, create_model

from history import verdict_words
from history.baselines import baseline_key
from history.models import Iterated, Measured, ScenarioHistory, StageHistory, StepHistory, TestHistory
from history.reasons import explain

_MEASURED = [column.name for column in Measured._meta.fields]
_ITERATED = [column.name for column in Iterated._meta.fields]
_WHOLE = {column.name for column in Iterated._meta.fields if column.get_internal_type() == "BigIntegerField"}
_USERS = ["max_vus", "min_vus", "avg_vus"]
HEAVY = ("script", "log", "summary", "plan_snapshot", "asked", "reasons", "generators", "live_sent")  # for lists
SHORT = (  # what `simple` says of a run
    "title", "status", "outcome", "tested_at", "completed_at", "avg_tps", "p95_response_time", "avg_error_rate",
    "total_requests", "release", "pinned", "project__title",
)  # fmt: skip
UNSAID = ("script", "log", "summary", "asked", "live_sent")  # what `details` does not say of a run
_STAGE = ["id", "duration", "target", "kind", *_ITERATED]
_STEP = ["id", "position", "name", "endpoint_id", "checks", *_MEASURED]
_TARGETS = ["response_time_target", "response_time_percentile", "error_rate_target"]


# Answers are plain dicts here, so their schemas are pydantic's own: ninja's looks each field up as that of a model.


def _schema(title: str, names: list[str]) -> Any:
    """The measured columns, in one place: a new column shows up here by itself."""
    fields: dict[str, Any] = {name: (int | None if name in _WHOLE else float | None, None) for name in names}
    return create_model(title, __base__=BaseModel, **fields)


MeasuredOut: Any = _schema("MeasuredOut", _MEASURED)
IteratedOut: Any = _schema("IteratedOut", _ITERATED)


class ReasonOut(BaseModel):
    code: str
    good: bool
    message: str
    detail: str


class VerdictReasonOut(ReasonOut):
    """`numbers`: the plain values in the sentence, by name: `value`, `target`, `by` (how far off, in percent of the
    target; of an error rate in percentage points), `since` (the second from which it stayed so) …"""

    mark: str
    numbers: dict[str, str | int | float]


class VerdictOut(BaseModel):
    """`exit_code`: 0 passed, 1 targets missed, 2 invalid, 3 error, 4 stopped or timed out; null while the run lasts."""

    outcome: str | None
    exit_code: int | None
    sentence: str
    reasons: list[VerdictReasonOut]


class EndpointOut(BaseModel):
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


class CheckOut(BaseModel):
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


class SimpleOut(BaseModel):
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


class GeneratorOut(BaseModel):
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


class K6ReportOut(BaseModel):
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


class SimpleList(BaseModel):
    items: list[SimpleOut]
    count: int


class FullList(BaseModel):
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
    scenarios = run.scenarios.select_related("endpoint")
    phases = _by_scenario(run.phases, ["kind", *_USERS, *_ITERATED])
    stages = _by_scenario(StageHistory.objects.filter(scenario__test_history=run), _STAGE)
    steps = _by_scenario(StepHistory.objects.filter(scenario__test_history=run), _STEP, request=F("request_name"))
    return {
        **full(run),
        **_columns(run, ["release", "pinned"]),
        "labels": list(run.labels.values_list("text", flat=True)),
        "note_count": run.notes.count(),
        "baseline_id": baseline_key(run),
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
        "phases": phases[None],
        "scenarios": [
            {**_scenario(one), "phases": phases[one.pk], "stages": stages[one.pk], "steps": steps[one.pk]}
            for one in scenarios
        ],
    }


def _by_scenario(rows: Any, names: list[str], **more: F) -> defaultdict[int | None, list[dict[str, Any]]]:
    """These columns of the rows, by the key of their scenario."""
    found: defaultdict[int | None, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.values("scenario", *names, **more):
        found[row.pop("scenario")].append(row)
    return found


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
    }
