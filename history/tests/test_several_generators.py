"""One result of many load generators: the timeline over several, and the recorded run replayed as two of them."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st

from history.board_generators import generators
from history.metrics import summary as k6_summary
from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import Snapshot, decode
from history.metrics.stores import open_store
from history.metrics.timeline import Timeline, build, numbers
from history.models import TestHistory
from history.recording import agreement, record
from history.states import Outcome
from history.tests.recorded_history import recorded_rows
from history.tests.test_timeline import FAILED, OK, OTHER, START, first, push, requests
from tests.examples import examples
from tests.recorded import recorded_run

EXACT = recorded_run().exact


def waiting(at: float, instance: str) -> Snapshot:
    """A push of a paused k6: it counts users, but none began."""
    return push(at, {}, instance, vus=0.0)


def fed(*snapshots: Snapshot) -> Timeline:
    timeline = Timeline()
    for snapshot in snapshots:
        timeline.feed(snapshot)
    return timeline


def test_pushes_of_generators_that_wait_begin_no_load() -> None:
    timeline = fed(waiting(-3, "0"), waiting(-2, "1"), waiting(-1, "0"))
    assert timeline.origin is None
    assert timeline.complete_until(START + 60) == 0
    assert list(timeline.take_all()) == []
    assert timeline.starts == {}


def test_what_waited_before_changes_nothing_of_the_result() -> None:
    load = [first(1, {OK: 10}, "0"), first(1.2, {OK: 20}, "1"), push(2, {OK: 15}, "0"), push(2.2, {OK: 40}, "1")]
    early = [waiting(at, instance) for at in (-2, -1, 0.1) for instance in ("0", "1")]
    assert build([*early, *load]) == build(load)


def test_a_generator_that_still_waits_keeps_no_second_back() -> None:
    timeline = fed(first(1, {OK: 10}, "0"), push(2, {OK: 20}, "0"), waiting(2, "1"))
    assert timeline.complete_until(START + 2) == 2


def test_the_users_of_a_generator_that_waited_are_not_counted_as_none() -> None:
    # The gauge of the first push after the pause may still say 0: it is of before the load.
    late = push(1.1, {OK: 5}, "1", started=START, vus=0.0)
    timeline = fed(waiting(-1, "1"), push(0.9, {OK: 5}, "0", started=START, vus=4.0), late)
    timeline.feed(push(1.9, {OK: 9}, "1", vus=3.0))
    assert [second.vus for second in timeline.take_all()] == [4.0, 7.0]


def test_a_generator_that_really_has_no_users_left_counts_as_none() -> None:
    snapshots = [push(0.9, {OK: 5}, "0", started=START, vus=4.0), push(1.9, {OK: 6}, "0", vus=0.0)]
    assert [second.vus for second in build(snapshots)[1]] == [4.0, 0.0]


def test_each_generator_tells_when_it_began() -> None:
    timeline = fed(first(1, {OK: 1}, "0"), push(1.3, {OK: 1}, "1", started=START + 0.25), push(2, {OK: 5}, "0"))
    assert timeline.starts == {"0": START, "1": START + 0.25}


def test_the_earliest_to_be_heard_of_sets_the_origin_and_loses_nothing() -> None:
    # The second generator began before the first, but its push came later.
    snapshots = [push(1.2, {OK: 10}, "0", started=START + 0.2), push(1.3, {OK: 13}, "1", started=START)]
    origin, seconds = build(snapshots)
    assert origin == START + 0.2
    assert sum(second.total.requests for second in seconds) == 23
    assert all(second.t >= 0 for second in seconds)


def test_a_generator_that_closes_takes_its_users_with_it() -> None:
    snapshots = [
        push(0.9, {OK: 1}, "0", started=START, vus=3.0),
        push(0.9, {OK: 1}, "1", started=START, vus=2.0),
        push(1.9, {OK: 2}, "1", vus=2.0, closing=True),
        push(1.95, {OK: 2}, "0", vus=3.0),
    ]
    timeline = fed(*snapshots)
    assert timeline.complete_until(START + 1.95) == 1
    timeline.feed(push(2.95, {OK: 3}, "0", vus=3.0))
    assert timeline.complete_until(START + 2.95) == 2  # the one that closed is not waited for


def test_the_order_between_generators_does_not_matter() -> None:
    load = [first(1, {OK: 10}, "0"), first(1, {OK: 20, FAILED: 2}, "1"), first(1, {OTHER: 5}, "2")]
    expected = requests(load)
    assert {tuple(requests(list(order))) for order in permutations(load)} == {tuple(expected)}


def test_percentiles_are_those_of_all_requests_together() -> None:
    # 900 requests of about 10 ms and 100 of about 1 s: p95 is slow, though the average of both p95 is half of that.
    quick = Histogram(900, 9_000.0, 0, {index_of(10.0): 900})
    slow = Histogram(100, 100_000.0, 0, {index_of(1000.0): 100})
    snapshots = [
        Snapshot("0", START + 1, {OK: quick}, started=START),
        Snapshot("1", START + 1, {OK: slow}, started=START),
    ]
    found = numbers(build(snapshots)[1][0].total)
    assert found.avg == pytest.approx(109.0)
    assert found.p95 == pytest.approx(1000.0, rel=0.05)
    assert found.p50 == pytest.approx(10.0, rel=0.05)


def index_of(milliseconds: float) -> int:
    """The bucket in which a response time falls, found by asking."""
    return min(
        range(-400, 400), key=lambda index: abs((Histogram(1, 1.0, 0, {index: 1}).percentile(0.5) or 0) - milliseconds)
    )


counts = st.lists(st.integers(0, 40), min_size=1, max_size=6)


@settings(max_examples=examples(20), deadline=None)
@given(st.dictionaries(st.sampled_from("0123"), st.tuples(st.floats(0.0, 0.4), counts), min_size=1), st.data())
def test_however_many_generators_push_in_whatever_order_no_request_is_lost_or_made(
    plans: dict[str, tuple[float, list[int]]], data: Any
) -> None:
    """Each begins up to 0.4 s apart and pushes once a second; pushes of different generators mix at will."""
    queues = {}
    for instance, (offset, grown) in plans.items():
        total, pushes = 0, [waiting(-1 + offset, instance)]
        for number, more in enumerate(grown):
            total += more
            started = START + offset if number == 0 else None
            pushes.append(push(1 + number + offset, {OK: total}, instance, started=started, vus=1.0))
        queues[instance] = pushes
    mixed = []
    while any(queues.values()):
        mixed.append(queues[data.draw(st.sampled_from(sorted(name for name, left in queues.items() if left)))].pop(0))
    timeline, handed = Timeline(), []
    for snapshot in mixed:
        timeline.feed(snapshot)
        handed += timeline.take(timeline.complete_until(snapshot.moment))
    handed += timeline.take_all()
    assert sum(second.total.requests for second in handed) == sum(sum(grown) for _offset, grown in plans.values())
    assert [second.t for second in handed] == list(range(len(handed)))


@pytest.fixture
def run(alice: User, db: None) -> TestHistory:
    """The recorded run as two generators, the second of which began 0.3 s after the first."""
    found = recorded_rows(alice, pushes=0)
    found.plan_snapshot = {**found.plan_snapshot, "generators": 2}
    rows = [{"instance": one, "name": f"k6-{one}", "phase": "finished", "node": "", "restarts": 0} for one in "01"]
    found.generators = [{**row, "exit_code": 0, "trouble": None} for row in rows]
    found.save(update_fields=["plan_snapshot", "generators"])
    for body in recorded_run().pushes:
        if snapshot := decode(body):
            open_store().write(found.pk, [replace(snapshot, instance="0"), later(snapshot)])
    return found


def later(snapshot: Snapshot) -> Snapshot:
    started = None if snapshot.started is None else snapshot.started + 0.3
    return replace(snapshot, instance="1", moment=snapshot.moment + 0.3, started=started)


def summaries(**second: float) -> list[dict[str, Any]]:
    """k6's own summary twice, the second with other response times (`min=1.0`)."""
    (one,) = recorded_run().summaries
    values = {**one["metrics"]["http_req_duration"]["values"], **second}
    metrics = {**one["metrics"], "http_req_duration": {**one["metrics"]["http_req_duration"], "values": values}}
    return [one, {**one, "metrics": metrics}]


def test_counts_of_two_generators_are_twice_those_of_one(run: TestHistory) -> None:
    recorded = record(run, summaries())
    assert recorded.agrees
    assert recorded.outcome == Outcome.PASSED
    assert (run.total_requests, run.failed_requests) == (2 * EXACT["requests"], 2 * EXACT["failures"])
    for scenario in run.scenarios.all():
        of_scenario = EXACT["scenarios"][scenario.scenario_tag]
        assert scenario.total_requests == 2 * of_scenario["requests"]
        assert scenario.failed_requests == 2 * of_scenario["failures"]
    assert sum(run.timelines.get(scenario=None).columns["requests"]) == 2 * EXACT["requests"]
    assert run.max_vus == 26


def test_extremes_are_those_of_all_and_percentiles_those_of_the_merged_histograms(run: TestHistory) -> None:
    record(run, summaries(min=0.01, max=5000.0))
    assert (run.min_response_time, run.max_response_time) == (0.01, 5000.0)
    assert run.avg_response_time == pytest.approx(EXACT["avg"])
    for name in ("p50", "p95", "p99"):  # the same requests twice have the same percentiles
        assert getattr(run, f"{name}_response_time") == pytest.approx(EXACT[name], rel=0.03)


def test_a_slow_generator_moves_the_percentiles_of_the_whole_and_not_their_average(run: TestHistory) -> None:
    (told,) = recorded_run().summaries
    record(run, summaries(**{"p(95)": 100 * told["metrics"]["http_req_duration"]["values"]["p(95)"]}))
    assert run.p95_response_time == pytest.approx(EXACT["p95"], rel=0.03)  # no percentile of a summary is taken


def test_each_generator_keeps_when_it_began(run: TestHistory) -> None:
    record(run, summaries())
    run.refresh_from_db()
    assert [row["started"] for row in run.generators] == [0.0, pytest.approx(0.3, abs=0.001)]
    assert generators(run)["spread"] == pytest.approx(300, abs=1)


def test_a_generator_that_never_began_has_no_start(run: TestHistory) -> None:
    run.generators = [*run.generators, {**run.generators[0], "instance": "2"}]
    record(run, summaries())
    assert run.generators[2]["started"] is None


def test_one_summary_of_two_is_no_witness_of_the_whole(run: TestHistory) -> None:
    recorded = record(run, recorded_run().summaries)
    assert not recorded.agrees
    assert run.total_requests == 2 * EXACT["requests"]
    (missing,) = [one for one in recorded.reasons if one["code"] == "summaries_missing"]
    assert missing["params"] == {"missing": 1, "wanted": 2, "count": 2 * EXACT["requests"]}


def test_no_summary_at_all_is_said_as_with_one_generator(run: TestHistory) -> None:
    assert "no_summary" in [one["code"] for one in record(run, []).reasons]


def test_pushes_of_one_generator_missing_make_the_result_invalid(alice: User, run: TestHistory) -> None:
    half = recorded_rows(alice)
    half.plan_snapshot = {**half.plan_snapshot, "generators": 2}
    half.save(update_fields=["plan_snapshot"])
    recorded = record(half, summaries())
    assert (recorded.outcome, recorded.reasons[0]["code"]) == (Outcome.INVALID, "counts_differ")
    assert not agreement(half, summaries())
    assert agreement(run, summaries())


def test_recording_two_generators_twice_gives_the_same_numbers(run: TestHistory) -> None:
    record(run, summaries())
    before = TestHistory.objects.values().get(pk=run.pk)
    record(run, summaries())
    assert TestHistory.objects.values().get(pk=run.pk) == before


def told(requests: int, average: float | None) -> dict[str, Any]:
    times = {} if average is None else {"avg": average, "min": average / 2, "max": average * 2, "p(95)": average}
    metrics = {"http_reqs": {"values": {"count": requests}}, "http_req_failed": {"values": {"passes": requests // 3}}}
    return {"metrics": {**metrics, "http_req_duration": {"values": times}}, "state": {"testRunDurationMs": 1000}}


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0.1, 1e4)), min_size=1, max_size=8))
def test_summaries_add_up_whatever_their_order(parts: list[tuple[int, float]]) -> None:
    every = [told(count, average if count else None) for count, average in parts]
    found, turned = k6_summary.read(every, []), k6_summary.read(every[::-1], [])
    assert found is not None
    assert turned is not None
    assert found.whole.requests == turned.whole.requests == sum(count for count, _average in parts)
    assert found.whole.failures == sum(count // 3 for count, _average in parts)
    times = [average for count, average in parts if count]
    if times:
        assert found.whole.min == min(times) / 2
        assert found.whole.max == max(times) * 2
        assert found.whole.avg is not None
        assert min(times) * 0.999 <= found.whole.avg <= max(times) * 1.001
        assert found.whole.avg == pytest.approx(turned.whole.avg)
    assert (found.whole.p95 is None) == (len(parts) > 1 or not times)
