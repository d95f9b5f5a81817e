"""The numbers of a part of a run (all of it, a scenario, a step, a stage, a span) as tables show them.

They come from the columns of the models, or, for a chosen span, from `history.spans`; nothing is computed again here.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy

from history.models import Measured
from history.templatetags import numbers

_COLUMNS = {  # by figure, the column of Iterated that holds it
    "requests": "total_requests",
    "failed": "failed_requests",
    "tps": "avg_tps",
    "min_tps": "min_tps",
    "max_tps": "max_tps",
    "avg": "avg_response_time",
    "min": "min_response_time",
    "max": "max_response_time",
    "p50": "p50_response_time",
    "p90": "p90_response_time",
    "p95": "p95_response_time",
    "p99": "p99_response_time",
    "error_rate": "avg_error_rate",
    "min_error_rate": "min_error_rate",
    "max_error_rate": "max_error_rate",
    "iterations": "iterations",
    "dropped": "dropped_iterations",
    "checks_passed": "checks_passed",
    "checks_failed": "checks_failed",
    "sent": "data_sent",
    "received": "data_received",
    "duration": "test_duration",
    "vus": "avg_vus",
    "min_vus": "min_vus",
    "max_vus": "max_vus",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, req/s, milliseconds, percent, bytes, seconds; None: not measured, or not known of this part."""

    requests: int | None = None
    failed: int | None = None
    tps: float | None = None
    min_tps: float | None = None
    max_tps: float | None = None
    avg: float | None = None
    min: float | None = None
    max: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    error_rate: float | None = None
    min_error_rate: float | None = None
    max_error_rate: float | None = None
    iterations: int | None = None
    dropped: int | None = None
    checks_passed: int | None = None
    checks_failed: int | None = None
    sent: int | None = None
    received: int | None = None
    duration: float | None = None
    vus: float | None = None
    min_vus: float | None = None
    max_vus: float | None = None

    def percentile(self, name: str) -> float | None:
        """By name: "p95"."""
        value: float | None = getattr(self, name)
        return value


def of_row(row: Measured) -> Figures:
    """The recorded columns of a run, scenario, step, stage or phase."""
    return Figures(**{name: getattr(row, column, None) for name, column in _COLUMNS.items()})


def of_part(part: Any, seconds: float, users: tuple[float | None, float | None, float | None] | None = None) -> Figures:
    """A `history.spans.Part` that lasted `seconds`; `users`: lowest, average and highest number of virtual users."""
    found = part.numbers
    low, mean, high = users or (None, None, None)
    return Figures(
        requests=found.requests,
        failed=found.failures,
        tps=found.tps,
        min_tps=part.min_tps,
        max_tps=part.max_tps,
        avg=found.avg,
        min=part.min_ms,
        max=part.max_ms,
        p50=found.p50,
        p90=found.p90,
        p95=found.p95,
        p99=found.p99,
        error_rate=found.error_rate,
        iterations=part.iterations,
        dropped=part.dropped,
        checks_passed=part.checks_passed,
        checks_failed=part.checks_failed,
        sent=part.sent,
        received=part.received,
        duration=seconds,
        vus=mean,
        min_vus=low,
        max_vus=high,
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a wide table: its figure, its head, and how its numbers read."""

    name: str
    head: Any
    text: Callable[[Any], str]


WIDE = (
    Column("requests", gettext_lazy("Requests"), numbers.count),
    Column("failed", gettext_lazy("Failed"), numbers.count),
    Column("error_rate", gettext_lazy("Errors"), numbers.percent),
    Column("tps", "req/s", numbers.rate),
    Column("min_tps", gettext_lazy("lowest"), numbers.rate),
    Column("max_tps", gettext_lazy("highest"), numbers.rate),
    Column("avg", gettext_lazy("Average"), numbers.ms),
    Column("p50", "p50", numbers.ms),
    Column("p90", "p90", numbers.ms),
    Column("p95", "p95", numbers.ms),
    Column("p99", "p99", numbers.ms),
    Column("min", gettext_lazy("Shortest"), numbers.ms),
    Column("max", gettext_lazy("Longest"), numbers.ms),
    Column("iterations", gettext_lazy("Iterations"), numbers.count),
    Column("dropped", gettext_lazy("Never begun"), numbers.count),
    Column("checks_passed", gettext_lazy("Checks passed"), numbers.count),
    Column("checks_failed", gettext_lazy("Checks failed"), numbers.count),
    Column("vus", gettext_lazy("VUs"), numbers.rate),
    Column("received", gettext_lazy("Received"), numbers.size),
    Column("sent", gettext_lazy("Sent"), numbers.size),
)
_ALWAYS = frozenset({"requests", "failed", "error_rate", "tps", "p50", "p95", "p99"})
_IF_ANY = frozenset({"dropped", "checks_passed", "checks_failed"})  # a column of zeros tells nothing


@dataclass(frozen=True, slots=True)
class Shown:
    """A number of a wide table; `over`: it misses its target."""

    text: str
    over: bool


def wide_columns(rows: Iterable[Figures]) -> list[Column]:
    """Those that some row has a value for."""
    every = list(rows)

    def has(name: str) -> bool:
        values = [getattr(row, name) for row in every]
        return any(values) if name in _IF_ANY else any(value is not None for value in values)

    return [column for column in WIDE if column.name in _ALWAYS or has(column.name)]


def wide_cells(figures: Figures, columns: Iterable[Column], over: Collection[str] = ()) -> list[Shown]:
    """One row of a wide table; `over`: the figures that miss their targets."""
    return [Shown(column.text(getattr(figures, column.name)), column.name in over) for column in columns]
