"""The seconds of a run by column, for charts and programs: stored ones of a finished run, else those so far."""

from math import floor
from typing import Any

from history.metrics.stores import open_store
from history.models import TestHistory
from history.tracks import COLUMNS, Track, Tracks, follow, starts


def timeseries(run: TestHistory) -> dict[str, Any]:
    """Equally long lists `t`, `requests`, `failures`, `tps`, `error_rate`, `avg`, `p50`, `p95`, `p99`, `vus`,
    `iterations`, `dropped` (REST.md), and the same by scenario. What a run of an older version did not count is null.

    `whole_seconds` tells how many of the seconds lasted whole: the last one of a finished run may not have.
    `planned_duration` is in seconds.
    """
    rows = list(run.scenarios.values_list("pk", "scenario_tag", "name", "request_name"))
    stored = {timeline.scenario_id: timeline.columns for timeline in run.timelines.all()} if run.is_finished else {}
    if stored:
        whole = stored.get(None, {})
        by_tag = {tag: stored.get(pk, {}) for pk, tag, _name, _request in rows}
    else:
        tracks = _so_far(run, [tag for _pk, tag, _name, _request in rows])
        whole = tracks.whole.columns
        by_tag = {tag: track.columns for tag, track in tracks.scenarios.items()}
    seconds = len(whole.get("t", []))
    scenarios = [
        {"tag": tag, "name": name, "endpoint": request, **_shown(by_tag[tag], seconds, with_users=False)}
        for _pk, tag, name, request in rows
    ]
    ended = floor(run.test_duration + 1e-6) if run.is_finished and run.test_duration else seconds
    return {
        "test_history_id": run.pk,
        "status": run.status,
        "resolution": 1,
        "planned_duration": planned_duration(run),
        "whole_seconds": min(seconds, ended),
        **_shown(whole, seconds, with_users=True),
        "scenarios": scenarios,
    }


def planned_duration(run: TestHistory) -> float:
    """Seconds from the first request to the planned end of the longest scenario."""
    begins = starts(run.plan_snapshot)
    scenarios = run.plan_snapshot.get("scenarios", [])
    ends = (begins[one["tag"]] + sum(stage["duration"] for stage in one["stages"]) for one in scenarios)
    return max(ends, default=0.0)


def _so_far(run: TestHistory, tags: list[str]) -> Tracks:
    """The seconds that were sent live already: a page that opens now gets the next one from its stream."""
    _timeline, tracks = follow((snapshot for _, snapshot in open_store().read(run.pk)), tags, [])
    for track in (tracks.whole, *tracks.scenarios.values()):
        _cut(track, run.live_second)
    return tracks


def _cut(track: Track, seconds: int) -> None:
    track.columns = {name: values[:seconds] for name, values in track.columns.items()}


def _shown(columns: dict[str, list[Any]], seconds: int, *, with_users: bool) -> dict[str, list[Any]]:
    nothing = [None] * seconds
    return {name: columns.get(name, nothing) for name in COLUMNS if with_users or name not in {"t", "vus"}}
