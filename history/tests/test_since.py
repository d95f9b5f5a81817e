"""Since when a target was missed: the second from which the total, as the live page shows it, stayed over it."""

import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st

from history.metrics.abort import limits
from history.metrics.native_histogram import Histogram
from history.metrics.timeline import Cell, Second, numbers, sum_cells
from history.models import TestHistory
from history.reasons import explain
from history.recording import record
from history.since import Since
from history.tests.recorded_history import recorded_rows
from history.tests.test_abort import times
from tests.examples import examples
from tests.recorded import recorded_run

GAP = "\u00a0"


def plan(**scenario: object) -> dict:
    return {"scenarios": [{"tag": "s01", "response_time_percentile": 95, "load": {}, **scenario}], "targets": {}}


def since(asked: dict, cells: list[Cell]) -> dict:
    seen = Since(asked)
    for t, cell in enumerate(cells):
        seen.add(Second(t, None, {"s01": cell}))
    return seen.found


QUICK, SLOW = Cell(100, spread=times(20, 100)), Cell(100, spread=times(900, 100))
SLOWER_THAN_500 = plan(response_time_target=500.0)


def test_it_is_the_second_from_which_the_total_stayed_over_the_target() -> None:
    # 5 of 100 may be slow: after ten quick seconds that is the case once a second is slow.
    assert since(SLOWER_THAN_500, [QUICK] * 10 + [SLOW] * 5) == {("s01", "p95"): 10}


def test_what_was_over_only_for_a_while_is_met() -> None:
    assert since(SLOWER_THAN_500, [SLOW] + [QUICK] * 30) == {}


def test_what_came_back_counts_from_then_on() -> None:
    cells = [SLOW] + [QUICK] * 30 + [SLOW] * 3
    assert since(SLOWER_THAN_500, cells) == {("s01", "p95"): 31}


def test_errors_are_judged_by_their_share_of_all_requests_so_far() -> None:
    bad = Cell(100, failures=50, spread=times(20, 100))
    assert since(plan(error_rate_target=10.0), [QUICK] * 4 + [bad] * 3) == {("s01", "errors"): 5}  # 100 of 600 in it


def test_throughput_is_that_since_the_scenario_began() -> None:
    asked = plan(tps_target=65.0, load={"start_time": 2.0})
    nothing, half = Cell(), Cell(50, spread=times(20, 50))
    assert since(asked, [nothing, nothing, QUICK, half, half, half]) == {("s01", "tps"): 5}  # 250 in 4 s, 200 in 3 s


def test_seconds_without_requests_change_nothing() -> None:
    assert since(SLOWER_THAN_500, [Cell(), Cell(), SLOW, Cell()]) == {("s01", "p95"): 2}


cells = st.lists(
    st.dictionaries(st.integers(-60, 10), st.integers(0, 30).map(float), max_size=6).map(
        lambda buckets: Cell(int(sum(buckets.values())), spread=Histogram(sum(buckets.values()), 0.0, 0.0, buckets))
    ),
    max_size=12,
)


@settings(max_examples=examples(60), deadline=None)
@given(cells, st.floats(1.0, 3000.0), st.sampled_from([50, 90, 95, 99]))
def test_it_judges_as_the_live_page_does(seconds: list[Cell], target: float, percentile: int) -> None:
    asked = plan(response_time_target=target, response_time_percentile=percentile)
    expected = None
    for t in range(len(seconds)):
        value = getattr(numbers(sum_cells(seconds[: t + 1])), f"p{percentile}")
        expected = None if value is None or value <= target else t if expected is None else expected
    assert since(asked, seconds).get(("s01", f"p{percentile}")) == expected


def test_the_whole_run_has_targets_of_its_own() -> None:
    asked = {"scenarios": [], "targets": {"response_time": 500.0, "response_time_percentile": 95}}
    seen = Since(asked)
    for t in range(3):
        seen.add(Second(t, None, {"s01": QUICK, "s02": QUICK if t < 1 else SLOW}))
    assert len(limits(asked)) == 1
    assert seen.found == {("", "p95"): 1}


@pytest.mark.django_db
def test_a_missed_target_says_by_how_much_and_since_when(alice: User) -> None:
    run = recorded_rows(alice)
    run.scenarios.filter(scenario_tag="s02").update(response_time_target=10.0)
    scenarios = [{**one, "response_time_target": 10.0} for one in run.plan_snapshot["scenarios"]]
    TestHistory.objects.filter(pk=run.pk).update(plan_snapshot={**run.plan_snapshot, "scenarios": scenarios})
    found = record(TestHistory.objects.get(pk=run.pk), recorded_run().summaries)
    missed = next(one for one in found.reasons if one["code"] == "p95_missed")
    value = missed["params"]["value"]
    assert missed["params"]["by"] == pytest.approx((value - 10) * 10, abs=0.01)
    assert missed["params"]["since"] == 0
    by = f"{missed['params']['by']:,.0f}"
    assert explain([missed])[0]["message"].endswith(f"target 10{GAP}ms (+{by}{GAP}%), from the start.")
