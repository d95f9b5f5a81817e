"""Failed checks, iterations and dropped ones: counters of k6, spread over seconds as requests are."""

import json
import random
import zlib
from dataclasses import replace

import pytest

from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import CounterKey, RequestKey, Snapshot, from_bytes, to_bytes
from history.metrics.timeline import Cell, Timeline, build, numbers
from history.tests.test_timeline import FAILED, OK, START, first, push

FIRST, SECOND = (RequestKey("s01", f"GET /{step}", "200", "", True, "", step) for step in ("1", "2"))

CREATED = RequestKey("s01", "GET /a", "201", "", True)


def counted(snapshot: Snapshot, **counters: float) -> Snapshot:
    """With counters of scenario s01."""
    named = {str(CounterKey(name, "s01")): value for name, value in counters.items()}
    return replace(snapshot, counters=named)


def failures(snapshots: list[Snapshot]) -> list[int]:
    return [second.total.failures for second in build(snapshots)[1]]


def test_a_failed_check_is_a_failure_of_its_second() -> None:
    snapshots = [counted(first(1, {OK: 10, FAILED: 1}), mv_failed=4), counted(push(2, {OK: 20}), mv_failed=5)]
    assert failures(snapshots) == [5, 1]


def test_failures_go_where_their_requests_went() -> None:
    """30 requests in (0, 1.5]: 20 and 10; half of them failed."""
    assert failures([counted(first(1.5, {OK: 30}), mv_failed=15)]) == [10, 5]


def test_each_failure_has_a_request_in_its_second() -> None:
    """One request of either status in (0, 2]: both are counted in second 1, and so are their failures."""
    snapshots = [counted(first(2, {OK: 1, CREATED: 1}), mv_failed=2)]
    assert [(one.total.requests, one.total.failures) for one in build(snapshots)[1]] == [(0, 0), (2, 2)]


def test_what_is_told_a_push_later_is_counted_there_and_is_no_more_than_all() -> None:
    snapshots = [first(1, {OK: 3}), counted(push(2, {OK: 4}), mv_failed=3)]
    _, seconds = build(snapshots)
    assert [second.total.failures for second in seconds] == [0, 3]
    assert numbers(seconds[1].total).error_rate == 100.0


def test_a_failure_without_a_request_in_its_push_is_not_lost() -> None:
    snapshots = [first(1, {OK: 3}), counted(push(2, {FAILED: 1}), mv_failed=2)]
    assert failures(snapshots) == [0, 3]


def test_iterations_and_dropped_ones_are_spread_evenly() -> None:
    _, seconds = build([counted(first(2, {OK: 4}), iterations=10, dropped_iterations=3)])
    assert [(second.total.iterations, second.total.dropped) for second in seconds] == [(5, 1), (5, 2)]


def test_a_k6_that_begins_again_is_counted_on() -> None:
    snapshots = [
        counted(first(1, {OK: 10}), iterations=10, mv_failed=4),
        counted(push(2, {OK: 4}), iterations=4, mv_failed=1),
    ]
    assert failures(snapshots) == [4, 1]
    timeline = Timeline()
    for one in snapshots:
        timeline.feed(one)
    found = timeline.totals()["s01"]
    assert (found.requests, found.failures, found.iterations) == (14, 5, 14)


def test_a_late_push_takes_nothing_back() -> None:
    ordered = [counted(first(at, {OK: 10 * at}), iterations=10 * at, mv_failed=at) for at in (1, 2, 3)]
    late = [ordered[0], ordered[2], ordered[1]]
    assert sum(failures(late)) == 3
    assert sum(second.total.iterations for second in build(late)[1]) == 30


def test_steps_are_told_apart_and_make_their_scenario() -> None:
    asked = counted(first(1, {FIRST: 10, SECOND: 6}), iterations=6)
    asked.counters[str(CounterKey("mv_failed", "s01", "2"))] = 2
    _, (second,) = build([asked])
    assert {place: (cell.requests, cell.failures) for place, cell in second.steps.items()} == {
        ("s01", "1"): (10, 0),
        ("s01", "2"): (6, 2),
    }
    whole = second.cells["s01"]
    assert (whole.requests, whole.failures, whole.iterations) == (16, 2, 6)


def test_a_scenario_of_one_step_has_no_steps() -> None:
    _, (second,) = build([first(1, {OK: 10})])
    assert second.steps == {}


@pytest.mark.parametrize(
    "key",
    [
        CounterKey("iterations", "s01"),
        CounterKey("mv_checks", "s01", "", "c1", "true"),
        CounterKey("data_sent"),
        CounterKey("data_sent", "s01", "", "", "", "2"),
    ],
)
def test_a_counter_is_read_back_as_it_was(key: CounterKey) -> None:
    assert CounterKey.of(str(key)) == key


def test_snapshots_of_before_there_were_steps_are_still_read() -> None:
    snapshot = counted(first(1, {OK: 10, FAILED: 2}), iterations=12)
    assert from_bytes(to_bytes(snapshot)) == snapshot
    stepped = first(1, {FIRST: 10, OK: 3, replace(FIRST, stage="2"): 4, replace(OK, stage="1"): 5})
    assert from_bytes(to_bytes(stepped)) == stepped


def test_what_older_versions_stored_is_still_read() -> None:
    """JSON alone, as it was before steps and before stages."""
    key, counters = ["s01", "GET /a", "200", "", 1, "", [2.0, 30.5, 0.0, [-53, 1.0, -50, 1.0]]], {"iterations:s01": 2.0}
    older = zlib.compress(json.dumps(["1", 5.0, [key, [*key, "2"]], 3.0, 4.0, counters, False]).encode())
    spread = Histogram(2, 30.5, 0, {-53: 1, -50: 1})
    requests = {OK: spread, replace(OK, step="2"): spread}
    assert from_bytes(older) == Snapshot("1", 5.0, requests, 3.0, 4.0, counters)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_pushes_nothing_is_lost_and_no_second_has_more_failures_than_requests(seed: int) -> None:
    """Pushes of three generators, some of them lost; each tells requests and what failed of them together."""
    source = random.Random(seed)
    snapshots: list[Snapshot] = []
    sent = Cell()
    for instance in ("1", "2", "3"):
        at, requests, failed, iterations, dropped = 0.0, 0, 0, 0, 0
        for number in range(30):
            at += source.uniform(0.05, 3.0)
            more = source.randrange(50)
            requests, failed = requests + more, failed + source.randint(0, more)
            iterations, dropped = iterations + source.randrange(20), dropped + source.randrange(9)
            parts = {OK: requests // 3, CREATED: requests - requests // 3}
            one = push(
                at,
                {key: count for key, count in parts.items() if count},
                instance,
                started=START if number == 0 else None,
            )
            counters = {"mv_failed": failed, "iterations": iterations, "dropped_iterations": dropped}
            snapshots.append(counted(one, **counters))
        sent.add(Cell(requests, failed, iterations=iterations, dropped=dropped))
    ends = {one.instance: one for one in snapshots}
    arrived = [one for one in snapshots if one is ends[one.instance] or source.random() > 0.2]
    whole = Cell()
    for second in build(arrived)[1]:
        whole.add(second.total)
        assert 0 <= second.total.failures <= second.total.requests
    assert (whole.requests, whole.failures) == (sent.requests, sent.failures)
    assert (whole.iterations, whole.dropped) == (sent.iterations, sent.dropped)
