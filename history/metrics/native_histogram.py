"""Prometheus native histograms: decoding, merging, percentiles. Pure.

Format: bucket i of schema s covers (2^((i-1)·2^-s), 2^(i·2^-s)], the zero bucket |v| <= zero_threshold
(Prometheus documentation, "Native histograms"). k6 sends schema 3: each bucket is 2^(1/8) = 9.05 % wide.
k6 observes seconds; everything here is in milliseconds, converted once in `from_wire`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

SCHEMA = 3
_PER_OCTAVE = 2**SCHEMA
_MS = 1000.0
# What is added to a bucket's index to turn seconds into milliseconds: log2(1000) octaves.
_MS_SHIFT = math.log2(_MS) * _PER_OCTAVE


@dataclass(slots=True)
class Histogram:
    """Counts of response times. `count` requests took `total` milliseconds together; `zero` of them took none
    (refused connections); `buckets` maps a bucket's index, as k6 numbers it (in seconds), to its count.
    Counts are whole."""

    count: float = 0.0
    total: float = 0.0
    zero: float = 0.0
    buckets: dict[int, float] = field(default_factory=dict)

    def add(self, other: "Histogram", share: float = 1.0) -> None:
        """Adds `share` of `other` in place."""
        self.count += other.count * share
        self.total += other.total * share
        self.zero += other.zero * share
        buckets = self.buckets
        for index, count in other.buckets.items():
            buckets[index] = buckets.get(index, 0.0) + count * share

    def minus(self, earlier: "Histogram") -> "Histogram":
        """What came after `earlier`, an older state of the same cumulative histogram."""
        buckets = {}
        for index, count in self.buckets.items():
            rest = count - earlier.buckets.get(index, 0.0)
            if rest:
                buckets[index] = rest
        return Histogram(self.count - earlier.count, self.total - earlier.total, self.zero - earlier.zero, buckets)

    def dealt(self, counts: Sequence[int]) -> Iterator["Histogram"]:
        """The histogram in parts of `counts` whole requests, which add up to its own. Each part has the shape of the
        whole as far as whole requests can; its time is what its buckets take of the whole's."""
        left, rest, time = self, self.count, sum_of_middles(self.buckets)
        for count in counts:
            if count <= 0:
                yield Histogram()
            elif count >= rest:
                yield left
                left, rest = Histogram(), 0
            else:
                part = left._part(count, rest)
                part.total = self.total * (sum_of_middles(part.buckets) / time) if time else 0.0
                left, rest = left.minus(part), rest - count
                yield part

    def _part(self, count: int, of: float) -> "Histogram":
        """`count` of the `of` requests, going up through the buckets: a request is dealt out where the share that is
        due comes nearest to one more."""
        half, whole = int(of), 2 * int(of)
        passed = self.zero
        zero = given = (2 * passed * count + half) // whole
        buckets: dict[int, float] = {}
        for index, here in sorted(self.buckets.items()):
            passed += here
            due = (2 * passed * count + half) // whole
            if due > given:
                buckets[index] = due - given
                given = due
        return Histogram(count, 0.0, zero, buckets)

    @property
    def average(self) -> float | None:
        """Mean in milliseconds, exact; None without requests."""
        return self.total / self.count if self.count > 0 else None

    def percentile(self, share: float) -> float | None:
        """The value in milliseconds that `share` (0 to 1) of the requests did not exceed; None without requests."""
        return self.percentiles(share)[0]

    def percentiles(self, *shares: float) -> list[float | None]:
        """Several percentiles, `shares` in ascending order.

        Rank as k6's own percentiles have it (metrics.TrendSink.P: share·(n-1), the k-th value in the middle of its
        share of the count). Inside a bucket see `_place`. `bench/accuracy` measures it against exact values.
        """
        everything = self.zero + sum(self.buckets.values())
        if everything <= 0:
            return [None] * len(shares)
        indexes = sorted([index for index, count in self.buckets.items() if count > 0])
        found: list[float | None] = []
        passed, at = self.zero, 0  # what is passed before the bucket indexes[at]
        for share in shares:
            rank = share * max(everything - 1, 0.0) + min(0.5, everything / 2)
            if not indexes or (self.zero > 0 and rank <= self.zero):
                found.append(0.0)
                continue
            while at < len(indexes) - 1 and passed + self.buckets[indexes[at]] < rank:
                passed += self.buckets[indexes[at]]
                at += 1
            found.append(self._inside(indexes[at], rank - passed))
        return found

    def _inside(self, index: int, rank: float) -> float:
        """The value at `rank` of the requests in bucket `index`."""
        count = self.buckets[index]
        before, after = self.buckets.get(index - 1, 0.0), self.buckets.get(index + 1, 0.0)
        place = _place(rank / count, count, before, after)
        return float(2 ** ((index - 1 + min(place, 1.0) + _MS_SHIFT) / _PER_OCTAVE))


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
    return (math.sqrt(b * b + 4 * a * share) - b) / (2 * a)


def sum_of_middles(buckets: Mapping[int, float]) -> float:
    """About how long the requests in `buckets` took together (ms): each as long as the middle of its bucket."""
    known = _MIDDLES
    return sum(count * (known.get(index) or _middle(index)) for index, count in buckets.items())


_MIDDLES: dict[int, float] = {}


def _middle(index: int) -> float:
    return _MIDDLES.setdefault(index, float(2 ** ((index - 0.5 + _MS_SHIFT) / _PER_OCTAVE)))


def upper_bound(index: int) -> float:
    """The upper edge of bucket `index` in milliseconds."""
    return float(2 ** ((index + _MS_SHIFT) / _PER_OCTAVE))


def merged(parts: Iterable[Histogram]) -> Histogram:
    """The sum of several histograms: percentiles of it are percentiles of all their requests together."""
    whole = Histogram()
    for part in parts:
        whole.add(part)
    return whole


def from_wire(
    count: float,
    sum_seconds: float,
    schema: int,
    zero: float,
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
            if value:
                at = _to_schema(index, schema)
                buckets[at] = buckets.get(at, 0.0) + value
            index += 1
    return Histogram(float(count), sum_seconds * _MS, float(zero), buckets)


def _to_schema(index: int, schema: int) -> int:
    if schema == SCHEMA:
        return index
    if schema > SCHEMA:
        return -(-index // (1 << schema - SCHEMA))
    return index << SCHEMA - schema


def to_plain(histogram: Histogram) -> list[object]:
    """`[count, total ms, zero, [index, count, index, count, …]]`, for storing as JSON."""
    flat: list[float] = []
    for index in sorted(histogram.buckets):
        flat += [index, histogram.buckets[index]]
    return [histogram.count, histogram.total, histogram.zero, flat]


def from_plain(plain: Mapping[int, object] | list[object]) -> Histogram:
    """The reverse of `to_plain`."""
    count, total, zero, flat = plain
    pairs = list(flat)  # type: ignore[call-overload]
    buckets = {int(pairs[i]): float(pairs[i + 1]) for i in range(0, len(pairs), 2)}
    return Histogram(float(count), float(total), float(zero), buckets)  # type: ignore[arg-type]
