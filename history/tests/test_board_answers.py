"""How requests ended and how long they took, as a page draws it."""

import pytest

from history.board_answers import breakdown, distribution
from history.board_figures import Figures


def test_what_failed_comes_first_and_the_most_frequent_of_it_first() -> None:
    found = breakdown({"200": 60, "0:1212": 10, "503": 30, "404": 0})
    assert [(one.kind, one.count, one.share) for one in found] == [
        ("503", 30, 30.0),
        ("0:1212", 10, 10.0),
        ("200", 60, 60.0),
    ]


def test_nothing_was_answered() -> None:
    assert breakdown({}) == []
    assert distribution([], Figures()) is None
    assert distribution([(1.0, 2.0, 0)], Figures()) is None
    assert distribution([(0.0, 0.0, 12)], Figures()) is None  # all were refused: none took time


def test_bars_stand_on_a_logarithmic_axis_and_keep_their_counts() -> None:
    """From 10 to 1,000 ms are two decades: 100 ms stands in the middle; the highest bar is 100 % high."""
    found = distribution([(10.0, 20.0, 50), (100.0, 200.0, 25), (500.0, 1000.0, 5)], Figures(p50=15.0, p95=700.0))
    assert found is not None
    assert found.total == 80
    assert [bar.count for bar in found.bars] == [50, 25, 5]
    assert [bar.height for bar in found.bars] == [100.0, 50.0, 10.0]
    assert found.bars[0].x == 0.0
    assert found.bars[1].x == pytest.approx(50.0)
    assert found.bars[2].x + found.bars[2].width == pytest.approx(100.0)
    assert [(mark.name, mark.row) for mark in found.marks] == [("p50", 0), ("p95", 0)]
    assert [tick.value for tick in found.ticks] == [10, 20, 50, 100, 200, 500, 1000]


def test_requests_that_took_no_time_have_a_bar_too() -> None:
    found = distribution([(0.0, 0.0, 7), (10.0, 20.0, 3)], Figures())
    assert found is not None
    assert [(bar.count, bar.x) for bar in found.bars] == [(7, 0.0), (3, pytest.approx(20.83, abs=0.1))]
    assert all(bar.width > 0 for bar in found.bars)


def test_words_of_percentiles_that_are_close_stand_in_rows_of_their_own() -> None:
    found = distribution([(10.0, 1000.0, 9)], Figures(p50=100.0, p90=110.0, p95=115.0, p99=900.0))
    assert found is not None
    assert [mark.row for mark in found.marks] == [0, 1, 2, 0]
