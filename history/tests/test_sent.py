"""Whether an asked rate was sent, and what is not held against a result."""

from typing import Any

import pytest

from history import sent
from history.models import ScenarioHistory, TestHistory


def codes(
    done: int, dropped: int = 0, duration: float = 10.1, executor: str = "constant-arrival-rate", budget: float = 1.0,
    stages: tuple[tuple[float, int], ...] = ((10, 20),), load: dict[str, Any] | None = None, **plan: Any,
) -> list[str]:  # fmt: skip
    """Of a scenario that asks for 20/s for 10 s, unless said otherwise."""
    asked = {
        "tag": "s01",
        "executor": executor,
        "stages": [{"duration": length, "target": target} for length, target in stages],
        "load": {"pre_allocated_vus": 5, "max_vus": 10, **(load or {})},
    }
    run = TestHistory(plan_snapshot={"scenarios": [asked], **plan}, test_duration=duration)
    row = ScenarioHistory(
        scenario_tag="s01", request_name="GET /a", executor=executor, iterations=done, dropped_iterations=dropped
    )
    return [one["code"] for one in sent.short(run, [row], budget)]


def test_what_was_sent_in_full_is_not_short() -> None:
    assert codes(200) == []
    assert codes(198, 2) == []  # 1 %


def test_more_dropped_iterations_than_the_budget_allows() -> None:
    assert codes(197, 3) == ["dropped_over_budget"]
    assert codes(197, 3, budget=2.0) == []
    assert codes(199, 1, budget=0.0) == ["dropped_over_budget"]


def test_a_rate_below_95_percent_was_not_reached() -> None:
    assert codes(191) == []
    assert codes(189) == ["rate_not_reached"]
    assert codes(150, 50) == ["dropped_over_budget", "rate_not_reached"]


@pytest.mark.parametrize(("done", "found"), [(9, []), (8, []), (7, ["rate_not_reached"])])
def test_a_few_iterations_may_be_due_at_the_very_end(done: int, found: list[str]) -> None:
    assert codes(done, stages=((10, 1),)) == found  # 10 are asked for


def test_the_rate_is_that_of_the_curve() -> None:
    ramp = ((10.0, 20), (10.0, 20))  # 100 and 200
    assert codes(300, duration=20.1, executor="ramping-arrival-rate", stages=ramp) == []
    assert codes(280, duration=20.1, executor="ramping-arrival-rate", stages=ramp) == ["rate_not_reached"]
    levels = ((10.0, 20), (10.0, 40))
    assert codes(600, duration=20.1, stages=levels) == []
    assert codes(550, duration=20.1, stages=levels) == ["rate_not_reached"]
    assert codes(20, stages=((10, 120),), load={"time_unit": 60.0}) == []  # 120 a minute


def test_only_the_time_that_was_run_counts() -> None:
    assert codes(100, duration=5.0) == []
    assert codes(80, duration=15.0, load={"start_time": 10.0}) == ["rate_not_reached"]
    assert codes(96, duration=15.0, load={"start_time": 10.0}) == []


def test_iterations_that_were_cut_off_were_begun() -> None:
    """Ten users at work when k6 ended: it was stopped, or did not wait for them any longer."""
    assert codes(90, duration=5.0) == []
    assert codes(88, duration=5.0) == []  # 98 of 100
    assert codes(80, duration=5.0) == ["rate_not_reached"]
    assert codes(183, duration=40.0) == []
    assert codes(183, duration=12.0, load={"graceful_stop": 2.0}) == []
    assert codes(183, duration=12.0) == ["rate_not_reached"]


@pytest.mark.parametrize("plan", [{"profile": "breakpoint"}, {"targets": {"abort_after": 5}}])
def test_a_plan_that_seeks_the_limit_may_drop(plan: dict[str, Any]) -> None:
    assert codes(100, 100, **plan) == []
    assert codes(100, 20, **plan) == ["rate_not_reached"]  # k6 did not even try


@pytest.mark.parametrize("executor", ["shared-iterations", "per-vu-iterations", "constant-vus"])
def test_who_asks_for_no_rate_drops_none(executor: str) -> None:
    assert codes(10, 90, executor=executor) == []


def test_several_generators_may_each_be_one_short() -> None:
    assert codes(15, stages=((10, 2),), generators=4) == []
    assert codes(15, stages=((10, 2),)) == ["rate_not_reached"]
