"""REST: starting, stopping and previewing load; the runs that are active."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status

from history.access import active_runs, get_editable_run
from history.models import TestHistory
from loadtests import active_jobs, launching, planning
from loadtests.api_body import BODY, payload_of
from projects.access import require_user

router = Router(tags=["Load tests"])


class Started(Schema):
    test_history_id: int
    status: str
    job_name: str
    k6_script_file_name: str
    url: str


class Pods(Schema):
    wanted: int
    ready: int
    failed: int


class Job(Schema):
    test_history_id: int
    job_name: str
    runner: str
    status: str
    pods: Pods
    started_at: datetime
    elapsed: float
    message: str


class Jobs(Schema):
    items: list[Job]
    count: int


@router.post("/load-testing", response={202: Started}, openapi_extra=BODY, summary="Start a load test")
def start_load_test(request: HttpRequest) -> Any:
    """Queues a run. Its progress is at `/test-history/{id}/details` and, live, at `/sse/k6-data`."""
    user = require_user(request)
    return Status(202, started(request, launching.start(payload_of(request), user)))


def started(request: HttpRequest, run: TestHistory) -> dict[str, Any]:
    """A run that waits for a worker."""
    return {
        "test_history_id": run.pk,
        "status": run.status,
        "job_name": run.job_name,
        "k6_script_file_name": run.k6_script_file_name,
        "url": request.build_absolute_uri(f"/runs/{run.pk}/"),
    }


@router.post("/load-testing/preview", openapi_extra=BODY, summary="Show what a load test would do")
def preview_load_test(request: HttpRequest) -> dict[str, Any]:
    """The script, the plan and its totals; nothing is run."""
    user = require_user(request)
    return planning.preview(planning.build(planning.read(payload_of(request)), user))


@router.post("/test-history/{int:run_id}/stop", response={202: dict[str, Any]}, summary="Stop a run")
def stop_run(request: HttpRequest, run_id: int) -> Any:
    """Ends the load within 10 seconds; what was measured so far is kept."""
    run = get_editable_run(require_user(request), run_id)
    launching.request_stop(run)
    run.refresh_from_db()
    return Status(202, {"test_history_id": run.pk, "status": run.status})


@router.get("/scheduler/jobs", response=Jobs, summary="Active runs")
def jobs(request: HttpRequest) -> dict[str, Any]:
    """What waits, runs or collects now."""
    user = require_user(request)
    now = timezone.now()
    items = [_job(run, now) for run in active_runs(user).order_by("id")]
    return {"items": items, "count": len(items)}


def _job(run: TestHistory, now: datetime) -> dict[str, Any]:
    job = active_jobs.look(run, now)
    pods = {"wanted": job.wanted, "ready": job.ready, "failed": job.failed}
    return {
        "test_history_id": run.pk,
        "job_name": run.job_name,
        "runner": run.runner,
        "status": run.status,
        "pods": pods,
        "started_at": run.tested_at,
        "elapsed": job.elapsed,
        "message": job.message,
    }
