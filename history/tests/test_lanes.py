"""Rows of counts as one whole number."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.metrics.lanes import BITS, SIGNS, joined, leading, length, shares, split, whole
from history.metrics.native_histogram import Histogram

rows = st.lists(st.integers(0, 2**40), max_size=40)


@given(rows)
def test_a_row_has_the_counts_it_was_joined_of(counts: list[int]) -> None:
    row = joined(counts)
    assert split(row) == tuple(counts[: length(row)])
    assert not any(counts[length(row) :])
    assert whole(row) == sum(counts)


@given(rows, st.integers(0, 5))
def test_rows_that_begin_elsewhere_are_added_up_where_they_belong(counts: list[int], at: int) -> None:
    both = joined([*[0] * at, *counts])
    assert joined(counts) << BITS * at == both
    assert not any(counts) or leading(both) == at + next(n for n, count in enumerate(counts) if count)


@given(rows, rows)
def test_a_count_below_zero_is_seen_in_a_difference(one: list[int], other: list[int]) -> None:
    pairs = list(zip(one, other, strict=False))
    row = joined([a for a, _ in pairs]) - joined([b for _, b in pairs])
    assert (row < 0 or row & SIGNS != 0) == any(a < b for a, b in pairs)


@given(st.lists(st.integers(0, 90), max_size=40), st.integers(1, 9), st.data())
def test_what_is_due_is_rounded_as_one_by_one(counts: list[int], before: int, data: st.DataObject) -> None:
    for factor in (1, 1000):  # the second too many for a multiplication
        scaled, first = [n * factor for n in counts], before * factor
        of = first + sum(scaled)
        count = data.draw(st.integers(0, of))
        expected = [(2 * count * reached + of) // (2 * of) for reached in accumulate(scaled, initial=first)]
        assert shares(joined(scaled), len(scaled), first, count, of) == joined(expected)


@pytest.mark.parametrize("later", [Histogram(4, 40.0, 0, {-50: 4}), Histogram(4, 40.0, 1, {-53: 3})])
def test_a_state_in_which_a_bucket_fell_came_after_nothing(later: Histogram) -> None:
    # k6 began again from zero, and had made more requests than before by its next push.
    assert later.minus(Histogram(3, 30.0, 2, {-53: 1})) is None
