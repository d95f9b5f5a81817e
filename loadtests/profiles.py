"""Starting shapes of load, scaled by two numbers: the peak, and how long it all takes. Pure.

After the kinds of load test that k6's documentation tells apart: https://grafana.com/docs/k6/latest/testing-guides/
"""

from dataclasses import dataclass
from typing import Literal, get_args

from loadtests.k6.plan import CONSTANT, CONSTANT_RATE, RAMPING, RAMPING_RATE, StagePlan

Profile = Literal["smoke", "load", "stress", "spike", "soak", "breakpoint"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
BREAKPOINT: Profile = "breakpoint"
PLATEAUS = 10
# What a profile starts with where a person gives no numbers: peak, minutes.
USUAL: dict[Profile, tuple[int, float]] = {
    "smoke": (2, 1),
    "load": (50, 10),
    "stress": (200, 20),
    "spike": (200, 5),
    "soak": (50, 120),
    "breakpoint": (500, 10),
}
# Shares of the time and of the peak; each leads in a straight line to its share.
_LINES: dict[Profile, tuple[tuple[float, float], ...]] = {
    "load": ((0.1, 1), (0.8, 1), (0.1, 0)),
    "stress": ((0.1, 0.5), (0.2, 0.5), (0.1, 0.75), (0.2, 0.75), (0.1, 1), (0.2, 1), (0.1, 0)),
    "spike": ((0.1, 0.1), (0.3, 0.1), (0.05, 1), (0.1, 1), (0.05, 0.1), (0.3, 0.1), (0.1, 0)),
    "soak": ((0.05, 1), (0.9, 1), (0.05, 0)),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The load of a scenario: k6's executor, and stages of seconds and users (or iterations per second)."""

    executor: str
    stages: tuple[StagePlan, ...]


def shape(profile: Profile, peak: int, minutes: float, *, rate: bool) -> Shape:
    """The stages of a profile: `peak` users, or iterations per second for `rate`, `minutes` in all.

    smoke: a little, held. load: up, held, down. stress: up to the peak in three steps. spike: little, at once the
    peak, little. soak: a load for long. breakpoint: always a rate, rising in plateaus until a target is missed.
    """
    total = minutes * 60
    if profile == "smoke":
        return Shape(CONSTANT_RATE if rate else CONSTANT, (StagePlan(_round(total, total), peak),))
    if profile == BREAKPOINT:
        count = min(PLATEAUS, peak)
        levels = [max(1, round(peak * (number + 1) / count)) for number in range(count)]
        return Shape(CONSTANT_RATE, _timed([(1 / count, level) for level in levels], total))
    lines = [(share, round(peak * part) if not part else max(1, round(peak * part))) for share, part in _LINES[profile]]
    return Shape(RAMPING_RATE if rate else RAMPING, _timed(lines, total))


def _timed(parts: list[tuple[float, int]], total: float) -> tuple[StagePlan, ...]:
    """Shares of the time as seconds that add up to the whole time."""
    stages: list[StagePlan] = []
    passed, start = 0.0, 0.0
    for share, target in parts:
        passed += share
        end = _round(passed * total, total)
        stages.append(StagePlan(round(end - start, 3), target))
        start = end
    return tuple(stages)


def _round(seconds: float, total: float) -> float:
    """Whole seconds, or tenths in a shape of less than two minutes."""
    return float(round(seconds)) if total >= 120 else round(seconds, 1)
