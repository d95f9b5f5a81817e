"""What is more than noise: 15 % is, 3 % is not, on runs of 30 s; how often that goes wrong, counted."""

import random
from functools import cache

import pytest

from history.significance import (
    Side,
    judge,
)
from history.tests.simulated_runs import Simulated, simulate

ROUNDS = 50
Pair = tuple[Simulated, Simulated]


def side(of: Simulated, measure: str) -> Side:
    names = {"tps": "avg_tps", "errors": "avg_error_rate"}
    return Side(of.measured[names.get(measure, f"{measure}_response_time")], of.seconds.of(measure))


def mark(pair: Pair, measure: str) -> str:
    return judge(side(pair[0], measure), side(pair[1], measure), least=1.0).mark


@cache
def pairs(factor: float, run_noise: float = 0.0, rate: float = 100) -> tuple[Pair, ...]:
    """Seeded pairs of runs of 30 s; the second is slower by `factor`, each as a whole off by `run_noise`."""
    chance = random.Random(2026)
    found = []
    for _ in range(ROUNDS):
        first = simulate(chance, rate=rate, factor=chance.lognormvariate(0, run_noise))
        found.append((first, simulate(chance, rate=rate, factor=factor * chance.lognormvariate(0, run_noise))))
    return tuple(found)


def counted(of: tuple[Pair, ...], measure: str) -> dict[str, int]:
    marks = [mark(pair, measure) for pair in of]
    return {name: marks.count(name) for name in ("real", "likely", "noise", "few") if name in marks}


@pytest.mark.parametrize("measure", ["p50", "p95", "avg"])
def test_three_percent_on_thirty_seconds_are_noise(measure: str) -> None:
    found = counted(pairs(1.03), measure)
    assert found.get("real", 0) == 0
    assert found.get("likely", 0) <= 2
