"""What the charts of a run's page draw: the whole run in as many stretches as there are pixels, and, of each scenario,
the p95 that its sparkline shows. The API tells more (`history.seconds_api`); a page of 20 endpoints needs it not."""

from collections.abc import Sequence
from typing import Any

from history.board_span import Chosen
from history.models import TestHistory
from history.overview import POINTS
from history.timeseries import overview

_SPARK = 96  # pixels of a sparkline


def series(run: TestHistory, span: Chosen | None) -> dict[str, Any]:
    """`history.timeseries.overview` of the span or of the whole run, with one column of each scenario, `p95`, and its
    own `t`; of a span no scenarios. Raises `StoreError`."""
    tags: list[str] | None = None if run.is_active and span is None else []
    found = overview(run, span.start if span else None, span.end if span else None, points=POINTS, tags=tags)
    if span is None:
        told = [(one["tag"], found["t"], one["p95"]) for one in found["scenarios"]] if run.is_active else _kept(run)
        found["scenarios"] = [{"tag": tag, **_thinned(t, p95)} for tag, t, p95 in told]
    return found


def _kept(run: TestHistory) -> list[tuple[str, list[int], list[float | None]]]:
    """Of a finished run; the database takes the two columns out of what is kept."""
    tag, rows = "scenario__scenario_tag", run.timelines.exclude(scenario=None)
    short = rows.values_list(tag, "overview__columns__t", "overview__columns__p95")
    found = [row for row in short if row[1]]
    return found or list(rows.values_list(tag, "columns__t", "columns__p95"))


def _thinned(t: Sequence[int], p95: Sequence[float | None]) -> dict[str, Any]:
    """The highest value of each pixel."""
    every = max(1, -(-len(t) // _SPARK))
    parts = [[value for value in p95[at : at + every] if value is not None] for at in range(0, len(t), every)]
    return {"t": list(t[::every]), "p95": [max(part, default=None) for part in parts]}
