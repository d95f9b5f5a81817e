"""The live messages, one TypedDict each. A test holds docs/live-events.md and this file together.

Units: milliseconds, requests per second, percent 0 to 100, seconds. None: not measured.
"""

from typing import TypedDict

from history.metrics.timeline import Cell, Second, numbers


class Totals(TypedDict):
    """From the start of the load up to the end of the second."""

    avg_tps: float | None
    avg: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    error_rate: float | None


class ScenarioNumbers(TypedDict):
    """One scenario in one second."""

    tag: str
    name: str
    endpoint: str
    tps: float
    avg: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    error_rate: float | None
    requests: int
    failures: int
    iterations: int
    dropped: int
    checks_failed: int
    checks_passed: int
    sent: int
    received: int
    total_requests: int
    failed_requests: int
    total_iterations: int
    total_dropped: int
    total_checks_failed: int
    total_checks_passed: int
    total_sent: int
    total_received: int
    answers: dict[str, int]
    totals: Totals


class LiveMessage(TypedDict):
    """One second of a run, or, where `t` is None, only a new status of it.

    The counts of `COUNTS` are those of the second, and those since the start: the sum of the former over all messages
    is the latter of the last one.
    """

    test_history_id: int
    t: int | None
    status: str
    tps: float | None
    avg: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    error_rate: float | None
    vus: float | None
    requests: int
    failures: int
    iterations: int
    dropped: int
    checks_failed: int
    checks_passed: int
    sent: int
    received: int
    total_requests: int
    failed_requests: int
    total_iterations: int
    total_dropped: int
    total_checks_failed: int
    total_checks_passed: int
    total_sent: int
    total_received: int
    answers: dict[str, int]
    totals: Totals
    scenarios: list[ScenarioNumbers]


# Each count of a second with the same since the start; their sums are right whichever process sends a second.
COUNTS = (
    ("requests", "total_requests"),
    ("failures", "failed_requests"),
    ("iterations", "total_iterations"),
    ("dropped", "total_dropped"),
    ("checks_failed", "total_checks_failed"),
    ("checks_passed", "total_checks_passed"),
    ("sent", "total_sent"),
    ("received", "total_received"),
)


def totals_of(cell: Cell, duration: float) -> Totals:
    """The totals of everything in `cell`, `duration` seconds after the start."""
    found = numbers(cell, duration)
    return Totals(
        avg_tps=found.tps if duration > 0 else None,
        avg=found.avg,
        p50=found.p50,
        p90=found.p90,
        p95=found.p95,
        p99=found.p99,
        error_rate=found.error_rate,
    )


def second_message(
    run_id: int, status: str, second: Second, so_far: dict[str, Cell], labels: dict[str, tuple[str, str]]
) -> LiveMessage:
    """The message of one second. `so_far`: everything by scenario tag up to and with this second;
    `labels`: tag to (name, endpoint)."""
    whole = Cell()
    scenarios = []
    for tag, (name, endpoint) in labels.items():
        since_start = so_far.get(tag, Cell())
        whole.add(since_start)
        scenarios.append(_scenario(tag, name, endpoint, second, since_start))
    cell = second.total
    now = numbers(cell)
    return LiveMessage(
        test_history_id=run_id,
        t=second.t,
        status=status,
        tps=now.tps,
        avg=now.avg,
        p50=now.p50,
        p90=now.p90,
        p95=now.p95,
        p99=now.p99,
        error_rate=now.error_rate,
        vus=second.vus,
        requests=now.requests,
        failures=now.failures,
        iterations=cell.iterations,
        dropped=cell.dropped,
        checks_failed=cell.checks_failed,
        checks_passed=cell.checks_passed,
        sent=cell.sent,
        received=cell.received,
        total_requests=whole.requests,
        failed_requests=whole.failures,
        total_iterations=whole.iterations,
        total_dropped=whole.dropped,
        total_checks_failed=whole.checks_failed,
        total_checks_passed=whole.checks_passed,
        total_sent=whole.sent,
        total_received=whole.received,
        answers=dict(whole.answers),
        totals=totals_of(whole, second.t + 1),
        scenarios=scenarios,
    )


def _scenario(tag: str, name: str, endpoint: str, second: Second, since_start: Cell) -> ScenarioNumbers:
    cell = second.cells.get(tag, Cell())
    now = numbers(cell)
    return ScenarioNumbers(
        tag=tag,
        name=name,
        endpoint=endpoint,
        tps=now.tps,
        avg=now.avg,
        p50=now.p50,
        p90=now.p90,
        p95=now.p95,
        p99=now.p99,
        error_rate=now.error_rate,
        requests=now.requests,
        failures=now.failures,
        iterations=cell.iterations,
        dropped=cell.dropped,
        checks_failed=cell.checks_failed,
        checks_passed=cell.checks_passed,
        sent=cell.sent,
        received=cell.received,
        total_requests=since_start.requests,
        failed_requests=since_start.failures,
        total_iterations=since_start.iterations,
        total_dropped=since_start.dropped,
        total_checks_failed=since_start.checks_failed,
        total_checks_passed=since_start.checks_passed,
        total_sent=since_start.sent,
        total_received=since_start.received,
        answers=dict(since_start.answers),
        totals=totals_of(since_start, second.t + 1),
    )


def status_message(
    run_id: int, status: str, total: int, failed: int, iterations: int = 0, dropped: int = 0
) -> LiveMessage:
    """Tells a new status only."""
    nothing = Totals(avg_tps=None, avg=None, p50=None, p90=None, p95=None, p99=None, error_rate=None)
    return LiveMessage(
        test_history_id=run_id,
        t=None,
        status=status,
        tps=None,
        avg=None,
        p50=None,
        p90=None,
        p95=None,
        p99=None,
        error_rate=None,
        vus=None,
        requests=0,
        failures=0,
        iterations=0,
        dropped=0,
        checks_failed=0,
        checks_passed=0,
        sent=0,
        received=0,
        total_requests=total,
        failed_requests=failed,
        total_iterations=iterations,
        total_dropped=dropped,
        total_checks_failed=0,
        total_checks_passed=0,
        total_sent=0,
        total_received=0,
        answers={},
        totals=nothing,
        scenarios=[],
    )
