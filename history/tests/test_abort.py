"""A target that is missed for so many seconds in a row ends the run; anything less does not."""

from typing import Any

import pytest

from history.metrics import abort
from history.metrics.abort import Broken, Limit, Watch
from history.metrics.native_histogram import Histogram
from history.metrics.timeline import Cell, Second
from history.pace import Asked

FAST, SLOW = 10.0, 900.0


def times(milliseconds: float, count: int) -> Histogram:
    """So many requests that all took about as long."""
    shift = 0
    while 2 ** ((shift + 79.7) / 8) < milliseconds:  # the bucket that holds it: log2(1000) octaves of 8
        shift += 1
    while 2 ** ((shift - 1 + 79.7) / 8) >= milliseconds:
        shift -= 1
    return Histogram(count, milliseconds * count, 0, {shift: count})


def second(t: int, milliseconds: float = FAST, count: int = 10, failures: int = 0, tag: str = "s01") -> Second:
    return Second(t, 1.0, {tag: Cell(count, failures, times(milliseconds, count))} if count else {})


def plan(after: float | None = 3, executor: str = "constant-vus", **scenario: Any) -> dict[str, Any]:
    stages = [{"duration": 5.0, "target": 10}, {"duration": 20.0, "target": 10}, {"duration": 5.0, "target": 0}]
    one = {"tag": "s01", "executor": executor, "stages": stages, **scenario}
    return {"scenarios": [one], "targets": {"abort_after": after}}


def watched(plan: dict[str, Any], seconds: list[Second]) -> Broken | None:
    found = abort.watch(plan, Asked(plan).full)
    for one in seconds:
        assert found
        found.add(one)
    return found.broken if found else None


@pytest.mark.parametrize("executor", ["constant-vus", "ramping-vus"])
def test_three_slow_seconds_in_a_row_are_enough(executor: str) -> None:
    asked = plan(3, executor, response_time_target=500.0, response_time_percentile=90)
    seconds = [second(0), *(second(t, SLOW) for t in (1, 2, 3)), second(4)]
    broken = watched(asked, seconds)
    assert broken
    assert (broken.limit.kind, broken.t, broken.seconds) == ("p90", 3, 3)
    assert broken.value == pytest.approx(SLOW, rel=0.1)


def test_a_good_second_begins_the_count_again() -> None:
    asked = plan(3, response_time_target=500.0, response_time_percentile=95)
    assert watched(asked, [second(t, FAST if t % 3 == 2 else SLOW) for t in range(12)]) is None


def test_a_second_without_requests_says_nothing() -> None:
    asked = plan(4, response_time_target=500.0, response_time_percentile=95)
    frozen = [second(0, SLOW), second(1, count=0), second(2, count=0), second(3, SLOW)]
    broken = watched(asked, frozen)
    assert broken
    assert broken.seconds == 4
    assert watched(asked, [second(t, count=0) for t in range(9)]) is None


def test_the_percentile_is_the_chosen_one() -> None:
    """One slow request of ten: over a p95, not over a p50."""
    mixed = [Second(t, 1.0, {"s01": Cell(10, 0, times(FAST, 9))}) for t in range(5)]
    for one in mixed:
        one.cells["s01"].spread.add(times(SLOW, 1))
    assert watched(plan(3, response_time_target=500.0, response_time_percentile=95), mixed)
    assert watched(plan(3, response_time_target=500.0, response_time_percentile=50), mixed) is None


def test_errors_end_it_too() -> None:
    broken = watched(plan(2, error_rate_target=5.0), [second(0), second(1, failures=2), second(2, failures=4)])
    assert broken
    assert (broken.limit.kind, broken.value) == ("errors", pytest.approx(30.0))


def test_throughput_is_judged_where_the_full_load_is_asked_for() -> None:
    """10 users from 5 s to 25 s: what is less before and after is as planned."""
    asked = plan(3, "ramping-vus", tps_target=50.0)
    good = [second(t, count=60 if 5 <= t < 25 else 5) for t in range(30)]
    assert watched(asked, good) is None
    broken = watched(asked, [second(t, count=40 if t >= 8 else 60) for t in range(30)])
    assert broken
    assert (broken.limit.kind, broken.t, broken.value) == ("tps", 10, 40.0)


def test_the_run_as_a_whole_has_targets_of_its_own() -> None:
    asked = plan(2)
    asked["targets"] |= {"response_time": 500.0, "response_time_percentile": 99, "error_rate": None, "tps": None}
    seconds = [Second(t, 1.0, {"s01": Cell(10, 0, times(FAST, 10)), "s02": Cell(2, 0, times(SLOW, 2))}) for t in (0, 1)]
    broken = watched(asked, seconds)
    assert broken
    assert broken.limit == Limit("", "p99", 500.0)


def test_without_a_wish_or_without_targets_nothing_is_watched() -> None:
    asked = plan(None, error_rate_target=1.0)
    assert abort.watch(asked, Asked(asked).full) is None
    assert abort.watch(plan(5), Asked(plan(5)).full) is None
    assert abort.watch({"scenarios": []}, Asked({}).full) is None  # a run of before there were targets of the whole


def test_what_broke_first_stays() -> None:
    watch = Watch([Limit("s01", "errors", 1.0), Limit("s01", "p95", 500.0)], 1, lambda tag, t: True)
    first = watch.add(second(0, failures=5))
    assert first
    assert watch.add(second(1, SLOW)) is first
