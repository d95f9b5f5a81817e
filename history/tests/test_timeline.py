"""Snapshots to seconds: sums stay exact, no second shows two pushes or none. Values worked out by hand."""

import random

import pytest

from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import RequestKey, Snapshot
from history.metrics.timeline import Timeline, build, numbers

OK = RequestKey("s01", "GET /a", "200", "", True)
FAILED = RequestKey("s01", "GET /a", "500", "1500", False)
OTHER = RequestKey("s02", "GET /b", "200", "", True)
START = 1_000_000.0


def push(at: float, counts: dict[RequestKey, int], instance: str = "1", **more: object) -> Snapshot:
    """A push `at` seconds after the start; every request took 100 ms."""
    requests = {key: Histogram(n, 100.0 * n, 0, {-26: n}) for key, n in counts.items()}
    return Snapshot(instance, START + at, requests, **more)  # type: ignore[arg-type]


def first(at: float, counts: dict[RequestKey, int], instance: str = "1") -> Snapshot:
    """The first push, which says when the load began."""
    return push(at, counts, instance, started=START)


def requests(snapshots: list[Snapshot]) -> list[int]:
    """Requests by second."""
    return [second.total.requests for second in build(snapshots)[1]]


def test_a_push_is_split_over_the_seconds_it_spans() -> None:
    # 90 requests in (0.5, 2.0]: 30 of them in second 0, 60 in second 1; 10 came before 0.5.
    assert requests([first(0.5, {OK: 10}), push(2.0, {OK: 100})]) == [40, 60]


def test_whole_counts_stay_whole_and_sum_up() -> None:
    # 7 in (0, 1.5]: floor(7 * 1/1.5) = 4 in second 0, the other 3 in second 1.
    assert requests([first(1.5, {OK: 7})]) == [4, 3]


def test_failures_are_counted_by_expected_response() -> None:
    _, seconds = build([first(1.0, {OK: 15, FAILED: 5})])
    assert (seconds[0].total.requests, seconds[0].total.failures) == (20, 5)
    assert numbers(seconds[0].total).error_rate == pytest.approx(25.0)


def test_a_series_that_rested_counts_only_since_the_push_before() -> None:
    snapshots = [first(1, {OK: 10, OTHER: 3}), push(2, {OK: 20}), push(3, {OK: 30}), push(4, {OK: 40, OTHER: 9})]
    _, seconds = build(snapshots)
    assert [second.cells["s02"].requests if "s02" in second.cells else 0 for second in seconds] == [3, 0, 0, 6]


def test_a_lost_push_is_made_good_by_the_next() -> None:
    assert requests([first(1, {OK: 10}), push(3, {OK: 30})]) == [10, 10, 10]


def test_the_same_push_twice_changes_nothing() -> None:
    once = [first(1, {OK: 10}), push(2, {OK: 30}), push(3, {OK: 35})]
    assert requests([once[0], once[1], once[1], once[0], once[2]]) == requests(once)


def test_a_late_push_adds_only_what_it_alone_knows() -> None:
    snapshots = [first(1, {OK: 10}), push(3, {OK: 30}), push(2, {OK: 20, OTHER: 4})]
    found = requests(snapshots)
    assert sum(found) == 34
    assert found == [10, 14, 10]


def test_k6_starting_again_from_zero_is_counted_on() -> None:
    snapshots = [first(1, {OK: 10}), push(2, {OK: 4}), push(3, {OK: 9})]
    assert sum(requests(snapshots)) == 19
    timeline = Timeline()
    for snapshot in snapshots:
        timeline.feed(snapshot)
    assert timeline.totals()["s01"].requests == 19


def test_generators_are_added_up() -> None:
    snapshots = [first(1, {OK: 10}, "1"), first(1, {OK: 20}, "2"), push(2, {OK: 15}, "1"), push(2, {OK: 40}, "2")]
    assert requests(snapshots) == [30, 25]


def test_users_of_all_generators_are_added_and_carried_over() -> None:
    snapshots = [
        push(0.9, {OK: 1}, "1", started=START, vus=3.0),
        push(0.8, {OK: 1}, "2", started=START, vus=2.0),
        push(1.9, {OK: 2}, "1", vus=4.0),
        push(2.9, {OK: 3}, "1", vus=4.0),
    ]
    _, seconds = build(snapshots)
    assert [second.vus for second in seconds] == [5.0, 6.0, 6.0]


def test_a_second_is_complete_once_every_generator_passed_it() -> None:
    timeline = Timeline()
    timeline.feed(first(2.5, {OK: 10}, "1"))
    timeline.feed(first(1.2, {OK: 10}, "2"))
    assert timeline.complete_until(START + 2.6) == 1
    timeline.feed(push(2.4, {OK: 20}, "2"))
    assert timeline.complete_until(START + 2.6) == 2


def test_a_silent_generator_is_not_waited_for_for_ever() -> None:
    timeline = Timeline()
    timeline.feed(first(1.0, {OK: 10}, "1"))
    timeline.feed(first(9.0, {OK: 10}, "2"))
    assert timeline.complete_until(START + 3) == 1
    assert timeline.complete_until(START + 9) == 9


def test_what_comes_too_late_for_its_second_is_counted_in_the_next() -> None:
    timeline = Timeline()
    timeline.feed(first(3.0, {OK: 30}))
    given = [second.total.requests for second in timeline.take(3)]
    timeline.feed(push(2.0, {OTHER: 6}))
    rest = [second.total.requests for second in timeline.take_all()]
    assert (given, rest) == ([10, 10, 10], [6])


def test_without_a_start_time_the_load_began_one_interval_before_the_first_push() -> None:
    origin, _ = build([push(5.0, {OK: 10})])
    assert origin == START + 4.0


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_pushes_no_request_is_lost_or_made(seed: int) -> None:
    source = random.Random(seed)
    snapshots: list[Snapshot] = []
    sent: dict[tuple[str, RequestKey], int] = {}
    for instance in ("1", "2", "3"):
        at = 0.0
        counts = {OK: 0, FAILED: 0, OTHER: 0}
        for number in range(30):
            at += source.uniform(0.05, 3.0)
            touched = {key for key in counts if source.random() < 0.6}
            for key in touched:
                counts[key] += source.randrange(50)
            closing = number == 29
            shown = {key: n for key, n in counts.items() if n and (closing or key in touched)}
            snapshots.append(push(at, shown, instance, started=START if number == 0 else None, closing=closing))
        sent.update({(instance, key): n for key, n in counts.items()})
    lost = [one for one in snapshots if not one.closing and source.random() < 0.2]
    arrived = [one for one in snapshots if one not in lost]
    _, seconds = build(arrived)
    assert sum(second.total.requests for second in seconds) == sum(sent.values())
    assert sum(second.total.failures for second in seconds) == sum(n for (_, key), n in sent.items() if key is FAILED)
    assert all(cell.requests >= 0 for second in seconds for cell in second.cells.values())
    assert [second.t for second in seconds] == list(range(len(seconds)))


def test_a_second_without_a_whole_request_has_no_response_times() -> None:
    # One request in (0, 3]: it is counted in second 2, two thirds of its time fall before.
    _, seconds = build([first(3.0, {OK: 1})])
    assert [numbers(second.total).p95 is None for second in seconds] == [True, True, False]


def test_a_k6_that_began_again_and_made_more_requests_than_before_is_seen_by_what_it_forgot() -> None:
    # 10 of 100 ms, then from zero 15 of 400 ms until the next push: 25 in all, none below zero.
    again = Snapshot("1", START + 2, {OK: Histogram(15, 6000.0, 0, {-10: 15})})
    timeline = Timeline()
    for snapshot in (first(1, {OK: 10}), again):
        timeline.feed(snapshot)
    assert [second.total.spread.buckets for second in timeline.take_all()] == [{-26: 10}, {-10: 15}]
    assert timeline.totals()["s01"].spread.buckets == {-26: 10, -10: 15}
