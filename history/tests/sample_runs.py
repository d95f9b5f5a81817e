"""Rows for the tests of pages: a project of alice's, and runs in any state."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.contrib.auth.models import User

from history.models import ScenarioHistory, StageHistory, TestHistory
from history.states import FINISHED, Outcome, Status
from projects.models import Project

_numbers = count(1)
MEASURED = {
    "avg_tps": 151.3,
    "min_tps": 2.0,
    "max_tps": 213.1,
    "avg_response_time": 41.2,
    "min_response_time": 4.2,
    "max_response_time": 1240.3,
    "p50_response_time": 34.1,
    "p95_response_time": 236.7,
    "p99_response_time": 731.0,
    "avg_error_rate": 0.22,
    "min_error_rate": 0.0,
    "max_error_rate": 4.2,
    "total_requests": 9078,
    "failed_requests": 20,
    "test_duration": 60.0,
}


def project_of(owner: User, title: str = "Storefront API") -> Project:
    """A project that `owner` owns."""
    return Project.objects.create(title=title, owner=owner)


def plan_of(*scenarios: dict[str, Any]) -> dict[str, Any]:
    """A plan snapshot, in the shape of `loadtests.k6.plan.to_json`."""
    return {"run": "1", "title": "", "scenarios": list(scenarios) or [scenario_of()]}


def scenario_of(
    tag: str = "s01_list", executor: str = "ramping-vus", stages: tuple[tuple[float, int], ...] = ((10, 20), (50, 20))
) -> dict[str, Any]:
    """One scenario of a snapshot: GET /products of shop.example.com."""
    return {
        "tag": tag,
        "name": "List products",
        "executor": executor,
        "stages": [{"duration": duration, "target": target} for duration, target in stages],
        "think_time": 0,
        "request": {"method": "GET", "url": "http://shop.example.com/products", "name": "GET /products"},
        "response_time_target": 300,
        "error_rate_target": None,
    }


def run_of(
    project: Project, status: Status = Status.COMPLETED, outcome: Outcome | str = "", **columns: Any
) -> TestHistory:
    """A run with one scenario; measured where it is finished, unless `columns` say otherwise."""
    finished = status in FINISHED
    measured = MEASURED if finished else {}
    values = {
        "title": "Evening peak",
        "tested_at": datetime(2026, 11, 23, 14, 2, 10, tzinfo=UTC),
        "plan_snapshot": plan_of(),
        "completed_at": datetime(2026, 11, 23, 14, 3, 10, tzinfo=UTC) if finished else None,
        "is_completed": finished,
        **measured,
        **columns,
    }
    run = TestHistory.objects.create(
        project=project, job_name=f"k6-{next(_numbers)}", status=status, outcome=outcome, **values
    )
    for position, scenario in enumerate(run.plan_snapshot.get("scenarios", [])):
        row = ScenarioHistory.objects.create(
            test_history=run,
            position=position,
            name=scenario["name"],
            scenario_tag=scenario["tag"],
            executor=scenario["executor"],
            request_name=scenario["request"]["name"],
            response_time_target=scenario["response_time_target"],
            error_rate_target=scenario["error_rate_target"],
            **measured,
        )
        StageHistory.objects.bulk_create(
            StageHistory(scenario=row, position=at, duration=stage["duration"], target=stage["target"], **measured)
            for at, stage in enumerate(scenario["stages"])
        )
    return run
