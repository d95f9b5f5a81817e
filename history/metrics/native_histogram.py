"""Prometheus native histograms: decoding, merging, percentiles. Pure.

Format: bucket i of schema s covers (2^((i-1)·2^-s), 2^(i·2^-s)], the zero bucket |v| <= zero_threshold
(Prometheus documentation, "Native histograms"). k6 sends schema 3: each bucket is 2^(1/8) = 9.05 % wide.
k6 observes seconds; everything here is in milliseconds, converted once in `from_wire`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import exp2, log2, sqrt
from operator import mul
from typing import Any

from history.metrics.lanes import BITS, BYTES, LANE, SIGNS, joined, leading, length, shares, split

SCHEMA = 3
_PER_OCTAVE = 2**SCHEMA
_MS = 1000.0
# What is added to a bucket's index to turn seconds into milliseconds: log2(1000) octaves.
_MS_SHIFT = log2(_MS) * _PER_OCTAVE
_MOST = 1 << 60  # requests of a series; a sum of some of them still has room in a row of counts
_FARTHEST = 320  # buckets farther from that of one second hold what lies beyond: a picosecond, thirty thousand years


class Histogram:
    """Counts of response times. `count` requests took `total` milliseconds together; `zero` of them took none
    (refused connections); the others are in buckets, numbered as k6 numbers them (in seconds): `row` has the counts of
    `first` and the ones after it, see `history.metrics.lanes`. The first ones may be empty. Counts are whole.

    A result is made of hundreds of thousands of these.
    """

    __slots__ = ("count", "first", "row", "total", "zero")

    def __init__(
        self, count: float = 0, total: float = 0.0, zero: float = 0, buckets: Mapping[int, float] | None = None
    ) -> None:
        self.count, self.total, self.zero = count, total, zero
        self.first, self.row = _row(buckets) if buckets else (0, 0)

    @classmethod
    def of(cls, count: float, total: float, zero: float, first: int, row: int) -> "Histogram":
        """One of a row of counts."""
        made = cls.__new__(cls)
        made.count, made.total, made.zero, made.first, made.row = count, total, zero, first, row
        return made

    @property
    def counts(self) -> tuple[int, ...]:
        """Those of bucket `first` and the ones after it, up to the last that is not empty."""
        return split(self.row)

    @property
    def buckets(self) -> dict[int, float]:
        """The counts by bucket, without empty ones."""
        return {index: count for index, count in enumerate(self.counts, self.first) if count}

    @property
    def longest(self) -> float | None:
        """The upper edge of the last bucket that is not empty (ms)."""
        return _EDGES[self.first + length(self.row) - 1 + _FARTHEST] if self.row else None

    @property
    def highest(self) -> int | None:
        """The last bucket that is not empty."""
        return self.first + length(self.row) - 1 if self.row else None

    def since(self, index: int) -> int:
        """The row of that bucket and the ones after it."""
        at = BITS * (index - self.first)
        return self.row >> at if at >= 0 else self.row << -at

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        mine, others = (self.count, self.total, self.zero), (other.count, other.total, other.zero)
        return mine == others and self.buckets == other.buckets

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Histogram({self.count!r}, {self.total!r}, {self.zero!r}, {self.buckets!r})"

    def add(self, other: "Histogram") -> None:
        """Adds another in place."""
        self.count += other.count
        self.total += other.total
        self.zero += other.zero
        row = other.row
        if not row:
            return
        if not self.row:
            self.first, self.row = other.first, row
            return
        at = other.first - self.first
        if not at:
            self.row += row
        elif at > 0:
            self.row += row << BITS * at
        else:
            self.row = (self.row << BITS * -at) + row
            self.first = other.first

    def minus(self, earlier: "Histogram") -> "Histogram | None":
        """What came after `earlier`, an older state of the same cumulative histogram; None where `earlier` holds what
        this does not, so is none."""
        if self.count < earlier.count or self.zero < earlier.zero:
            return None
        row, first, at = self.row, self.first, earlier.first - self.first
        if earlier.row:
            if at >= 0:
                row -= earlier.row << BITS * at
            else:
                row, first = (row << BITS * -at) - earlier.row, earlier.first
            if row < 0 or row & SIGNS:  # a count below zero has borrowed
                return None
        if not row:
            first = 0
        elif not row & LANE:  # empty ones at its beginning
            empty = leading(row)
            row, first = row >> BITS * empty, first + empty
        count, zero = self.count - earlier.count, self.zero - earlier.zero
        return Histogram.of(count, self.total - earlier.total, zero, first, row)

    def dealt(self, counts: Sequence[int]) -> list["Histogram | None"]:
        """The histogram in parts of `counts` whole requests, which add up to its own; None for no request. Each part
        has the shape of the whole as far as whole requests can; its time is what its buckets take of the whole's."""
        left, rest, time, many = self, self.count, 0.0, length(self.row)
        found: list[Histogram | None] = []
        for count in counts:
            if count <= 0 or not rest:
                found.append(None)
            elif count >= rest:
                found.append(left)
                rest = 0
            else:
                row = split(left.row)
                time = time or _middles(self.first, row)
                part, took = left._part(count, rest, row, many)
                part.total = self.total * (took / time) if time else 0.0
                rest -= count
                after = left.row - part.row
                left = Histogram.of(rest, left.total - part.total, left.zero - part.zero, left.first, after)
                found.append(part)
        return found

    def _part(self, count: int, of: float, row: Sequence[int], many: int) -> tuple["Histogram", float]:
        """`count` of the `of` requests, going up through the `many` buckets: a request is dealt out where the share
        that is due comes nearest to one more. `row`: the counts. And about how long they took (ms)."""
        zero = int(self.zero)
        if 2 * count <= many < 512:  # the same, request by request; no bucket gets more than a byte holds
            passed, step = list(accumulate(row, initial=zero)), of / count
            dealt = bytearray(BYTES * len(passed))
            for number in range(count):
                dealt[BYTES * bisect_left(passed, (number + 0.5) * step)] += 1
            part = Histogram.of(count, 0.0, dealt[0], self.first, int.from_bytes(dealt, "little") >> BITS)
            return part, _middles(self.first, dealt[BYTES::BYTES])
        due = shares(self.row, many, zero, count, int(of))
        # Of what is due with each bucket, what was before it; `count` is due in all.
        part = Histogram.of(count, 0.0, due & LANE, self.first, (due >> BITS) - due + (count << BITS * many))
        return part, _middles(self.first, split(part.row))

    @property
    def average(self) -> float | None:
        """Mean in milliseconds, exact; None without requests."""
        return self.total / self.count if self.count > 0 else None

    def percentile(self, share: float) -> float | None:
        """The value in milliseconds that `share` (0 to 1) of the requests did not exceed; None without requests."""
        return self.percentiles(share)[0]

    def percentiles(self, *shares: float) -> list[float | None]:
        """Several percentiles.

        Rank as k6's own percentiles have it (metrics.TrendSink.P: share·(n-1), the k-th value in the middle of its
        share of the count). Inside a bucket see `_place`. `bench/accuracy` measures it against exact values.
        """
        counts, zero = split(self.row), self.zero
        passed = list(accumulate(counts, initial=zero))
        everything = passed[-1]
        if everything <= 0:
            return [None] * len(shares)
        last, many = bisect_left(passed, everything), len(counts)
        before_first, half = self.first - 1 + _MS_SHIFT, 0.5 if everything >= 1 else everything / 2
        above, found = max(everything - 1, 0), list[float | None]()
        for share in shares:
            rank = share * above + half
            if rank <= zero or everything == zero:
                found.append(0.0)
                continue
            # The first bucket with which the rank is reached; `passed` has what lies before them all in front.
            at = bisect_left(passed, rank)
            at = (at if at < last else last) - 1
            count, before = counts[at], counts[at - 1] if at else 0
            after = counts[at + 1] if at + 1 < many else 0
            inside = (rank - passed[at]) / count
            slope = (after - before) / 2 / count
            if before and after and 1e-9 < abs(slope) < 1.9:  # `_place`, without a call
                a, b = slope / 2, 1 - slope / 2
                place = (sqrt(b * b + 4 * a * inside) - b) / (2 * a)
            else:
                place = _place(inside, count, before, after)
            found.append(exp2((before_first + at + (place if place < 1.0 else 1.0)) / _PER_OCTAVE))
        return found


def _middles(first: int, counts: Sequence[int]) -> float:
    """About how long requests took together (ms): each as long as the middle of its bucket."""
    at = first + _FARTHEST
    return float(sum(map(mul, counts, _MIDDLES[at : at + len(counts)])))


def _row(buckets: Mapping[int, float]) -> tuple[int, int]:
    first, last = min(buckets), max(buckets)
    return first, joined([int(buckets.get(index, 0)) for index in range(first, last + 1)])


def _place(share: float, count: float, before: float, after: float) -> float:
    """Where in a bucket of `count` values, on its logarithmic scale from 0 to 1, `share` of them are passed.

    `before` and `after` are the counts of its neighbours. Between two neighbours the values get denser or sparser
    evenly, with the slope that the neighbours show. The first and the last bucket of a run of them are filled from
    their inner edge only, as densely as the neighbour: response times seldom end at a bucket's edge.
    """
    if before and not after:
        return share * min(1.0, count / before)
    if after and not before:
        filled = min(1.0, count / after)
        return 1.0 - filled + share * filled
    slope = max(-1.9, min(1.9, (after - before) / 2 / count))
    if abs(slope) < 1e-9:
        return share
    # Density 1 + slope·(x - 1/2); its integral is x + slope·(x² - x)/2 = share.
    a, b = slope / 2, 1 - slope / 2
    return (sqrt(b * b + 4 * a * share) - b) / (2 * a)


def upper_bound(index: float) -> float:
    """The upper edge of bucket `index` in milliseconds."""
    return float(2 ** ((index + _MS_SHIFT) / _PER_OCTAVE))


_EDGES = [upper_bound(index) for index in range(-_FARTHEST, _FARTHEST + 1)]
_MIDDLES = [upper_bound(index - 0.5) for index in range(-_FARTHEST, _FARTHEST + 1)]


def merged(parts: Iterable[Histogram]) -> Histogram:
    """The sum of several histograms: percentiles of it are percentiles of all their requests together."""
    whole = Histogram()
    for part in parts:
        whole.add(part)
    return whole


def from_wire(
    count: int,
    sum_seconds: float,
    schema: int,
    zero: int,
    spans: Iterable[tuple[int, int]],
    deltas: Iterable[int],
) -> Histogram:
    """A histogram from its remote-write form: `spans` are (offset, length) of runs of buckets, `deltas` the
    difference of each bucket's count from the one before. Coarser or finer schemas are brought to schema 3
    (a finer one by merging, a coarser one by keeping its upper edge). Raises `OverflowError` for more requests than
    any load generator makes."""
    buckets: dict[int, float] = {}
    index, value = 0, 0
    steps = iter(deltas)
    for offset, many in spans:
        index += offset
        for _ in range(many):
            value += next(steps, 0)
            if value > 0:
                at = max(-_FARTHEST, min(_to_schema(index, schema), _FARTHEST))
                buckets[at] = buckets.get(at, 0) + value
            index += 1
    # k6's count is that of its buckets; a push that disagrees with itself is brought to agree.
    in_buckets = int(sum(buckets.values()))
    zero = max(zero, count - in_buckets, 0)
    if zero + in_buckets >= _MOST:
        raise OverflowError("A histogram counts too many requests.")
    return Histogram(zero + in_buckets, sum_seconds * _MS, zero, buckets)


def _to_schema(index: int, schema: int) -> int:
    if schema == SCHEMA:
        return index
    if schema > SCHEMA:
        return -(-index // (1 << schema - SCHEMA))
    return index << SCHEMA - schema


def to_plain(histogram: Histogram, counts: bytearray) -> list[Any]:
    """`[count, total ms, zero, first bucket, number of buckets]`, whose counts are appended to `counts`, 8 bytes
    each."""
    many = length(histogram.row)
    counts += histogram.row.to_bytes(BYTES * many, "little")
    return [histogram.count, histogram.total, histogram.zero, histogram.first, many]


def from_plain(plain: list[Any], counts: bytes, at: int) -> Histogram:
    """The reverse of `to_plain`, where its counts begin at the one numbered `at`."""
    count, total, zero, first, many = plain
    row = int.from_bytes(counts[BYTES * at : BYTES * (at + many)], "little")
    return Histogram.of(count, total, zero, first, row)


def from_pairs(plain: list[Any]) -> Histogram:
    """What older versions stored: `[count, total ms, zero, [index, count, index, count, …]]`."""
    count, total, zero, flat = plain
    return Histogram(int(count), total, int(zero), dict(zip(flat[::2], map(int, flat[1::2]), strict=True)))
