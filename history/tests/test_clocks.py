"""Generators that fell silent, and clocks that jumped; and what looks like it, but is none."""

from dataclasses import replace

import pytest

from history.clocks import Clocks, Silence
from history.metrics.remote_write import Snapshot, decode
from tests.recorded import recorded_run, recorded_steps

START = 1_000_000.0


def pushed(*moments: float, instance: str = "1", closing: float | None = None) -> Clocks:
    """Pushes at these seconds from the start, in the order of their arrival."""
    clocks = Clocks()
    for number, moment in enumerate(moments):
        clocks.see(Snapshot(instance, START + moment, {}, vus=1.0, started=START if not number else None))
    if closing is not None:
        clocks.see(Snapshot(instance, START + closing, {}, closing=True))
    return clocks


def every_second(first: int, last: int) -> list[float]:
    return [t + 0.3 for t in range(first, last)]


def test_pushes_every_second_are_no_silence() -> None:
    clocks = pushed(*every_second(0, 20), closing=20.1)
    assert clocks.silence([20.0]) is None
    assert clocks.jump([20.0]) is None


def test_a_gap_of_more_than_five_seconds_is_a_silence_with_its_begin() -> None:
    clocks = pushed(*every_second(0, 5), *every_second(12, 20), closing=20.1)
    silence = clocks.silence([20.0])
    assert silence == Silence("1", pytest.approx(4.3), pytest.approx(8.0))
    assert clocks.jump([20.0]) is None


def test_five_seconds_are_none() -> None:
    assert pushed(*every_second(0, 5), *every_second(10, 20), closing=20.1).silence([20.0]) is None


def test_silences_add_up() -> None:
    silence = pushed(*every_second(0, 5), *every_second(12, 20), *every_second(28, 40)).silence([40.0])
    assert silence == Silence("1", pytest.approx(4.3), pytest.approx(17.0))


def test_the_first_pushes_and_the_last_ones_may_be_missing() -> None:
    assert pushed(8.3, 9.3, 10.3, closing=11.1).silence([11.0]) == Silence("1", 0.0, pytest.approx(8.3))
    assert pushed(0.3, 1.3, 2.3).silence([11.0]) == Silence("1", pytest.approx(2.3), pytest.approx(8.7))


def test_a_closing_push_that_had_to_wait_is_no_silence() -> None:
    clocks = pushed(*every_second(0, 10), closing=25.0)
    assert clocks.silence([10.0]) is None
    assert clocks.jump([10.0]) is None


def test_without_a_summary_nothing_is_known_of_the_end() -> None:
    clocks = pushed(*every_second(0, 10))
    assert clocks.silence([]) is None
    assert clocks.jump([]) is None


def test_silences_up_to_a_twentieth_of_the_run_and_thirty_seconds_are_only_told() -> None:
    assert not Silence("1", 3.0, 7.0).spoils(200.0)
    assert Silence("1", 3.0, 7.0).spoils(100.0)
    assert not Silence("1", 3.0, 29.0).spoils(3600.0)
    assert Silence("1", 3.0, 31.0).spoils(3600.0)


def test_a_clock_that_jumps_ahead_says_that_the_test_took_longer_than_it_did() -> None:
    clocks = pushed(*every_second(0, 10), *every_second(25, 35), closing=35.1)
    jump = clocks.jump([20.0])
    assert jump is not None
    assert jump.seconds == pytest.approx(14.3)


def test_a_clock_that_jumps_back_is_seen_by_its_pushes() -> None:
    clocks = pushed(*every_second(0, 10), *every_second(3, 13), closing=13.1)
    jump = clocks.jump([20.0])
    assert jump is not None
    assert jump.seconds == pytest.approx(-7.0)
    assert clocks.jump([]) == jump


def test_a_clock_that_jumps_there_and_back_is_seen() -> None:
    clocks = pushed(*every_second(0, 5), *every_second(30, 35), *every_second(10, 20), closing=20.1)
    assert clocks.jump([20.0]) is not None


def test_pushes_that_come_late_or_twice_are_no_jump() -> None:
    moments = every_second(0, 12)
    late = [*moments[:3], *moments[4:8], moments[3], *moments[8:], moments[-1]]
    clocks = pushed(*late, closing=12.0)
    assert clocks.jump([12.0]) is None
    assert clocks.silence([12.0]) is None


def test_two_seconds_are_what_clocks_may_be_corrected_by() -> None:
    assert pushed(*every_second(0, 12), closing=11.9).jump([10.0]) is None
    assert pushed(*every_second(0, 5), *every_second(8, 13), closing=13.0).jump([10.0]) is not None
    assert pushed(*every_second(0, 13), closing=9.9).jump([12.0]) is not None


def test_a_k6_that_goes_on_pushing_after_the_end_did_not_jump() -> None:
    assert pushed(*every_second(0, 30), closing=30.1).jump([10.0]) is None


def test_each_generator_has_its_own_clock() -> None:
    clocks = pushed(*every_second(0, 10), closing=10.1)
    for snapshot in (Snapshot("2", 5_000.0 + t, {}, started=5_000.0) for t in every_second(0, 10)):
        clocks.see(snapshot)
    assert clocks.jump([10.0, 10.0]) is None
    assert clocks.silence([10.0, 10.0]) is None


def test_a_generator_that_waited_for_others_was_not_silent() -> None:
    clocks = Clocks()
    clocks.see(Snapshot("1", START - 60, {}, vus=0.0))
    for t in every_second(0, 5):
        clocks.see(Snapshot("1", START + t, {}, started=START))
    assert clocks.silence([5.0]) is None


def test_a_load_that_begins_later_is_no_silence_before() -> None:
    """k6 says when it began with its first scenario only: until then its pushes count users, none of them at work."""
    clocks = Clocks()
    for t in every_second(0, 30):
        clocks.see(Snapshot("1", START + t, {}, vus=0.0, started=START if t > 20 else None))
    assert clocks.silence([30.0]) is None
    assert clocks.jump([30.0]) is None


def test_a_generator_that_never_began_has_no_clock() -> None:
    clocks = Clocks()
    clocks.see(Snapshot("1", START, {}, vus=0.0))
    clocks.see(Snapshot("1", START + 60, {}, closing=True))
    assert clocks.silence([60.0]) is None
    assert clocks.jump([1.0]) is None


@pytest.mark.parametrize("run", [recorded_run(), recorded_steps()])
def test_real_runs_have_neither(run) -> None:
    clocks, snapshots = Clocks(), [one for body in run.pushes if (one := decode(body))]
    durations = [one["state"]["testRunDurationMs"] / 1000 for one in run.summaries]
    for snapshot in snapshots:
        clocks.see(replace(snapshot))
    assert clocks.jump(durations) is None
    assert clocks.silence(durations) is None
