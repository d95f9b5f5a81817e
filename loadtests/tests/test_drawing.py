"""The load as a drawing of 1000 x 100."""

import pytest

from loadtests.drawing import draw
from loadtests.k6.curves import curve
from loadtests.k6.plan import StagePlan

HOLD = curve("constant-vus", [StagePlan(10, 5)])
RAMP = curve("ramping-vus", [StagePlan(10, 5), StagePlan(10, 0)])


def test_one_scenario_stands_on_the_ground() -> None:
    drawing = draw(HOLD, [])
    assert (drawing.peak, drawing.duration, drawing.levels) == (5, 10, (6, 3, 0))
    assert drawing.moments == (0, 2.5, 5, 7.5, 10)
    assert drawing.outline == "M0.0 100.0L0.0 16.7L1000.0 16.7L1000.0 100.0"


def test_the_chosen_scenario_is_stacked_on_the_others() -> None:
    drawing = draw(RAMP, [HOLD])
    assert (drawing.peak, drawing.duration) == (10, 20)
    assert drawing.others == "M0.0 100.0L0.0 100.0L0.0 50.0L500.0 50.0L500.0 100.0L1000.0 100.0Z"
    assert drawing.outline == "M0.0 100.0L0.0 50.0L500.0 0.0L500.0 50.0L1000.0 100.0"
    assert drawing.chosen.endswith("L1000.0 100.0L500.0 100.0L500.0 50.0L0.0 50.0L0.0 100.0Z")


@pytest.mark.parametrize(("peak", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (9, 10), (11, 20), (90, 100), (4100, 6000)])
def test_the_scale_ends_at_a_number_that_halves_well(peak: int, top: int) -> None:
    drawing = draw(curve("constant-vus", [StagePlan(1, peak)]), [])
    assert drawing.levels == (top, top // 2, 0)


def test_nothing_is_a_flat_line() -> None:
    drawing = draw(curve("constant-vus", [StagePlan(0, 0)]), [])
    assert drawing.outline == "M0.0 100.0L1000.0 100.0"
