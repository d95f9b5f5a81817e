"""The charts of a finished run as pictures, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from history import shape
from history.drawing import Bar, Line, Mark, Target, bars, heat_chart, line_chart
from history.models import ScenarioHistory, TestHistory
from history.templatetags import numbers
from metricvault.lib.errors import Missing

TITLES: dict[str, Any] = {
    "throughput": gettext_lazy("Throughput"),
    "response-time": gettext_lazy("Response time"),
    "errors": gettext_lazy("Error rate"),
    "users": gettext_lazy("Virtual users"),
    "dropped": gettext_lazy("Dropped iterations"),
    "checks": gettext_lazy("Checks"),
    "data": gettext_lazy("Data"),
    "heatmap": gettext_lazy("Response times over time"),
    "distribution": gettext_lazy("Distribution of response times"),
}
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Seconds:
    """What is kept of the run's seconds, or of one scenario's: a long run over stretches of `step` seconds, with the
    lowest and highest second of each. Counts are those of the whole stretch."""

    columns: Mapping[str, list[Any]]
    heatmap: Mapping[str, Any]
    planned: float
    step: int = 1

    def line(self, name: str, column: str, key: str, *, factor: float = 1.0, **more: Any) -> Line | None:
        """A curve with the band of its seconds; None where nothing of it was measured."""
        xs, ys = self.columns.get("t") or [], self.columns.get(column) or []
        if not any(y is not None for y in ys):
            return None
        low, high = (self._scaled(f"{column}_{end}", factor) for end in ("min", "max"))
        band: dict[str, Any] = {"low": low, "high": high} if len(low) == len(xs) == len(high) else {}
        return Line(name, key, xs, self._scaled(column, factor), **band, **more)

    def counted(self, name: str, column: str, key: str, *, factor: float = 1.0, **more: Any) -> Line | None:
        """A curve of counts, by second."""
        return self.line(name, column, key, factor=factor / self.step, **more)

    def _scaled(self, column: str, factor: float) -> list[float | None]:
        return [None if y is None else y * factor for y in self.columns.get(column) or []]


def seconds(run: TestHistory, scenario: ScenarioHistory | None = None) -> Seconds:
    """The stretches that a chart draws; empty where none are kept."""
    kept: Any = run.timelines.filter(scenario=scenario).values("columns", "overview", "heatmap").first() or {}
    short = kept.get("overview") or {"step": 1, "columns": kept.get("columns") or {}}
    planned = shape.duration(run.plan_snapshot)
    return Seconds(short["columns"], kept.get("heatmap") or {}, planned, short["step"])


def names(kept: Seconds) -> list[str]:
    """The charts that have something to show."""

    def some(*columns: str) -> bool:
        return any(value for column in columns for value in kept.columns.get(column) or [])

    shown = {
        "throughput": bool(kept.columns.get("t")),
        "response-time": some("p95"),
        "errors": some("requests"),
        "users": some("vus"),
        "dropped": some("dropped"),
        "checks": some("checks_failed"),
        "data": some("sent", "received"),
        "heatmap": bool(kept.heatmap.get("counts")),
        "distribution": bool(kept.heatmap.get("counts")),
    }
    return [name for name in TITLES if shown[name]]


def chart(run: TestHistory, name: str, kept: Seconds, scenario: ScenarioHistory | None = None, **size: Any) -> str:
    """The picture as SVG. `Missing` for a name that is none."""
    if name not in TITLES:
        raise Missing(_("There is no chart of this name. There are: %(names)s.") % {"names": ", ".join(TITLES)})
    title = f"{TITLES[name]} · {scenario.name if scenario else run.title}"
    if name == "heatmap":
        look: dict[str, Any] = {"words": _("requests"), "form": _time, "count": numbers.count, **size}
        return heat_chart(kept.heatmap, title=title, bands=_bands(run), **look)
    if name == "distribution":
        return _distribution(run, scenario, kept, title, size)
    lines, form, more = _LINES[name](run, kept, scenario)
    end = max([kept.planned, *(kept.columns.get("t") or [])[-1:], 1.0])
    found = [line for line in lines if line]
    return line_chart(found, title=title, form=form, span=(0.0, end), bands=_bands(run), **more, **size)


def _time(value: float) -> str:
    """A response time on an axis."""
    big = value >= 1000
    return f"{numbers.plain(value / 1000 if big else value)}{numbers.GAP}{'s' if big else 'ms'}"


def _percent(value: float) -> str:
    return f"{numbers.plain(value)}{numbers.GAP}%"


def _bands(run: TestHistory) -> list[shape.Band]:
    rate = shape.in_rates(run.plan_snapshot)
    curve = shape.asked_rate(run.plan_snapshot) if rate else shape.asked(run.plan_snapshot)
    return shape.bands(curve, rate=rate)


def _asked(curve: shape.Curve) -> Line | None:
    if not curve:
        return None
    return Line(_("asked"), "asked", [t for t, _load in curve], [load for _t, load in curve], dash="dash", stroke=1.5)


_Drawn = tuple[list[Line | None], Callable[[float], str], dict[str, Any]]


def _throughput(run: TestHistory, kept: Seconds, scenario: ScenarioHistory | None) -> _Drawn:
    target = scenario.tps_target if scenario else run.target_tps
    words = _("target %(value)s") % {"value": f"{numbers.plain(target)} req/s"}
    targets = [] if target is None else [Target(target, words)]
    one_step = all(len(one.get("steps", ())) < 2 for one in run.plan_snapshot.get("scenarios", []))
    rate = not scenario and one_step and shape.in_rates(run.plan_snapshot)
    asked = _asked(shape.asked_rate(run.plan_snapshot)) if rate else None
    lines = [asked, kept.line(_("requests per second"), "tps", "tps")]
    return lines, numbers.plain, {"unit": "req/s", "targets": targets, "least": 4.0}


def _response_time(run: TestHistory, kept: Seconds, scenario: ScenarioHistory | None) -> _Drawn:
    lines = [
        kept.line("p50", "p50", "p50", stroke=1.25),
        kept.line("p99", "p99", "p99", dash="dot", stroke=1.5),
        kept.line("p95", "p95", "p95", stroke=2),
    ]
    row = scenario or run
    targets = []
    if row.response_time_target is not None:
        words = _("target %(value)s") % {"value": numbers.ms(row.response_time_target)}
        targets = [Target(row.response_time_target, f"p{row.response_time_percentile} {words}")]
    return lines, _time, {"targets": targets, "least": 10.0}


def _errors(run: TestHistory, kept: Seconds, scenario: ScenarioHistory | None) -> _Drawn:
    target = (scenario or run).error_rate_target
    words = _("target %(value)s") % {"value": numbers.limit(target)}
    targets = [] if target is None else [Target(target, words)]
    line = kept.line(_("failed requests"), "error_rate", "err", area=True)
    return [line], _percent, {"targets": targets, "least": 1.0}


def _users(run: TestHistory, kept: Seconds, scenario: ScenarioHistory | None) -> _Drawn:
    asked = None if shape.in_rates(run.plan_snapshot) else _asked(shape.asked(run.plan_snapshot))
    return [asked, kept.line(_("active users"), "vus", "vus")], numbers.plain, {"unit": "VUs", "least": 4.0}


def _dropped(run: TestHistory, kept: Seconds, scenario: ScenarioHistory | None) -> _Drawn:
    line = kept.counted(_("iterations never begun"), "dropped", "err", area=True)
    return [line], numbers.plain, {"unit": "/s", "least": 4.0}


def _checks(run: TestHistory, kept: Seconds, scenario: ScenarioHistory | None) -> _Drawn:
    lines = [
        kept.counted(_("passed"), "checks_passed", "checks"),
        kept.counted(_("failed"), "checks_failed", "err", area=True),
    ]
    return lines, numbers.plain, {"unit": "/s", "least": 4.0}


def _data(run: TestHistory, kept: Seconds, scenario: ScenarioHistory | None) -> _Drawn:
    share = 1 / _MEGABYTE
    lines = [
        kept.counted(_("received"), "received", "received", factor=share),
        kept.counted(_("sent"), "sent", "sent", factor=share, dash="dash"),
    ]
    return lines, numbers.plain, {"unit": "MB/s"}


_LINES: dict[str, Callable[[TestHistory, Seconds, ScenarioHistory | None], _Drawn]] = {
    "throughput": _throughput,
    "response-time": _response_time,
    "errors": _errors,
    "users": _users,
    "dropped": _dropped,
    "checks": _checks,
    "data": _data,
}


def _distribution(
    run: TestHistory, scenario: ScenarioHistory | None, kept: Seconds, title: str, size: dict[str, Any]
) -> str:
    """The counts of the heatmap, over the whole time."""
    columns = kept.heatmap.get("counts") or []
    rows = kept.heatmap.get("rows") or []
    found = [Bar(low, high, sum(column[at] for column in columns)) for at, (low, high) in enumerate(rows)]
    row = scenario or run
    values = {name: getattr(row, f"{name}_response_time") for name in ("p50", "p95", "p99")}
    marks = [Mark(value, f"{name} {numbers.ms(value)}", name) for name, value in values.items() if value]
    return bars(found, title=title, form=_time, count=numbers.count, unit=_("requests"), marks=marks, **size)
