"""What the charts of a run are told before anything is measured: the load that was asked for, stages, targets."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from history import shape
from history.models import ScenarioHistory, TestHistory
from history.templatetags import numbers


def iterated(run: TestHistory) -> bool:
    """Whether iterations are something else than requests, or can be dropped."""
    scenarios = run.plan_snapshot.get("scenarios", [])
    return any(shape.is_rate(one) or len(one.get("steps", ())) > 1 for one in scenarios) or bool(run.dropped_iterations)


def most_users(run: TestHistory) -> float:
    """Users at the peak, with as many as the rates may take."""
    loads = [one.get("load", {}) for one in run.plan_snapshot.get("scenarios", []) if shape.is_rate(one)]
    for_rates = sum(int(load.get("max_vus") or load.get("pre_allocated_vus") or 0) for load in loads)
    return for_rates + max((users for _t, users in shape.asked(run.plan_snapshot)), default=0)


def _asked_requests(run: TestHistory) -> shape.Curve:
    """The requests per second that the rates of a plan come to, where each iteration sends all its steps."""
    scenarios = []
    for one in run.plan_snapshot.get("scenarios", []):
        sent = max(1, sum(not step.get("once") for step in one.get("steps", ())))
        stages = [{**stage, "target": stage["target"] * sent} for stage in one.get("stages", [])]
        scenarios.append({**one, "stages": stages})
    return shape.asked_rate({"scenarios": scenarios})


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: its column of the time series, its word, its colour (class of static/css/board.css)."""

    column: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart; `kind` is its name in static/js/charts.js."""

    kind: str
    title: str
    about: str
    lines: tuple[Line, ...]


def charts(run: TestHistory, scenarios: Sequence[ScenarioHistory]) -> list[Chart]:
    """The charts that have something to show for this run."""
    asked = Line("asked", _("asked"), "dash k-asked")
    rate = shape.in_rates(run.plan_snapshot)
    tps, users = Line("tps", _("achieved"), "k-tps"), Line("vus", _("active"), "k-vus")
    times = [("p50", "k-p50"), ("p90", "dash k-p90"), ("p95", "k-p95"), ("p99", "dot k-p99")]
    found = [
        Chart("tps", _("Throughput"), _("requests per second"), (tps, asked) if rate else (tps,)),
        Chart("latency", _("Response time"), _("all requests"), tuple(Line(one, one, key) for one, key in times)),
        Chart("errors", _("Error rate"), _("share of requests"), (Line("error_rate", _("failed"), "k-err"),)),
        Chart("vus", _("Virtual users"), _("at work"), (users,) if rate else (users, asked)),
    ]
    if any(shape.is_rate(one) for one in run.plan_snapshot.get("scenarios", [])) or run.dropped_iterations:
        line = Line("dropped", _("never begun"), "k-err")
        found.append(Chart("dropped", _("Dropped iterations"), _("per second"), (line,)))
    if any(step.checks for one in scenarios for step in one.steps.all()):
        lines = (Line("checks_passed", _("passed"), "k-tps"), Line("checks_failed", _("failed"), "k-err"))
        found.append(Chart("checks", _("Checks"), _("per second"), lines))
    if run.is_active or run.data_received is not None:
        lines = (Line("received", _("received"), "k-tps"), Line("sent", _("sent"), "dash k-asked"))
        found.append(Chart("bytes", _("Data"), _("per second"), lines))
    return found


def chart_plan(
    run: TestHistory, scenarios: list[ScenarioHistory], curve: shape.Curve, planned: float
) -> dict[str, Any]:
    """What the charts draw behind the measured lines (read by static/js/charts.js). `asked_in`: the chart that shows
    what was asked for, users or requests per second."""
    rate = shape.in_rates(run.plan_snapshot)
    whole = [(run, _("all"))] if len(scenarios) > 1 else [(run, "")]
    rows: list[tuple[TestHistory | ScenarioHistory, str]] = [*whole, *((one, one.name) for one in scenarios)]
    slow = [(one.response_time_target, f"p{one.response_time_percentile}", name) for one, name in rows]
    return {
        "duration": planned,
        "asked": _asked_requests(run) if rate else curve,
        "asked_in": "tps" if rate else "vus",
        "bands": [asdict(band) for band in shape.bands(curve, rate=rate)],
        "targets": {
            "tps": _lines([(run.target_tps, "", "")], lambda value: f"{numbers.plain(value)}{numbers.GAP}req/s"),
            "latency": _lines(slow, numbers.ms),
            "errors": _lines([(one.error_rate_target, "", name) for one, name in rows], numbers.limit),
        },
    }


def _lines(targets: list[tuple[float | None, str, str]], as_text: Any) -> list[dict[str, Any]]:
    """One line for each different value and percentile; named after its scenarios only where there is more than one."""
    names: dict[tuple[float, str], list[str]] = {}
    for value, percentile, name in targets:
        if value is not None:
            names.setdefault((value, percentile), []).append(name)
    shown = []
    for (value, percentile), of in sorted(names.items()):
        name = _("target %(value)s") % {"value": as_text(value)}
        name = f"{percentile} {name}" if percentile else name
        if len(names) > 1:
            name = f"{name} · {', '.join(of[:2])}{' …' if len(of) > 2 else ''}"
        shown.append({"value": value, "name": name})
    return shown
