"""Profiles: starting shapes scaled by a peak and a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.profiles import PROFILES, Profile, shape
from loadtests.stage_text import write


def text(profile: Profile, peak: int, minutes: float, *, rate: bool = False) -> tuple[str, str]:
    found = shape(profile, peak, minutes, rate=rate)
    return found.executor, write(found.stages, level=found.executor.startswith("constant"))


@pytest.mark.parametrize(
    ("profile", "executor", "stages"),
    [
        ("smoke", "constant-vus", "10m at 100"),
        ("load", "ramping-vus", "1m to 100, hold 8m, 1m to 0"),
        ("stress", "ramping-vus", "1m to 50, hold 2m, 1m to 75, hold 2m, 1m to 100, hold 2m, 1m to 0"),
        ("spike", "ramping-vus", "1m to 10, hold 3m, 30s to 100, hold 1m, 30s to 10, hold 3m, 1m to 0"),
        ("soak", "ramping-vus", "30s to 100, hold 9m, 30s to 0"),
    ],
)
def test_shapes_of_users(profile: Profile, executor: str, stages: str) -> None:
    assert text(profile, 100, 10) == (executor, stages)


def test_shapes_of_rates_use_the_executors_of_rates() -> None:
    assert text("load", 50, 10, rate=True) == ("ramping-arrival-rate", "1m to 50, hold 8m, 1m to 0")
    assert text("smoke", 2, 1, rate=True) == ("constant-arrival-rate", "1m at 2")


def test_breakpoint_is_a_rate_that_rises_in_plateaus() -> None:
    executor, stages = text("breakpoint", 500, 10)
    assert executor == "constant-arrival-rate"
    assert stages.startswith("1m at 50, 1m at 100, 1m at 150")
    assert stages.endswith("1m at 500")


@given(st.sampled_from(PROFILES), st.integers(1, 100_000), st.integers(1, 60 * 24), st.booleans())
def test_every_shape_reaches_its_peak_and_takes_its_time(profile: Profile, peak: int, minutes: int, rate: bool) -> None:
    stages = shape(profile, peak, minutes, rate=rate).stages
    assert max(stage.target for stage in stages) == peak
    assert sum(stage.duration for stage in stages) == pytest.approx(minutes * 60)
    assert all(stage.duration > 0 for stage in stages)
