"""Every measure of a small run, worked out by hand.

Four seconds, a push a microsecond before the end of each, so that nothing is divided. All answers took 520 ms, in
one bucket, (500, 545.25] ms; two requests of the last second got no answer and took no time.

| second | stage | VUs | 200 | 503 | no answer | iterations | sent | received | checks passed, failed |
|---|---|---|---|---|---|---|---|---|---|
| 0 | 1 | 2 | 10 |   |   | 10 | 1,000 | 4,000 | 9, 1 |
| 1 | 1 | 4 | 20 |   |   | 20 | 2,000 | 8,000 | 20, 0 |
| 2 | 2 | 4 | 18 | 2 |   | 20 | 2,000 | 8,000 | 18, 2 |
| 3 | 2 | 4 | 20 |   | 2 | 22 | 2,200 | 8,000 | 20, 2 |

The failed check of second 0 makes one of its requests a failed one. The iteration that k6 dropped in second 2 has no
stage of its own; it is that of its second.
"""

from typing import Any

import pytest
from django.contrib.auth.models import User

from history.heatmap import heatmap
from history.live.events import second_message
from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import CounterKey, RequestKey, Snapshot
from history.metrics.stores import open_store
from history.metrics.timeline import Cell, build
from history.models import Iterated, Kind, TestHistory
from history.recording import record
from history.replay import create_run
from history.spans import span
from history.states import Status
from history.timeseries import overview, timeseries
from projects.models import Project

pytestmark = pytest.mark.django_db
START = 1_700_000_000.0
STAGES = [{"duration": 2, "target": 4}, {"duration": 2, "target": 4}]


def key(stage: str, status: str = "200", error: str = "", expected: bool = True) -> RequestKey:
    return RequestKey("s01", "GET /a", status, error, expected, stage=stage)


def answered(count: int) -> Histogram:
    """So many answers of 520 ms."""
    return Histogram(count, 520.0 * count, 0, {-7: count})


def counters(stage: str, iterations: int, received: int, passed: int, failed: int, **more: int) -> dict[str, float]:
    named = {"iterations": iterations, "data_sent": 100 * iterations, "data_received": received, **more}
    found = {str(CounterKey(name, "s01", stage=stage)): float(value) for name, value in named.items()}
    for ok, value in (("true", passed), ("false", failed)):
        found[str(CounterKey("mv_checks", "s01", "", "c1", ok, stage))] = float(value)
    return found


def pushes() -> list[Snapshot]:
    """Cumulative, as k6 sends them."""
    refused = {key("2", "0", "1212", False): Histogram(2, 0.0, 2)}
    failed = {key("2", "503", "1503", False): answered(2)}
    dropped = {str(CounterKey("dropped_iterations", "s01")): 1.0}
    sent: list[tuple[float, dict[RequestKey, Histogram], dict[str, float]]] = [
        (2, {key("1"): answered(10)}, counters("1", 10, 4_000, 9, 1, mv_failed=1)),
        (4, {key("1"): answered(30)}, counters("1", 30, 12_000, 29, 1, mv_failed=1)),
        (4, {key("2"): answered(18), **failed}, counters("2", 20, 8_000, 18, 2) | dropped),
        (4, {key("2"): answered(38), **failed, **refused}, counters("2", 42, 16_000, 38, 4) | dropped),
    ]
    return [
        Snapshot("1", START + at - 2**-20, requests, vus, START if at == 1 else None, counted)
        for at, (vus, requests, counted) in enumerate(sent, 1)
    ]


@pytest.fixture
def run(alice: User) -> TestHistory:
    """Recorded without k6's summary, so that all comes from the pushes."""
    request = {"name": "GET /a"}
    step = {"name": "", "request": request, "checks": [], "extracts": []}
    scenario = {
        "tag": "s01",
        "name": "A",
        "executor": "ramping-vus",
        "think_time": 0,
        "stages": STAGES,
        "steps": [step],
    }
    scenario |= {"response_time_target": None, "error_rate_target": None}
    plan = {"title": "By hand", "scenarios": [scenario]}
    made = create_run(plan, Project.objects.create(title="Shop", owner=alice), Status.COLLECTING)
    open_store().write(made.pk, pushes())
    record(made, [])
    TestHistory.objects.filter(pk=made.pk).update(status=Status.COMPLETED)
    made.refresh_from_db()
    return made


def inside(rank: float, of: int) -> float:
    """The value at `rank` of `of` requests in their bucket, alone: its place on the logarithm from 500 to 545.25 ms."""
    return float(500 * 2 ** (rank / of / 8))


def columns(row: Iterated, *names: str) -> list[Any]:
    return [getattr(row, name) for name in names]


def test_the_run(run: TestHistory) -> None:
    assert (run.total_requests, run.test_duration) == (72, 4.0)  # 10 + 20 + 20 + 22
    assert run.failed_requests == 5  # 2 answered with 503, 2 not answered, 1 failed a check
    assert run.avg_error_rate == pytest.approx(100 * 5 / 72)
    # By second: 1 of 10, 0 of 20, 2 of 20, 2 of 22.
    assert (run.max_error_rate, run.min_error_rate) == (10.0, 0.0)
    assert (run.avg_tps, run.max_tps, run.min_tps) == (18.0, 22.0, 10.0)  # 72 in 4 s
    assert run.avg_response_time == pytest.approx(70 * 520 / 72)
    # The rank of p50 is 0.5 * (72 - 1) + 0.5 = 36; 2 took no time, so it is the 34th of the 70 others.
    assert run.p50_response_time == pytest.approx(inside(34, 70))
    assert run.p90_response_time == pytest.approx(inside(62.4, 70))  # 0.90 * 71 + 0.5 - 2
    assert run.p95_response_time == pytest.approx(inside(65.95, 70))  # 0.95 * 71 + 0.5 - 2
    assert run.p99_response_time == pytest.approx(inside(68.79, 70))  # 0.99 * 71 + 0.5 - 2
    assert run.min_response_time == 0.0
    assert run.max_response_time == pytest.approx(inside(69.5, 70))  # the last of them, in the middle of its share
    assert (run.min_vus, run.avg_vus, run.max_vus) == (2.0, 3.5, 4.0)
    assert columns(run, "iterations", "dropped_iterations", "checks_passed", "checks_failed") == [72, 1, 67, 5]
    assert columns(run, "data_sent", "data_received") == [7_200, 28_000]
    assert run.answers == {"200": 68, "503": 2, "0:1212": 2}


def test_its_stages_and_phases(run: TestHistory) -> None:
    scenario = run.scenarios.get()
    first, second = scenario.stages.all()
    assert (first.kind, second.kind) == (Kind.RAMP_UP, Kind.STEADY)  # from 0 to 4 users, then 4
    of_run = {phase.kind: phase for phase in run.phases.filter(scenario=None)}
    of_scenario = {phase.kind: phase for phase in scenario.phases.all()}
    for row in (first, of_run[Kind.RAMP_UP], of_scenario[Kind.RAMP_UP]):
        assert columns(row, "total_requests", "failed_requests", "test_duration") == [30, 1, 2.0]
        assert columns(row, "avg_tps", "min_tps", "max_tps") == [15.0, 10.0, 20.0]
        assert columns(row, "avg_response_time", "max_error_rate") == [520.0, 10.0]
        assert row.avg_error_rate == pytest.approx(100 * 1 / 30)
        assert row.p90_response_time == pytest.approx(inside(26.6, 30))  # 0.9 * 29 + 0.5
        assert columns(row, "iterations", "dropped_iterations", "checks_passed", "checks_failed") == [30, 0, 29, 1]
        assert columns(row, "data_sent", "data_received") == [3_000, 12_000]
    for row in (second, of_run[Kind.STEADY], of_scenario[Kind.STEADY]):
        assert columns(row, "total_requests", "failed_requests", "test_duration") == [42, 4, 2.0]
        assert columns(row, "avg_tps", "min_tps", "max_tps") == [21.0, 20.0, 22.0]
        assert row.avg_response_time == pytest.approx(40 * 520 / 42)
        assert row.p95_response_time == pytest.approx(inside(37.45, 40))  # 0.95 * 41 + 0.5 - 2
        assert columns(row, "iterations", "dropped_iterations", "checks_passed", "checks_failed") == [42, 1, 38, 4]
        assert columns(row, "data_sent", "data_received") == [4_200, 16_000]
    up, steady = of_run[Kind.RAMP_UP], of_run[Kind.STEADY]
    assert (up.min_vus, up.avg_vus, up.max_vus) == (2.0, 3.0, 4.0)
    assert (steady.min_vus, steady.avg_vus, steady.max_vus) == (4.0, 4.0, 4.0)


def test_its_only_scenario_and_step_are_the_run(run: TestHistory) -> None:
    scenario = run.scenarios.get()
    step = scenario.steps.get()
    for name in ("total_requests", "failed_requests", "avg_tps", "p90_response_time", "p99_response_time", "min_tps"):
        assert getattr(scenario, name) == getattr(step, name) == getattr(run, name)
    assert scenario.answers == run.answers


def test_its_seconds(run: TestHistory) -> None:
    found = timeseries(run)
    assert found["requests"] == [10, 20, 20, 22]
    assert found["failures"] == [1, 0, 2, 2]
    assert found["vus"] == [2.0, 4.0, 4.0, 4.0]
    assert (found["sent"], found["received"]) == ([1_000, 2_000, 2_000, 2_200], [4_000, 8_000, 8_000, 8_000])
    assert (found["checks_passed"], found["checks_failed"]) == ([9, 20, 18, 20], [1, 0, 2, 2])
    assert found["dropped"] == [0, 0, 1, 0]
    assert found["p90"][0] == pytest.approx(inside(8.6, 10))  # 0.9 * 9 + 0.5


def test_it_in_two_stretches(run: TestHistory) -> None:
    found = overview(run, step=2)
    assert (found["tps"], found["tps_min"], found["tps_max"]) == ([15.0, 21.0], [10.0, 20.0], [20.0, 22.0])
    assert found["error_rate"] == pytest.approx([100 * 1 / 30, 100 * 4 / 42])
    assert found["p95"][1] == pytest.approx(inside(37.45, 40))
    assert (found["sent"], found["vus"]) == ([3_000, 4_200], [3.0, 4.0])


def test_a_span_of_it(run: TestHistory) -> None:
    """Seconds 1 and 2: 20 answers, then 18 and 2 that failed."""
    found = span(run, 1, 3)
    assert found is not None
    whole = found.whole
    assert (whole.numbers.requests, whole.numbers.failures, whole.numbers.tps) == (40, 2, 20.0)
    assert whole.numbers.error_rate == 5.0
    assert whole.numbers.p90 == pytest.approx(inside(35.6, 40))  # 0.9 * 39 + 0.5
    assert (whole.min_tps, whole.max_tps) == (20.0, 20.0)
    assert (whole.iterations, whole.dropped, whole.checks_passed, whole.checks_failed) == (40, 1, 38, 2)
    assert (whole.sent, whole.received, whole.answers) == (4_000, 16_000, {"200": 38, "503": 2})
    assert [(round(bar.low_ms), round(bar.high_ms), bar.count) for bar in found.distribution] == [(500, 545, 40)]
    assert (found.vus_min, found.vus_avg, found.vus_max) == (4.0, 4.0, 4.0)


def test_its_heatmap(run: TestHistory) -> None:
    found = heatmap(run)
    assert [[round(low), round(high)] for low, high in found["rows"]] == [[0, 0], [500, 545]]
    assert found["counts"] == [[0, 10], [0, 20], [0, 20], [2, 20]]


def test_its_third_second_on_the_live_page() -> None:
    _origin, seconds = build(pushes())
    so_far: dict[str, Cell] = {"s01": Cell()}
    for second in seconds[:3]:
        so_far["s01"].add(second.cells["s01"])
    message = second_message(1, "running", seconds[2], so_far, {"s01": ("A", "GET /a")})
    assert (message["requests"], message["failures"], message["total_requests"]) == (20, 2, 50)
    assert (message["sent"], message["total_sent"]) == (2_000, 5_000)
    assert (message["checks_passed"], message["total_checks_passed"]) == (18, 47)
    assert message["p90"] == pytest.approx(inside(17.6, 20))  # 0.9 * 19 + 0.5
    assert message["answers"] == message["scenarios"][0]["answers"] == {"200": 48, "503": 2}
    assert message["totals"]["avg_tps"] == pytest.approx(50 / 3)
