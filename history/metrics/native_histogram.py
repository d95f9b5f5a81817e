"""Prometheus native histograms: decoding, merging, percentiles. Pure.

Format: bucket i of schema s covers (2^((i-1)·2^-s), 2^(i·2^-s)], the zero bucket |v| <= zero_threshold
(Prometheus documentation, "Native histograms"). k6 sends schema 3: each bucket is 2^(1/8) = 9.05 % wide.
k6 observes seconds; everything here is in milliseconds, converted once in `from_wire`.
"""

import math
from collections.abc import Iterable, Mapping
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
    Counts are whole in what k6 sends and may be fractions after a split over time."""

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

    @property
    def average(self) -> float | None:
        """Mean in milliseconds, exact; None without requests."""
        return self.total / self.count if self.count > 0 else None

    def percentile(self, share: float) -> float | None:
        """The value in milliseconds that `share` (0 to 1) of the requests did not exceed; None without requests.

        Inside a bucket the values are taken as spread evenly on a logarithmic scale, so the answer is
        lower · (upper/lower)^f. Measured against exact values by `bench/accuracy`: within 3 %.
        """
        in_buckets = sum(self.buckets.values())
        everything = self.zero + in_buckets
        if everything <= 0:
            return None
        rank = share * everything
        if self.zero > 0 and rank <= self.zero:
            return 0.0
        passed = self.zero
        last = 0
        for index in sorted(self.buckets):
            count = self.buckets[index]
            if count <= 0:
                continue
            last = index
            if passed + count >= rank:
                return 2 ** ((index - 1 + (rank - passed) / count + _MS_SHIFT) / _PER_OCTAVE)
            passed += count
        return upper_bound(last)


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
        return -(-index // 2 ** (schema - SCHEMA))
    return int(index * 2 ** (SCHEMA - schema))


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
