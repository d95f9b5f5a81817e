"""What the charts draw behind the numbers, read from the plan snapshot."""

import pytest

from history import shape
from history.tests.sample_runs import plan_of, scenario_of

RAMP = scenario_of(stages=((10, 20), (40, 20), (10, 0)))
STEPS = scenario_of("s02", "constant-vus", ((30, 5), (30, 10)))


def test_a_ramp_begins_at_zero_users() -> None:
    assert shape.asked(plan_of(RAMP)) == [(0, 0), (10, 20), (50, 20), (60, 0)]


def test_plateaus_jump() -> None:
    assert shape.asked(plan_of(STEPS)) == [(0, 5), (30, 5), (30, 10), (60, 10)]


def test_scenarios_add_up_at_every_moment() -> None:
    assert shape.asked(plan_of(RAMP, STEPS)) == [(0, 5), (10, 25), (30, 25), (30, 30), (50, 30), (60, 10)]


def test_a_scenario_that_ends_early_leaves_a_step_down() -> None:
    short = scenario_of("s02", "constant-vus", ((20, 5),))
    assert shape.asked(plan_of(scenario_of(stages=((40, 10),)), short)) == [(0, 5), (20, 10), (20, 5), (40, 10)]


def test_stages_are_named_by_what_the_load_does() -> None:
    names = [(band.start, band.end, band.name) for band in shape.bands(shape.asked(plan_of(RAMP)))]
    assert names == [(0, 10, "Ramp to 20 VUs"), (10, 50, "Hold 20 VUs"), (50, 60, "Ramp down")]


def test_each_stage_of_a_scenario_has_its_name_and_times() -> None:
    assert [band.name for band in shape.stages(STEPS)] == ["Hold 5 VUs", "Hold 10 VUs"]
    assert [(band.start, band.end) for band in shape.stages(STEPS)] == [(0, 30), (30, 60)]


def rate_of(*stages: tuple[float, int], executor: str = "constant-arrival-rate", **load: float) -> dict[str, object]:
    return {**scenario_of("s03", executor, stages), "load": load}


def test_rates_are_drawn_apart_from_users_in_iterations_per_second() -> None:
    plan = plan_of(RAMP, rate_of((10, 120), (10, 60), time_unit=60.0))
    assert shape.asked(plan) == [(0, 0), (10, 20), (50, 20), (60, 0)]
    assert shape.asked_rate(plan) == [(0, 2), (10, 2), (10, 1), (20, 1)]
    assert not shape.in_rates(plan)
    assert shape.in_rates(plan_of(rate_of((10, 1))))


def test_a_rate_that_ramps_begins_at_nothing() -> None:
    ramp = rate_of((10, 50), (20, 50), (10, 5), executor="ramping-arrival-rate")
    assert shape.asked_rate(plan_of(ramp)) == [(0, 0), (10, 50), (30, 50), (40, 5)]
    assert [band.name for band in shape.stages(ramp)] == ["Ramp to 50/s", "Hold 50/s", "Down to 5/s"]
    assert [band.name for band in shape.bands(shape.asked_rate(plan_of(ramp)), rate=True)] == [
        "Ramp to 50/s", "Hold 50/s", "Down to 5/s",
    ]  # fmt: skip


def test_a_scenario_that_starts_later_asks_for_nothing_until_then() -> None:
    late = {**STEPS, "load": {"start_time": 30.0, "time_unit": 1.0}}
    assert shape.asked(plan_of(late)) == [(0, 0), (30, 0), (30, 5), (60, 5), (60, 10), (90, 10)]
    assert shape.duration(plan_of(late)) == 90
    assert [(band.start, band.end) for band in shape.stages(late)] == [(30, 60), (60, 90)]


@pytest.mark.parametrize("executor", ["shared-iterations", "per-vu-iterations"])
def test_iterations_are_done_by_their_users_for_as_long_as_they_may_take(executor: str) -> None:
    assert shape.asked(plan_of(scenario_of("s03", executor, ((30, 4),)))) == [(0, 4), (30, 4)]


def test_a_barcode_of_stages_is_left_out() -> None:
    many = scenario_of(stages=tuple((1, step % 2 + 1) for step in range(100)))
    assert shape.bands(shape.asked(plan_of(many))) == []


def test_the_planned_duration_is_that_of_the_longest_scenario() -> None:
    assert shape.duration(plan_of(RAMP, scenario_of("s02", stages=((5, 1),)))) == 60
    assert shape.duration({}) == 0


@pytest.mark.parametrize("plan", [{}, plan_of(scenario_of(stages=())), plan_of(scenario_of(stages=((10, 0),)))])
def test_a_plan_without_load_draws_a_flat_line(plan: dict[str, object]) -> None:
    assert shape.points(shape.asked(plan), 1000, 40) == "0,40 1000,40"


def test_the_ruler_stands_on_the_ground_and_leaves_room_above() -> None:
    assert shape.points([(0, 10), (10, 10)], 1000, 40) == "0.0,40.0 0.0,4.0 1000.0,4.0 1000.0,40.0"
