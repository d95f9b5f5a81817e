"""Prometheus native histograms: decoding, merging, percentiles. Pure.

Format: bucket i of schema s covers (2^((i-1)·2^-s), 2^(i·2^-s)], the zero bucket |v| <= zero_threshold
(Prometheus documentation, "Native histograms"). k6 sends schema 3: each bucket is 2^(1/8) = 9.05 % wide.
k6 observes seconds; everything here is in milliseconds, converted once in `from_wire`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import exp2, log2, sqrt
from operator import add, mul, sub
from typing import Any

SCHEMA = 3
_PER_OCTAVE = 2**SCHEMA
_MS = 1000.0
# What is added to a bucket's index to turn seconds into milliseconds: log2(1000) octaves.
_MS_SHIFT = log2(_MS) * _PER_OCTAVE
_FARTHEST = 320  # buckets farther from that of one second hold what lies beyond: a picosecond, thirty thousand years


class Histogram:
    """Counts of response times. `count` requests took `total` milliseconds together; `zero` of them took none
    (refused connections); the others are in buckets, numbered as k6 numbers them (in seconds): `counts` has those of
    `first` and the ones after it. Buckets at the ends may be empty. Counts are whole.

    A result is made of hundreds of thousands of these, so they are added up list by list.
    """

    __slots__ = ("count", "counts", "first", "total", "zero")

    def __init__(
        self, count: float = 0, total: float = 0.0, zero: float = 0, buckets: Mapping[int, float] | None = None
    ) -> None:
        self.count, self.total, self.zero = count, total, zero
        self.first, self.counts = _row(buckets) if buckets else (0, [])

    @classmethod
    def of(cls, count: float, total: float, zero: float, first: int, counts: list[float]) -> "Histogram":
        """One that takes `counts` for its own."""
        made = cls.__new__(cls)
        made.count, made.total, made.zero, made.first, made.counts = count, total, zero, first, counts
        return made

    @property
    def buckets(self) -> dict[int, float]:
        """The counts by bucket, without empty ones."""
        return {index: count for index, count in enumerate(self.counts, self.first) if count}

    @property
    def longest(self) -> float | None:
        """The upper edge of the last bucket that is not empty (ms)."""
        highest = self.highest
        return None if highest is None else _EDGES[highest + _FARTHEST]

    @property
    def highest(self) -> int | None:
        """The last bucket that is not empty."""
        for at in range(len(self.counts) - 1, -1, -1):
            if self.counts[at]:
                return self.first + at
        return None

    def at(self, index: int) -> float:
        """The count of one bucket."""
        at = index - self.first
        return self.counts[at] if 0 <= at < len(self.counts) else 0

    def above(self, index: int) -> float:
        """The count of all buckets after that one."""
        return sum(self.counts[max(0, index + 1 - self.first) :])

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
        more = other.counts
        if not more:
            return
        if not self.counts:
            self.first, self.counts = other.first, more.copy()
            return
        at = other.first - self.first
        if not at and len(more) == len(self.counts):
            self.counts = list(map(add, self.counts, more))
            return
        if at < 0:
            self.counts[:0] = [0] * -at
            self.first, at = other.first, 0
        counts, end = self.counts, at + len(more)
        if end > len(counts):
            counts += [0] * (end - len(counts))
        counts[at:end] = map(add, counts[at:end], more)

    def minus(self, earlier: "Histogram") -> "Histogram":
        """What came after `earlier`, an older state of the same cumulative histogram."""
        if earlier.first == self.first and len(earlier.counts) <= len(self.counts):
            first, counts = self.first, self.counts.copy()
            counts[: len(earlier.counts)] = map(sub, counts, earlier.counts)
        else:
            first, counts = min(self.first, earlier.first), []
            last = max(self.first + len(self.counts), earlier.first + len(earlier.counts))
            counts = [self.at(index) - earlier.at(index) for index in range(first, last)]
        first, counts = _trimmed(first, counts)
        count, zero = self.count - earlier.count, self.zero - earlier.zero
        return Histogram.of(count, self.total - earlier.total, zero, first, counts)

    def dealt(self, counts: Sequence[int]) -> list["Histogram | None"]:
        """The histogram in parts of `counts` whole requests, which add up to its own; None for no request. Each part
        has the shape of the whole as far as whole requests can; its time is what its buckets take of the whole's."""
        left, rest, time = self, self.count, 0.0
        found: list[Histogram | None] = []
        for count in counts:
            if count <= 0:
                found.append(None)
            elif count >= rest:
                found.append(left)
                left, rest = Histogram(), 0
            else:
                time = time or self._middles()
                part = left._part(count, rest)
                part.total = self.total * (part._middles() / time) if time else 0.0
                rest -= count
                counts_left = list(map(sub, left.counts, part.counts))
                left = Histogram.of(rest, left.total - part.total, left.zero - part.zero, left.first, counts_left)
                found.append(part)
        return found

    def _part(self, count: int, of: float) -> "Histogram":
        """`count` of the `of` requests, going up through the buckets: a request is dealt out where the share that is
        due comes nearest to one more."""
        passed = list(accumulate(self.counts, initial=self.zero))
        if 2 * count < len(passed):  # the same, request by request
            dealt: list[float] = [0] * len(passed)
            step = of / count
            for number in range(count):
                dealt[bisect_left(passed, (number + 0.5) * step)] += 1
            return Histogram.of(count, 0.0, dealt[0], self.first, dealt[1:])
        half, whole, twice = int(of), 2 * int(of), 2 * count
        due = [(twice * reached + half) // whole for reached in passed]
        return Histogram.of(count, 0.0, due[0], self.first, list(map(sub, due[1:], due)))

    def _middles(self) -> float:
        """About how long its requests took together (ms): each as long as the middle of its bucket."""
        at = self.first + _FARTHEST
        return float(sum(map(mul, self.counts, _MIDDLES[at : at + len(self.counts)])))

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
        counts, zero = self.counts, self.zero
        passed = list(accumulate(counts, initial=zero))
        everything = passed[-1]
        if everything <= 0:
            return [None] * len(shares)
        last, length = bisect_left(passed, everything), len(counts)
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
            after = counts[at + 1] if at + 1 < length else 0
            inside = (rank - passed[at]) / count
            slope = (after - before) / 2 / count
            if before and after and 1e-9 < abs(slope) < 1.9:  # `_place`, without a call
                a, b = slope / 2, 1 - slope / 2
                place = (sqrt(b * b + 4 * a * inside) - b) / (2 * a)
            else:
                place = _place(inside, count, before, after)
            found.append(exp2((before_first + at + (place if place < 1.0 else 1.0)) / _PER_OCTAVE))
        return found


def _row(buckets: Mapping[int, float]) -> tuple[int, list[float]]:
    first, last = min(buckets), max(buckets)
    return first, [buckets.get(index, 0) for index in range(first, last + 1)]


def _trimmed(first: int, counts: list[float]) -> tuple[int, list[float]]:
    """Without the empty buckets at both ends."""
    end = len(counts)
    while end and not counts[end - 1]:
        end -= 1
    begin = 0
    while begin < end and not counts[begin]:
        begin += 1
    if begin or end < len(counts):
        counts = counts[begin:end]
    return (first + begin, counts) if counts else (0, [])


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
    (a finer one by merging, a coarser one by keeping its upper edge)."""
    buckets: dict[int, float] = {}
    index, value = 0, 0
    steps = iter(deltas)
    for offset, length in spans:
        index += offset
        for _ in range(length):
            value += next(steps, 0)
            if value > 0:
                at = max(-_FARTHEST, min(_to_schema(index, schema), _FARTHEST))
                buckets[at] = buckets.get(at, 0) + value
            index += 1
    # k6's count is that of its buckets; a push that disagrees with itself is brought to agree.
    in_buckets = int(sum(buckets.values()))
    zero = max(zero, count - in_buckets, 0)
    return Histogram(zero + in_buckets, sum_seconds * _MS, zero, buckets)


def _to_schema(index: int, schema: int) -> int:
    if schema == SCHEMA:
        return index
    if schema > SCHEMA:
        return -(-index // (1 << schema - SCHEMA))
    return index << SCHEMA - schema


def to_plain(histogram: Histogram, counts: list[int]) -> list[Any]:
    """`[count, total ms, zero, first bucket, number of buckets]`, whose counts are appended to `counts`."""
    counts += histogram.counts  # type: ignore[arg-type]  # whole
    return [histogram.count, histogram.total, histogram.zero, histogram.first, len(histogram.counts)]


def from_plain(plain: list[Any], counts: list[int], at: int) -> Histogram:
    """The reverse of `to_plain`, where its counts begin at `at`."""
    count, total, zero, first, length = plain
    return Histogram.of(count, total, zero, first, counts[at : at + length])  # type: ignore[arg-type]  # int is float


def from_pairs(plain: list[Any]) -> Histogram:
    """What older versions stored: `[count, total ms, zero, [index, count, index, count, …]]`."""
    count, total, zero, flat = plain
    return Histogram(int(count), total, int(zero), dict(zip(flat[::2], map(int, flat[1::2]), strict=True)))
