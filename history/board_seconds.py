"""The numbers of the charts as a table: what a screen reader, and whoever copies numbers, reads instead of lines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy

from history import shape
from history.board_span import Chosen
from history.models import TestHistory
from history.templatetags import numbers
from history.timeseries import overview

ROWS = 60


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    head: Any
    text: Callable[[Any], str]
    per_second: bool = False


_COLUMNS = (
    _Column("tps", "req/s", numbers.rate),
    _Column("tps_min", gettext_lazy("lowest"), numbers.rate),
    _Column("tps_max", gettext_lazy("highest"), numbers.rate),
    _Column("p50", "p50", numbers.ms),
    _Column("p90", "p90", numbers.ms),
    _Column("p95", "p95", numbers.ms),
    _Column("p99", "p99", numbers.ms),
    _Column("error_rate", gettext_lazy("Errors"), numbers.percent),
    _Column("vus", gettext_lazy("VUs"), numbers.rate),
    _Column("dropped", gettext_lazy("Never begun"), numbers.count),
    _Column("checks_passed", gettext_lazy("Checks passed"), numbers.count),
    _Column("checks_failed", gettext_lazy("Checks failed"), numbers.count),
    _Column("received", gettext_lazy("Received"), numbers.size),
    _Column("sent", gettext_lazy("Sent"), numbers.size),
)
_SPREAD = frozenset({"tps_min", "tps_max"})  # of the seconds in a stretch
_IF_ANY = frozenset({"dropped", "checks_passed", "checks_failed"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """Seconds [start, end) of a run; `texts` by column, `asked` of the load in their middle."""

    start: int
    end: int
    texts: list[str]


def table(run: TestHistory, span: Chosen | None) -> dict[str, Any]:
    """The span, or the whole run, in at most `ROWS` stretches. Raises `StoreError`."""
    series = overview(run, span.start if span else None, span.end if span else None, points=ROWS, tags=[])
    step: int = series["resolution"]
    columns = [column for column in _COLUMNS if _told(series.get(column.name, []), column.name, step)]
    rate = shape.in_rates(run.plan_snapshot)
    found = []
    for at, start in enumerate(series["t"]):
        texts = [column.text(series[column.name][at]) for column in columns]
        found.append(Stretch(start, min(start + step, series["end"]), texts))
    return {"run": run, "columns": columns, "stretches": found, "step": step, "asked_in": "tps" if rate else "vus"}


def _told(values: list[Any], name: str, step: int) -> bool:
    if name in _SPREAD and step == 1:
        return False
    return any(values) if name in _IF_ANY else any(value is not None for value in values)
