"""REST: what a run measured over time, and any span of it counted again."""

import re
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from history import heatmap as heatmaps
from history import spans
from history.access import get_run
from history.models import TestHistory
from history.timeseries import overview, timeseries
from metricvault.lib.errors import Conflict, Detail, Refused
from projects.access import require_user

router = Router(tags=["Results"])
_LONGEST = 10**6  # seconds
_RESOLUTION = re.compile(r"([1-9][0-9]{0,5})s?")


_SCENARIO = "`scenario_tag`: only this scenario beside the whole run; empty: none"


class Within(Schema):
    """Which seconds of the run."""

    start: int | None = Field(
        None, alias="from", ge=0, le=_LONGEST, description="The first second of it; 0 is the first of the load"
    )
    end: int | None = Field(None, alias="to", ge=1, le=_LONGEST, description="The second behind the last of it")

    def check(self) -> None:
        """Raises `Refused` where nothing lies between."""
        if self.end is not None and (self.start or 0) >= self.end:
            message = _("The span ends where it begins, or before: “to” has to be greater than “from”.")
            raise Refused(message, [Detail("to", message)])


class Wanted(Within):
    """How its seconds are told."""

    resolution: str = Field("", max_length=8, description="Seconds of a stretch: `1s`, `5s`, `60s`")
    points: int | None = Field(None, ge=1, le=20_000, description="At most so many stretches")
    scenario: str | None = Field(None, max_length=80, description=_SCENARIO)


class NumbersOut(Schema):
    """Requests per second, percent, milliseconds."""

    requests: int
    failures: int
    tps: float
    error_rate: float | None
    avg: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


class PartOut(Schema):
    numbers: NumbersOut
    min_ms: float | None
    max_ms: float | None
    max_tps: float | None
    min_tps: float | None
    iterations: int
    dropped: int
    checks_passed: int
    checks_failed: int
    sent: int
    received: int
    answers: dict[str, int]


class StepPartOut(PartOut):
    step: str


class ScenarioPartOut(PartOut):
    tag: str
    name: str
    endpoint: str
    steps: list[StepPartOut]


class BarOut(Schema):
    low_ms: float
    high_ms: float
    count: int


class SpanOut(Schema):
    test_history_id: int
    start: int
    end: int
    seconds: float
    whole: PartOut
    scenarios: list[ScenarioPartOut]
    distribution: list[BarOut]
    vus_min: float | None
    vus_avg: float | None
    vus_max: float | None


class HeatmapOut(Schema):
    test_history_id: int
    start: int
    end: int
    step: int
    rows: list[list[float]]
    counts: list[list[int]]


@router.get("/test-history/{int:run_id}/timeseries", summary="The seconds of a run")
def seconds(request: HttpRequest, run_id: int, wanted: Query[Wanted]) -> dict[str, Any]:
    """Equally long columns; while the run lasts, the seconds so far. With `resolution` or `points` each value is that
    of a stretch of seconds, and of `tps`, `p95` and `error_rate` the lowest (`_min`), the highest (`_max`) and the 95th
    percentile (`_p95`) of its seconds stand beside it."""
    run = get_run(require_user(request), run_id)
    wanted.check()
    tags = _tags(run, wanted.scenario)
    step = _step(wanted.resolution)
    if (wanted.start, wanted.end, wanted.points, tags) == (None, None, None, None) and step in {0, 1}:
        return timeseries(run)
    points = wanted.points or (0 if step else _LONGEST)
    if step and wanted.points:
        message = _("Either the resolution is given or the number of points.")
        raise Refused(message, [Detail("points", message)])
    return overview(run, wanted.start, wanted.end, points, step, tags)


@router.get("/test-history/{int:run_id}/span", response=SpanOut, summary="A span of a run, counted again")
def span(request: HttpRequest, run_id: int, within: Query[Within]) -> dict[str, Any]:
    """Everything that is measured of the whole seconds from `from` up to `to`, clipped to those that the run has: of
    all requests, of each scenario and step, and how response times are distributed. The distribution adds up to the
    requests, and so do adjacent spans. 409 where the run keeps no histograms."""
    run = get_run(require_user(request), run_id)
    within.check()
    found = spans.span(run, within.start, within.end)
    if found is None:
        raise _nothing_kept(run)
    rows = run.scenarios.values_list("scenario_tag", "name", "request_name")
    scenarios = []
    for tag, name, endpoint in rows:
        steps = [{"step": step, **asdict(part)} for (of, step), part in sorted(found.steps.items()) if of == tag]
        about = {"tag": tag, "name": name, "endpoint": endpoint, "steps": steps}
        scenarios.append({**about, **asdict(found.scenarios[tag])})
    return {"test_history_id": run.pk, **asdict(found), "scenarios": scenarios}


@router.get("/test-history/{int:run_id}/heatmap", response=HeatmapOut, summary="Response times over time")
def heatmap(request: HttpRequest, run_id: int, within: Query[Within]) -> dict[str, Any]:
    """How many requests of each stretch of `step` seconds took how long: `counts` by stretch, then by row; `rows` are
    [low, high] in milliseconds. The counts add up to the requests. 409 where the run keeps no histograms."""
    run = get_run(require_user(request), run_id)
    within.check()
    found = heatmaps.heatmap(run, within.start, within.end)
    if not found:
        raise _nothing_kept(run)
    return {"test_history_id": run.pk, **found}


def _nothing_kept(run: TestHistory) -> Conflict:
    if run.is_finished:
        return Conflict(_("This run keeps no histograms of its seconds: it was made by an older version, or has none."))
    return Conflict(_("The run has not measured a second yet. Ask again in a moment."))


def _tags(run: TestHistory, wanted: str | None) -> list[str] | None:
    if not wanted:
        return wanted if wanted is None else []
    tags = list(run.scenarios.values_list("scenario_tag", flat=True))
    if wanted not in tags:
        message = _("The run has no such scenario. It has: %(tags)s.") % {"tags": ", ".join(tags) or "-"}
        raise Refused(message, [Detail("scenario", message)])
    return [wanted]


def _step(resolution: str) -> int:
    """0 where none is given."""
    found = _RESOLUTION.fullmatch(resolution)
    if resolution and found is None:
        message = _("The resolution is a whole number of seconds, as in 1s or 60s.")
        raise Refused(message, [Detail("resolution", message)])
    return int(found[1]) if found else 0
