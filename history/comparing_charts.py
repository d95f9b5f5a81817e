"""The overlaid charts of a comparison: all runs as lines over the seconds since their start."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from history.comparing import Comparison
from history.comparing_seconds import Seconds
from history.drawing import Line, line_chart
from history.templatetags import numbers

WIDTH, HEIGHT = 430, 210  # as wide as on a phone its words can still be read


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its title; `svg` is "" where no run has the seconds of it."""

    title: str
    unit: str
    svg: SafeString


def charts(found: Comparison, drawn: Sequence[tuple[str, str, str]]) -> list[Chart]:
    """Throughput, p95, error rate and users; `drawn`: name, colour and stroke of each run's line."""
    wanted = [
        ("tps", _("Throughput"), "req/s", numbers.plain),
        ("p95", _("Response time, p95"), "", numbers.ms),
        ("error_rate", _("Error rate"), "", numbers.limit),
        ("vus", _("Virtual users"), _("VUs"), numbers.count),
    ]
    end = max((_end(seconds) for seconds in found.seconds), default=0.0)
    shown = []
    for column, title, unit, form in wanted:
        lines = [
            Line(name, key, seconds.columns.get("t", ()), seconds.columns[column], dash, stroke=1.5 if dash else 1.75)
            for seconds, (name, key, dash) in zip(found.seconds, drawn, strict=True)
            if any(value is not None for value in seconds.columns.get(column, ()))
        ]
        span = (0.0, max(end, 1.0))
        svg = line_chart(lines, title=title, unit=unit, form=form, width=WIDTH, height=HEIGHT, span=span)
        shown.append(Chart(title, unit, mark_safe(svg if lines else "")))  # noqa: S308  # nosec B308  # drawing escapes every word
    return shown


def _end(seconds: Seconds) -> float:
    times = seconds.columns.get("t", ())
    return float(times[-1]) if times else 0.0
