"""What is more than noise: 15 % is, 3 % is not, on runs of 30 s; how often that goes wrong, counted.

`python -m bench.significance` counts the same over more runs and other rates.
"""

import random
from functools import cache

import pytest

from history.comparing import DECIDING
from history.significance import (
    BETWEEN,
    Mark,
    Side,
    Stretch,
    _student,
    in_batches,
    judge,
    judge_errors,
    level,
    spread_of_runs,
    together,
)
from history.tests.simulated_runs import Simulated, simulate

ROUNDS = 50
Pair = tuple[Simulated, Simulated]


def side(of: Simulated, measure: str) -> Side:
    names = {"tps": "avg_tps", "errors": "avg_error_rate"}
    return Side(of.measured[names.get(measure, f"{measure}_response_time")], of.seconds.of(measure))


def mark(pair: Pair, measure: str) -> Mark:
    return judge(side(pair[0], measure), side(pair[1], measure), least=1.0).mark


@cache
def pairs(factor: float, run_noise: float = 0.0, rate: float = 100) -> tuple[Pair, ...]:
    """Seeded pairs of runs of 30 s; the second is slower by `factor`, and either is off as a whole by `run_noise`."""
    chance = random.Random(2026)
    found = []
    for _ in range(ROUNDS):
        first = simulate(chance, rate=rate, factor=chance.lognormvariate(0, run_noise))
        found.append((first, simulate(chance, rate=rate, factor=factor * chance.lognormvariate(0, run_noise))))
    return tuple(found)


def counted(of: tuple[Pair, ...], measure: str) -> tuple[int, int]:
    """How many of the pairs are marked real, and how many real or likely."""
    marks = [mark(pair, measure) for pair in of]
    return marks.count("real"), marks.count("real") + marks.count("likely")


@pytest.mark.parametrize("measure", ["p50", "p95", "avg"])
@pytest.mark.parametrize("run_noise", [0.0, 0.021], ids=["second 3 % slower", "pairs 3 % apart"])
def test_three_percent_on_thirty_seconds_are_noise(measure: str, run_noise: float) -> None:
    real, flagged = counted(pairs(1.0 if run_noise else 1.03, run_noise), measure)
    assert real <= 1
    assert flagged <= 5  # of 50; in the long run one of 20 (bench.significance)


@pytest.mark.parametrize(("measure", "missed", "unsure"), [("p50", 0, 3), ("avg", 0, 3), ("p95", 4, 15)])
def test_fifteen_percent_on_thirty_seconds_are_flagged(measure: str, missed: int, unsure: int) -> None:
    real, flagged = counted(pairs(1.15), measure)
    assert ROUNDS - flagged <= missed
    assert ROUNDS - real <= unsure


def of_endpoints(of: tuple[Pair, ...]) -> list[str]:
    """What is said of the endpoint: by p95, p50 and average together."""
    return [together([mark(pair, measure) for measure in DECIDING]) for pair in of]


@pytest.mark.parametrize("rate", [50, 100])
def test_an_endpoint_that_is_fifteen_percent_slower_is_flagged_and_one_of_three_percent_is_not(rate: float) -> None:
    slower, noise = of_endpoints(pairs(1.15, rate=rate)), of_endpoints(pairs(1.03, rate=rate))
    assert slower.count("noise") == 0
    assert slower.count("likely") <= 6
    assert noise.count("real") <= 1
    assert noise.count("likely") <= 2


def test_fifteen_percent_less_are_flagged_as_well() -> None:
    turned = tuple((second, first) for first, second in pairs(1.15))
    assert counted(turned, "p50")[1] == ROUNDS


def test_thousands_of_requests_do_not_make_one_percent_significant() -> None:
    chance = random.Random(7)
    pair = simulate(chance, rate=1500), simulate(chance, rate=1500, factor=1.01)
    assert mark(pair, "p50") == "noise"


def test_a_single_slow_moment_is_no_difference() -> None:
    chance = random.Random(3)
    first, second = simulate(chance, seconds=60), simulate(chance, seconds=60)
    values = second.columns["p95"]
    values[20:22] = [30 * value for value in values[20:22]]
    stretches = second.seconds.of("p95")
    assert judge(side(first, "p95"), Side(400.0, stretches), least=1.0).mark == "noise"


def test_what_matters_little_in_practice_is_noise_however_sure() -> None:
    def steady(value: float) -> Side:
        return Side(value, [Stretch(1.0, 100, 0, value + (t % 3) / 1000) for t in range(60)])

    assert judge(steady(0.5), steady(0.9), least=1.0).mark == "noise"  # less than 1 ms
    assert judge(steady(100), steady(104), least=1.0, between=0.001).mark == "noise"  # less than 5 %
    assert judge(steady(100), steady(108), least=1.0, between=0.001).mark == "real"


def test_noise_between_runs_widens_what_is_allowed() -> None:
    pair = pairs(1.15)[0]
    sides = side(pair[0], "p50"), side(pair[1], "p50")
    assert judge(*sides, least=1.0).mark == "real"
    assert judge(*sides, least=1.0, between=0.10).mark == "noise"


@pytest.mark.parametrize(
    ("seconds", "rate", "expected"), [(30, 2, "few"), (8, 100, "few"), (30, 5, "noise"), (0, 0, "few")]
)
def test_too_little_is_not_judged(seconds: int, rate: int, expected: str) -> None:
    some = Side(50.0, [Stretch(1.0, rate, 0, 50.0 + t % 2) for t in range(seconds)])
    assert judge(some, some, least=1.0).mark == expected


def test_dependent_seconds_say_less_than_independent_ones() -> None:
    """The same values, once in any order, once in long waves: the wave says less of where the mean is."""
    chance = random.Random(1)
    values = sorted(100 * chance.lognormvariate(0, 0.05) for _ in range(120))
    wave = [*values[::2], *reversed(values[1::2])]
    chance.shuffle(values)
    limits = []
    for order in (values, wave):
        some = Side(100.0, [Stretch(1.0, 100, 0, value) for value in order])
        limits.append(judge(some, some, least=1.0, between=0.0001).limit or 0.0)
    assert limits[0] == pytest.approx(0.05)
    assert limits[1] > 0.06


def test_runs_that_rise_alike_are_compared_moment_by_moment() -> None:
    def rising(factor: float) -> Side:
        values = [factor * (50 + 10 * t + t % 3) for t in range(60)]
        return Side(sum(values) / 60, [Stretch(1.0, 100, 0, value) for value in values])

    assert judge(rising(1), rising(1.15), least=1.0).mark == "noise"  # their spread hides it
    assert judge(rising(1), rising(1.15), least=1.0, paired=True).mark == "real"
    assert judge(rising(1), rising(1.03), least=1.0, paired=True).mark == "noise"


def test_errors_in_bursts_say_less_than_errors_at_any_time() -> None:
    def failing(by_second: list[int]) -> Side:
        stretches = [Stretch(1.0, 100, failed) for failed in by_second]
        return Side(100.0 * sum(by_second) / (100 * len(by_second)), stretches)

    none, spread, burst = failing([0] * 30), failing([2] * 30), failing([0] * 28 + [30] * 2)
    assert judge_errors(none, spread).mark == "real"
    assert judge_errors(none, burst).mark == "noise"
    assert judge_errors(none, none).mark == "noise"
    assert judge_errors(none, failing([0] * 29 + [2])).mark == "noise"  # less than 0.1 points
    assert judge_errors(none, failing([1] * 3)).mark == "few"


def test_batches_have_two_seconds_twenty_requests_and_are_twenty_at_most() -> None:
    def batches(seconds: int, rate: int) -> tuple[int, int]:
        found = in_batches([Stretch(1.0, rate, 0, 1.0)] * seconds)
        return len(found), len(found[0]) if found else 0

    assert batches(30, 100) == (15, 2)
    assert batches(30, 5) == (7, 4)
    assert batches(3600, 100) == (20, 180)
    assert batches(1, 100) == (0, 0)
    assert in_batches([]) == []


def test_a_batch_is_the_mean_of_its_seconds_by_their_requests() -> None:
    # (10 * 100 + 30 * 200) / 40 = 175
    assert level([Stretch(1.0, 10, 0, 100.0), Stretch(1.0, 30, 0, 200.0), Stretch(1.0, 0, 0, None)]) == 175.0
    assert level([Stretch(1.0, 0, 0, None)]) is None


@pytest.mark.parametrize(
    ("probability", "freedom", "table"),
    [(0.975, 3, 3.182), (0.975, 10, 2.228), (0.975, 30, 2.042), (0.995, 3, 5.841), (0.995, 10, 3.169)],
)
def test_quantiles_of_student_are_those_of_the_tables(probability: float, freedom: int, table: float) -> None:
    assert _student(probability, freedom) == pytest.approx(table, rel=0.01)


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        (["real", "noise", "noise"], "real"),
        (["likely", "noise", "likely"], "likely"),
        (["likely", "noise", "noise"], "noise"),
        (["likely", "few", "few"], "noise"),
        (["few", "few"], "few"),
    ],
)
def test_measures_of_an_endpoint_speak_together(marks: list, said: str) -> None:
    assert together(marks) == said


def test_earlier_runs_say_by_how_much_equal_runs_differ() -> None:
    assert spread_of_runs([100, 101, 100, 101, 100, 101]) == BETWEEN
    assert spread_of_runs([100, 120, 100, 120, 100, 120]) == pytest.approx(1.4826 * 0.1823, rel=0.01)
    assert spread_of_runs([100, 101, 100, 200, 201, 200]) == BETWEEN  # one real change is no noise
    assert spread_of_runs([100, 200, None, 100]) == BETWEEN  # too few to say
