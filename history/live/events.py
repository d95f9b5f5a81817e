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
    p95: float | None
    p99: float | None
    error_rate: float | None
    requests: int
    failures: int
    total_requests: int
    failed_requests: int
    totals: Totals


class LiveMessage(TypedDict):
    """One second of a run, or, where `t` is None, only a new status of it.

    `requests` and `failures` are those of the second, `total_requests` and `failed_requests` those since the start:
    the sum of the former over all messages is the latter of the last one.
    """

    test_history_id: int
    t: int | None
    status: str
    tps: float | None
    avg: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    error_rate: float | None
    vus: float | None
    requests: int
    failures: int
    total_requests: int
    failed_requests: int
    totals: Totals
    scenarios: list[ScenarioNumbers]


def totals_of(cell: Cell, duration: float) -> Totals:
    """The totals of everything in `cell`, `duration` seconds after the start."""
    found = numbers(cell, duration)
    return Totals(
        avg_tps=found.tps if duration > 0 else None,
        avg=found.avg,
        p50=found.p50,
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
    now = numbers(second.total)
    return LiveMessage(
        test_history_id=run_id,
        t=second.t,
        status=status,
        tps=now.tps,
        avg=now.avg,
        p50=now.p50,
        p95=now.p95,
        p99=now.p99,
        error_rate=now.error_rate,
        vus=second.vus,
        requests=now.requests,
        failures=now.failures,
        total_requests=whole.requests,
        failed_requests=whole.failures,
        totals=totals_of(whole, second.t + 1),
        scenarios=scenarios,
    )


def _scenario(tag: str, name: str, endpoint: str, second: Second, since_start: Cell) -> ScenarioNumbers:
    now = numbers(second.cells.get(tag, Cell()))
    return ScenarioNumbers(
        tag=tag,
        name=name,
        endpoint=endpoint,
        tps=now.tps,
        avg=now.avg,
        p50=now.p50,
        p95=now.p95,
        p99=now.p99,
        error_rate=now.error_rate,
        requests=now.requests,
        failures=now.failures,
        total_requests=since_start.requests,
        failed_requests=since_start.failures,
        totals=totals_of(since_start, second.t + 1),
    )


def status_message(run_id: int, status: str, total: int, failed: int) -> LiveMessage:
    """Tells a new status only."""
    nothing = Totals(avg_tps=None, avg=None, p50=None, p95=None, p99=None, error_rate=None)
    return LiveMessage(
        test_history_id=run_id,
        t=None,
        status=status,
        tps=None,
        avg=None,
        p50=None,
        p95=None,
        p99=None,
        error_rate=None,
        vus=None,
        requests=0,
        failures=0,
        total_requests=total,
        failed_requests=failed,
        totals=nothing,
        scenarios=[],
    )
