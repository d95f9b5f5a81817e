"""Rows of counts as one whole number with 64 bits for each: the first count lowest. Pure.

Python adds and subtracts such numbers in a twentieth of the time that lists of as many counts take, and of both, sums
of results are made. A sum is right as long as no count reaches 2^63.
"""

import functools
from collections.abc import Sequence
from itertools import accumulate
from struct import Struct

BITS = 64
BYTES = 8
LANE = (1 << BITS) - 1  # the bits of the first count
_ROOM = 642  # counts of the longest row that is told to be fine; of longer ones nobody asks
# In the difference of two rows: of counts that are below zero, or that one after them borrowed from.
SIGNS = sum(1 << BITS * at + BITS - 1 for at in range(_ROOM))
# To divide a whole row: see `shares`.
_SHIFT = 36
_QUOTIENTS = sum((1 << BITS - _SHIFT) - 1 << BITS * at for at in range(_ROOM))


@functools.lru_cache(_ROOM)
def _row(length: int) -> Struct:
    return Struct(f"<{length}Q")


@functools.lru_cache(_ROOM)
def _ones(length: int) -> int:
    return joined([1] * length)


def joined(counts: Sequence[int]) -> int:
    """The row of these counts."""
    return int.from_bytes(_row(len(counts)).pack(*counts), "little")


def length(row: int) -> int:
    """Up to and with the last count that is not 0."""
    return (row.bit_length() + BITS - 1) // BITS


def split(row: int) -> tuple[int, ...]:
    """The counts of a row up to the last that is not 0."""
    many = (row.bit_length() + BITS - 1) // BITS
    return _row(many).unpack(row.to_bytes(BYTES * many, "little"))


def whole(row: int) -> int:
    """All of its counts together."""
    return row % LANE  # 2^64 leaves 1


def leading(row: int) -> int:
    """How many counts before the first that is not 0; `row` has one."""
    return ((row & -row).bit_length() - 1) // BITS


def shares(row: int, many: int, before: int, count: int, of: int) -> int:
    """With `count` of `of` things to be dealt out over `before` things, and then over a row of `many` counts: how many
    are due before its first count, before the second and so on, and in all; rounded to the nearest. A row of one count
    more.

    That is (2·count·passed + of) // (2·of) of each. Up to some thousand things the division is a multiplication with
    the reciprocal, a little too great, and a shift: below 2^36 both give the same.
    """
    coming, step = row, BITS  # each count with all after it
    while step < BITS * many:
        coming += coming >> step
        step *= 2
    twice, divisor, everything = 2 * count, 2 * of, before + (coming & LANE)
    if (twice * everything + of) * divisor >= 1 << _SHIFT:
        passed = accumulate((*split(row), *[0] * (many - length(row))), initial=before)
        return joined([(twice * reached + of) // divisor for reached in passed])
    due = (twice * everything + of) * _ones(many + 1) - twice * coming
    return due * ((1 << _SHIFT) // divisor + 1) >> _SHIFT & _QUOTIENTS
