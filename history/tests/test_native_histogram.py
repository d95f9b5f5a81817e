"""Native histograms: buckets, merging, percentiles; values worked out by hand."""

import itertools
import math
import random
from collections import Counter

import pytest

from history.metrics.native_histogram import Histogram, from_pairs, from_plain, from_wire, merged, to_plain, upper_bound


def bucket_of(seconds: float) -> int:
    """The schema-3 bucket of a value: (2^((i-1)/8), 2^(i/8)] seconds."""
    return math.ceil(math.log2(seconds) * 8)


def of(values_ms: list[float]) -> Histogram:
    """A histogram as k6 would build it."""
    buckets = Counter(bucket_of(value / 1000) for value in values_ms if value)
    return Histogram(len(values_ms), sum(values_ms), values_ms.count(0), buckets)


def test_it_reads_spans_and_deltas() -> None:
    # Spans (-58, 4) and (6, 1): buckets -58..-55, then 6 further on, -48. Deltas add up from bucket to bucket.
    found = from_wire(6, 0.3, 3, 0, [(-58, 4), (6, 1)], [1, -1, 2, 0, 1])
    assert found.buckets == {-58: 1, -56: 2, -55: 2, -48: 3}
    assert found.total == pytest.approx(300.0)  # seconds came in, milliseconds are kept


def test_it_brings_other_schemas_to_schema_3() -> None:
    # Schema 4 has 16 buckets an octave: 1 and 2 both lie in bucket 1 of schema 3.
    assert from_wire(3, 0, 4, 0, [(1, 2)], [1, 1]).buckets == {1: 3}
    # Schema 2 has 4 an octave: its bucket 1 ends where bucket 2 of schema 3 ends.
    assert from_wire(1, 0, 2, 0, [(1, 1)], [1]).buckets == {2: 1}


def test_bucket_edges_are_milliseconds() -> None:
    assert upper_bound(0) == pytest.approx(1000.0)
    assert upper_bound(-8) == pytest.approx(500.0)


def test_percentiles_are_interpolated_geometrically() -> None:
    # One bucket, (500, 545.25] ms, ten requests: the k-th of them at (k + 1/2)/10 of the bucket's logarithm.
    histogram = Histogram(10, 5200, 0, {-7: 10})
    assert histogram.percentile(0.5) == pytest.approx(500 * 2 ** (1 / 16))
    assert histogram.percentile(1.0) == pytest.approx(500 * 2 ** (0.95 / 8))
    assert histogram.percentile(0.0) == pytest.approx(500 * 2 ** (0.05 / 8))


def test_between_two_neighbours_the_density_follows_their_slope() -> None:
    # Counts 10, 20, 30: in the middle bucket the density is 1 + (x - 1/2)/2. The median has rank 0.5*59 + 0.5 = 30,
    # so it is passed by (30 - 10)/20 = all of the middle bucket: its upper edge, 545.25 ms.
    assert Histogram(60, 0, 0, {-8: 10, -7: 20, -6: 30}).percentile(0.5) == pytest.approx(500 * 2 ** (1 / 8))
    # p33 has rank 0.33*59 + 0.5 = 19.97, share 0.4985 of the bucket: 0.25 x^2 + 0.75 x = 0.4985, x = 0.5607.
    assert Histogram(60, 0, 0, {-8: 10, -7: 20, -6: 30}).percentile(0.33) == pytest.approx(
        500 * 2 ** (0.5607 / 8), rel=1e-4
    )


def test_the_last_bucket_is_filled_from_its_inner_edge() -> None:
    # 40 values, then 10 in the last bucket: it is filled to 10/40 of its width, and the last value is
    # at 0.95 of that.
    assert Histogram(50, 0, 0, {-8: 40, -7: 10}).percentile(1.0) == pytest.approx(500 * 2 ** (0.95 * 0.25 / 8))


def test_refused_connections_take_no_time() -> None:
    histogram = Histogram(10, 0, 9, {0: 1})
    assert histogram.percentile(0.5) == 0.0
    assert histogram.percentile(0.99) > 900


def test_nothing_measured_is_none() -> None:
    assert Histogram().percentile(0.95) is None
    assert Histogram().average is None


@pytest.mark.parametrize("seed", range(5))
def test_percentiles_are_within_3_percent_of_exact(seed: int) -> None:
    source = random.Random(seed)
    values = sorted(source.lognormvariate(4, 0.7) for _ in range(20_000))
    histogram = of(values)
    for share in (0.5, 0.9, 0.95, 0.99):
        exact = values[math.ceil(share * len(values)) - 1]
        assert histogram.percentile(share) == pytest.approx(exact, rel=0.03)
    assert histogram.average == pytest.approx(sum(values) / len(values))


def test_the_percentile_of_a_merge_is_not_the_average_of_percentiles() -> None:
    # 950 requests of 10 ms at one pod, 50 of 1,000 ms at another: p99 of all is 1,000 ms, the average is 505 ms.
    fast, slow = of([10.0] * 950), of([1000.0] * 50)
    both = merged([fast, slow])
    average = ((fast.percentile(0.99) or 0) + (slow.percentile(0.99) or 0)) / 2
    assert both.percentile(0.99) == pytest.approx(1000, rel=0.09)
    assert average < 600


def test_a_difference_gives_what_came_after() -> None:
    before, after = of([10, 20]), of([10, 20, 20, 400])
    rest = after.minus(before)
    assert rest.count == 2
    assert rest.total == pytest.approx(420)
    assert sum(rest.buckets.values()) == 2


def test_it_survives_storing() -> None:
    stored = [of([1, 5, 5, 0, 90]), Histogram(), of([7])]
    counts = bytearray()
    plain = [to_plain(histogram, counts) for histogram in stored]
    begins = itertools.accumulate((row[-1] for row in plain), initial=0)
    assert [from_plain(row, counts, at) for row, at in zip(plain, begins, strict=False)] == stored


def test_what_older_versions_stored_is_read() -> None:
    assert from_pairs([3.0, 40.5, 1.0, [-53, 1.0, -50, 1.0]]) == Histogram(3, 40.5, 1, {-53: 1, -50: 1})


def test_it_is_dealt_out_whole() -> None:
    # Ten requests in parts of 4 and 6: the first gets what is due of each bucket, rounded: 1/10 (of the zeros) -> 0,
    # 4/10 of the 5 passed then -> 2, of the 8 -> 3, of the 10 -> 4.
    whole = Histogram(10, 2000.0, 1, {-16: 4, -15: 3, -8: 2})
    first, second = whole.dealt([4, 6])
    assert (first.zero, first.buckets) == (0, {-16: 2, -15: 1, -8: 1})
    assert (second.zero, second.buckets) == (1, {-16: 2, -15: 2, -8: 1})
    assert first.total + second.total == pytest.approx(2000.0)


@pytest.mark.parametrize("seed", range(10))
def test_however_it_is_dealt_out_the_parts_are_the_whole(seed: int) -> None:
    source = random.Random(seed)
    whole = of([source.lognormvariate(4, 1) for _ in range(300)] + [0] * source.randrange(9))
    cuts = sorted(source.randrange(int(whole.count) + 1) for _ in range(4))
    cuts = sorted([*cuts, min(cuts[0] + 5, int(whole.count))])  # few requests are dealt out one by one
    counts = [b - a for a, b in itertools.pairwise([0, *cuts, int(whole.count)])]
    parts = [part or Histogram() for part in whole.dealt(counts)]
    assert [part.count for part in parts] == counts
    assert [sum(part.counts) + part.zero for part in parts] == counts
    assert all(count >= 0 for part in parts for count in part.counts)
    together = merged(parts)
    assert (together.count, together.zero, together.buckets) == (whole.count, whole.zero, whole.buckets)
    assert together.total == pytest.approx(whole.total)
