"""The seconds of a run by column, for charts and programs: stored ones of a finished run, else those so far."""

from math import floor
from typing import Any

from history.models import TestHistory
from history.overview import Stretches, seconds, stretches
from history.tracks import COLUMNS, starts


def timeseries(run: TestHistory) -> dict[str, Any]:
    """Equally long lists, those of `history.tracks.COLUMNS`: `t`, `requests`, `failures`, `tps`, `error_rate`, `avg`,
    `p50`, `p90`, `p95`, `p99`, `vus`, `iterations`, `dropped`, `checks_passed`, `checks_failed`, `sent`, `received`
    (REST.md), and the same by scenario. What a run of an older version did not count is null.

    `whole_seconds` tells how many of the seconds lasted whole: the last one of a finished run may not have.
    `planned_duration` is in seconds.
    """
    whole, scenarios = seconds(run)
    length = len(whole.get("t", []))
    nothing = [None] * length
    shown = {tag: {name: of.get(name, nothing) for name in COLUMNS} for tag, of in scenarios.items()}
    columns = {name: whole.get(name, nothing) for name in COLUMNS}
    return _answer(run, Stretches(0, length, 1, length, columns, shown))


def overview(
    run: TestHistory,
    start: int | None = None,
    end: int | None = None,
    points: int = 0,
    step: int = 0,
    tags: list[str] | None = None,
) -> dict[str, Any]:
    """The same of the seconds from `start` up to `end`, in stretches of `step` seconds, or in at most `points`; of the
    scenarios `tags` (None: all). See `history.overview.stretches` for the columns that tell of the seconds of each."""
    return _answer(run, stretches(run, start, end, points, step, tags))


def _answer(run: TestHistory, found: Stretches) -> dict[str, Any]:
    rows = run.scenarios.values_list("scenario_tag", "name", "request_name")
    scenarios = []
    for tag, name, request in rows:
        if tag not in found.scenarios:
            continue
        columns = {key: values for key, values in found.scenarios[tag].items() if key not in {"t", "vus"}}
        scenarios.append({"tag": tag, "name": name, "endpoint": request, **columns})
    ended = floor(run.test_duration + 1e-6) if run.is_finished and run.test_duration else found.length
    return {
        "test_history_id": run.pk,
        "status": run.status,
        "resolution": found.step,
        "start": found.start,
        "end": found.end,
        "planned_duration": planned_duration(run),
        "whole_seconds": min(found.length, ended),
        **found.whole,
        "scenarios": scenarios,
    }


def planned_duration(run: TestHistory) -> float:
    """Seconds from the first request to the planned end of the longest scenario."""
    begins = starts(run.plan_snapshot)
    scenarios = run.plan_snapshot.get("scenarios", [])
    ends = (begins[one["tag"]] + sum(stage["duration"] for stage in one["stages"]) for one in scenarios)
    return max(ends, default=0.0)
