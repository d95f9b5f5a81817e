"""A run as one JSON document, `metricvault-run/1`: everything that was measured, as it is stored. `history.importing`
reads it back; docs/exports.md describes it."""

import json
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from history import verdict_words
from history.exports.tables import ITERATED, MEASURED, USERS, timelines
from history.hosts import hosts
from history.models import PhaseHistory, ScenarioHistory, StageHistory, StepHistory, TestHistory
from metricvault import __version__

FORMAT = "metricvault-run/1"
TARGETS = ["response_time_target", "response_time_percentile", "error_rate_target"]
RUN = ["title", "description", "release", "status", "outcome", "runner", "stop_reason", "job_name", "exit_code"]
_LOAD = ["time_unit", "pre_allocated_vus", "max_vus", "iterations", "start_time"]


def pieces(run: TestHistory) -> Iterator[bytes]:
    """The document, a timeline at a time."""
    head = {
        "format": FORMAT,
        "product": f"Metric Vault {__version__}",
        "exported_at": timezone.now().isoformat(),
        "run": _run(run),
        "phases": [_phase(one) for one in run.phases.filter(scenario=None)],
        "scenarios": [_scenario(one) for one in run.scenarios.prefetch_related("steps", "stages", "phases")],
    }
    yield _json(head)[:-1] + b',"failures":['
    yield from _listed(_failures(run))
    yield b'],"timelines":['
    yield from _listed(_timelines(run))
    yield b"]}\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")


def _listed(items: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for number, item in enumerate(items):
        yield (b"," if number else b"") + _json(item)


def columns(row: Any, names: list[str]) -> dict[str, Any]:
    """These columns of a row."""
    return {name: getattr(row, name) for name in names}


def _run(run: TestHistory) -> dict[str, Any]:
    notes = run.notes.select_related("author")
    return {
        "id": run.pk,
        **columns(run, RUN),
        "project": run.project.title,
        "plan": run.plan.title if run.plan else None,
        "tested_at": run.tested_at.isoformat(),
        "completed_at": run.completed_at.isoformat() if run.completed_at else None,
        "target_tps": run.target_tps,
        **columns(run, [*TARGETS, *USERS, *ITERATED]),
        "answers": run.answers,
        "reasons": run.reasons,
        "sentences": [one["message"] for one in run.explained],
        "verdict": verdict_words.answer(run),
        "labels": [label.text for label in run.labels.all()],
        "notes": [
            {"text": one.text, "author": str(one.author or ""), "at": one.created_at.isoformat()} for one in notes
        ],
        "host": hosts(run.plan_snapshot),
        "generators": int(run.plan_snapshot.get("generators", 1)),
        "load": [_load(one) for one in run.plan_snapshot.get("scenarios", [])],
    }


def _load(asked: dict[str, Any]) -> dict[str, Any]:
    """What a scenario was asked to send, without its requests: their texts may hold what is nobody's business."""
    given = asked.get("load", {})
    steps = [one.get("request", {}).get("name", "") for one in asked.get("steps") or [asked]]
    return {
        "tag": asked.get("tag"),
        "name": asked.get("name"),
        "executor": asked.get("executor"),
        "think_time": asked.get("think_time"),
        "stages": [{"duration": one["duration"], "target": one["target"]} for one in asked.get("stages", [])],
        "requests": steps,
        **{name: given[name] for name in _LOAD if given.get(name) is not None},
    }


def _scenario(one: ScenarioHistory) -> dict[str, Any]:
    names = ["name", "scenario_tag", "request_name", "executor", "think_time", *TARGETS, "tps_target", *ITERATED]
    return {
        **columns(one, names),
        "answers": one.answers,
        "stages": [_stage(stage) for stage in one.stages.all()],
        "steps": [_step(step) for step in one.steps.all()],
        "phases": [_phase(phase) for phase in one.phases.all()],
    }


def _stage(one: StageHistory) -> dict[str, Any]:
    return columns(one, ["duration", "target", "kind", *ITERATED])


def _step(one: StepHistory) -> dict[str, Any]:
    return columns(one, ["name", "request_name", *MEASURED, "checks"])


def _phase(one: PhaseHistory) -> dict[str, Any]:
    return columns(one, ["kind", *USERS, *ITERATED])


def _failures(run: TestHistory) -> Iterator[dict[str, Any]]:
    rows = run.failures.select_related("step__scenario").order_by(
        "step__scenario__position", "step__position", "t", "pk"
    )
    for one in rows.iterator(chunk_size=50):
        where = {"scenario_tag": one.step.scenario.scenario_tag, "step": one.step.position}
        yield {**where, **columns(one, ["kind", "t", "request", "response", "error", "checks"])}


def _timelines(run: TestHistory) -> Iterator[dict[str, Any]]:
    for pk, _name, tag in timelines(run):
        found = run.timelines.values("columns", "overview", "heatmap").get(pk=pk)
        yield {"scenario_tag": tag or None, **found}
