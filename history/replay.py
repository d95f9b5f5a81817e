"""Plays a recorded run: for looking at pages without k6, and for tests."""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from history.baselines import endpoint_set
from history.live import advance, announce, finish
from history.metrics import summary as k6_summary
from history.metrics.remote_write import Snapshot, decode
from history.metrics.stores import open_store
from history.models import ScenarioHistory, StageHistory, StepHistory, TestHistory
from history.publishing import show_verdict
from history.recording import record
from history.states import Status, move
from projects.models import Project


def read_recording(file: Path) -> dict[str, Any]:
    """What `bench/record_run.py` wrote, its pushes as snapshots."""
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    decoded = (decode(base64.b64decode(push)) for push in data["pushes"])
    data["snapshots"] = [snapshot for snapshot in decoded if snapshot]
    return data


def create_run(plan: dict[str, Any], project: Project, status: Status) -> TestHistory:
    """The rows of a run of `plan` (a RunPlan as JSON, of today or before there were steps), nothing measured yet."""
    job_name = f"replay-{secrets.token_hex(6)}"
    targets = plan.get("targets", {})
    requests = [step["request"]["name"] for one in plan["scenarios"] for step in one.get("steps") or [one]]
    run = TestHistory.objects.create(
        title=plan["title"],
        project=project,
        status=status,
        plan_snapshot=plan,
        job_name=job_name,
        k6_script_file_name=f"{job_name}.js",
        exit_code=0,
        target_tps=targets.get("tps"),
        response_time_target=targets.get("response_time"),
        response_time_percentile=targets.get("response_time_percentile", 95),
        error_rate_target=targets.get("error_rate"),
        endpoint_set=endpoint_set(requests),
    )
    for position, asked in enumerate(plan["scenarios"]):
        _create_scenario(run, position, asked)
    return run


def _create_scenario(run: TestHistory, position: int, asked: dict[str, Any]) -> None:
    steps = asked.get("steps", [])
    request = asked["request"] if not steps else steps[0]["request"]
    row = ScenarioHistory.objects.create(
        test_history=run,
        position=position,
        name=asked["name"],
        scenario_tag=asked["tag"],
        executor=asked["executor"],
        think_time=asked["think_time"],
        request_name=asked["name"] if len(steps) > 1 else request["name"],
        response_time_target=asked["response_time_target"],
        response_time_percentile=asked.get("response_time_percentile", 95),
        error_rate_target=asked["error_rate_target"],
        tps_target=asked.get("tps_target"),
    )
    stages = (StageHistory(scenario=row, position=at, **stage) for at, stage in enumerate(asked["stages"]))
    StageHistory.objects.bulk_create(stages)
    for at, step in enumerate(steps):
        checks = [{"key": f"c{n}", "kind": one["kind"], "text": one["text"]} for n, one in enumerate(step["checks"], 1)]
        for n, one in enumerate(step["extracts"], 1):
            checks.append({"key": f"x{n}", "kind": "extract", "text": f"{one['name']} = {one['expression']}"})
        about = {"name": step["name"], "request_name": step["request"]["name"], "checks": checks}
        StepHistory.objects.create(scenario=row, position=at, **about)


def at_their_pace(snapshots: list[Snapshot], sleep: Callable[[float], None] = time.sleep) -> Iterator[Snapshot]:
    """The snapshots as if they came now, one after another at the pace of the recording."""
    shift = time.time() - snapshots[0].moment
    for snapshot in snapshots:
        sleep(max(0.0, snapshot.moment + shift - time.time()))
        started = None if snapshot.started is None else snapshot.started + shift
        yield replace(snapshot, moment=snapshot.moment + shift, started=started)


def play(run: TestHistory, recording: dict[str, Any]) -> None:
    """Feeds the recording to the store and the live pages, then makes the result."""
    move(run, Status.RUNNING)
    announce(run)
    for snapshot in at_their_pace(recording["snapshots"]):
        open_store().write(run.pk, [snapshot])
        advance(run, time.time())
    move(run, Status.COLLECTING)
    recorded = record(run, k6_summary.find(recording["output"]))
    finish(run)
    move(run, Status.COMPLETED, outcome=recorded.outcome, reasons=recorded.reasons)
    announce(run)
    show_verdict(run)
