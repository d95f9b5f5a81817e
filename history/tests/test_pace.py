"""What a plan asks for second by second, and whether users who waited lowered it."""

from history import shape
from history.pace import Asked, slowed


def test_a_freeze_of_a_closed_model_is_seen() -> None:
    usual, quick = [100, 101, 99, 100, 98, 100], [20.0] * 6
    assert slowed(usual, [10.0] * 6, quick) == 0
    frozen = [100, 101, 3, 0, 2, 100, 99, 100, 101]
    assert slowed(frozen, [10.0] * 9, [20, 21, 20, None, 20, 2900, 22, 20, 21]) == 3
    until_the_end = [100, 101, 99, 100, 3, 0, 2]
    assert slowed(until_the_end, [10.0] * 7, [20, 21, 20, 19, 20, None, 2900]) == 3


def test_users_who_think_pause_together_and_wait_for_nothing() -> None:
    """Ten users who think for two seconds after each answer, which takes 0.6 s."""
    requests, longest = [10, 0, 10, 0, 0, 10, 0, 10, 0], [600.0, None, 610, None, None, 590, None, 600, None]
    assert slowed(requests, [10.0] * 9, longest) == 0


def test_a_slow_step_of_a_journey_is_no_freeze() -> None:
    """Each user asks for ten quick things and then for a report, which takes two seconds."""
    requests, longest = [100, 0, 10, 100, 0, 10, 100, 0, 10], [20, None, 2050, 20, None, 2060, 20, None, 2040]
    assert slowed(requests, [10.0] * 9, longest) == 0


def test_fewer_users_are_no_freeze() -> None:
    requests = [10, 30, 50, 70, 90, 100, 100, 50, 10]
    assert slowed(requests, [1.0, 3, 5, 7, 9, 10, 10, 5, 1], [3000.0] * 9) == 0


def test_seconds_with_hardly_a_request_tell_nothing() -> None:
    assert slowed([1, 0, 1, 0, 2, 0, 1], [1.0] * 7, [1.0, None, 3000, None, 1, None, 1]) == 0
    assert slowed([], [], []) == 0
    assert slowed([5, 5], [0.0, 0.0], [1.0, 1.0]) == 0


def test_the_full_load_of_a_run_is_that_of_all_its_scenarios() -> None:
    """Users and rates have no common unit: each scenario counts in parts of its own peak."""
    ramp = {"tag": "a", "executor": "ramping-vus"}
    ramp["stages"] = [{"duration": 4.0, "target": 10}, {"duration": 4.0, "target": 10}]
    level = {"tag": "b", "executor": "constant-vus", "stages": [{"duration": 8.0, "target": 500}]}
    asked = Asked({"scenarios": [ramp, level]})
    assert [asked.full("", t) for t in range(9)] == [False] * 4 + [True] * 4 + [False]
    assert [asked.full("b", t) for t in (0, 7, 8)] == [True, True, False]
    assert asked.full("unknown", 0) is False


def test_it_reads_a_curve_as_the_charts_do() -> None:
    """At a jump both sides; nothing before its start, nor after its end."""
    stages = [{"duration": 4.0, "target": 10}, {"duration": 0.0, "target": 30}, {"duration": 4.0, "target": 0}]
    for executor in ("ramping-vus", "constant-vus", "ramping-arrival-rate"):
        one = {"tag": "a", "executor": executor, "stages": stages, "load": {"start_time": 3.0}}
        asked, curve = Asked({"scenarios": [one]}), shape.scenario_curve(one)
        for half in range(26):
            for before in (False, True):
                assert asked.at("a", half / 2, before=before) == shape.users_at(curve, half / 2, before=before)


def test_what_counts_its_iterations_asks_for_no_pace() -> None:
    one = {"tag": "a", "executor": "shared-iterations", "stages": [{"duration": 60.0, "target": 10}]}
    asked = Asked({"scenarios": [one]})
    assert not asked.full("a", 5)
    assert not asked.full("", 5)
