"""What happened in a stretch of time, as counts that are whole and response times that can be merged. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from history.metrics.native_histogram import Histogram

Place = tuple[str, str]  # scenario tag and step ("" in scenarios of one step)


@dataclass(slots=True)
class Cell:
    """The requests of one scenario (or of a step, a stage, or of all) in a stretch of time. Every count is whole, those
    of `spread` too: it holds as many response times as there are requests.

    `failures`: requests that k6 took for failed, and those of which only a check or an extraction failed.
    `dropped`: iterations that k6 could not begin in time. `checks_failed` and `checks_passed`: checks and extractions,
    not requests. `sent`, `received`: bytes over the wire. `answers`: requests by HTTP status, or by "0:" and k6's
    number of the error where there was no answer.
    """

    requests: int = 0
    failures: int = 0
    spread: Histogram = field(default_factory=Histogram)
    iterations: int = 0
    dropped: int = 0
    checks_failed: int = 0
    checks_passed: int = 0
    sent: int = 0
    received: int = 0
    answers: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Cell") -> None:
        """Adds another cell in place."""
        self.failures += other.failures
        self.iterations += other.iterations
        self.dropped += other.dropped
        self.checks_failed += other.checks_failed
        self.checks_passed += other.checks_passed
        self.sent += other.sent
        self.received += other.received
        if other.requests:
            self.requests += other.requests
            self.spread.add(other.spread)
            answers = self.answers
            for answer, count in other.answers.items():
                answers[answer] = answers.get(answer, 0) + count

    @property
    def error_rate(self) -> float | None:
        """Failed requests in percent; None without requests. What a check found may be told a push later than its
        request: a second then has a failure too many for its requests, and no more than all of them failed."""
        return min(100.0, 100.0 * self.failures / self.requests) if self.requests else None


@dataclass(frozen=True)
class Second:
    """What happened in [origin + t, origin + t + 1). `vus` is None where no generator said. `cells` by scenario tag;
    `steps` only of scenarios that have several. `places`: what both are made of; that of a scenario with steps which
    belongs to none of them, as iterations, is at step ""."""

    t: int
    vus: float | None
    cells: dict[str, Cell]
    steps: dict[Place, Cell] = field(default_factory=dict)
    places: dict[Place, Cell] = field(default_factory=dict)

    @cached_property
    def total(self) -> Cell:
        """All scenarios together; not to be changed."""
        return sum_cells(self.cells.values())


@dataclass(frozen=True, slots=True)
class Numbers:
    """A cell as numbers: req/s, percent, milliseconds; None where there was nothing to measure."""

    requests: int
    failures: int
    tps: float
    error_rate: float | None
    avg: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


def sum_cells(cells: Iterable[Cell]) -> Cell:
    """The sum of several cells as a new one."""
    whole = Cell()
    for cell in cells:
        whole.add(cell)
    return whole


def numbers(cell: Cell, duration: float = 1.0) -> Numbers:
    """The numbers of `cell`, which lasted `duration` seconds."""
    spread = cell.spread
    p50, p90, p95, p99 = spread.percentiles(0.50, 0.90, 0.95, 0.99)
    return Numbers(
        requests=cell.requests,
        failures=cell.failures,
        tps=cell.requests / duration if duration > 0 else 0.0,
        error_rate=cell.error_rate,
        avg=spread.average,
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
    )
