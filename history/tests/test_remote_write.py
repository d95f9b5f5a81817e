"""Pushes of k6 to snapshots, from one recorded real run; and what is no push."""

from typing import Any

import cramjam
import pytest

from history.metrics.remote_write import (
    MAX_PUSH,
    BadPush,
    RequestKey,
    Snapshot,
    decode,
    from_bytes,
    to_bytes,
)
from history.metrics.write_request import WRITE_REQUEST
from tests.recorded import recorded_run


def snapshots() -> list[Snapshot]:
    return [snapshot for body in recorded_run().pushes if (snapshot := decode(body))]


def test_counts_grow_to_what_k6_counted() -> None:
    counts: dict[RequestKey, float] = {}
    for snapshot in snapshots():
        for key, histogram in snapshot.requests.items():
            assert histogram.count >= counts.get(key, 0)
            counts[key] = histogram.count
    assert sum(counts.values()) == recorded_run().exact["requests"]
    assert sum(n for key, n in counts.items() if not key.expected) == recorded_run().exact["failures"]


def test_the_first_push_says_when_the_load_began() -> None:
    first = snapshots()[0]
    assert first.started is not None
    assert 0 < first.moment - first.started < 2


def test_only_the_last_push_is_closing_and_names_every_series() -> None:
    *others, last = snapshots()
    assert last.closing
    assert not any(one.closing for one in others)
    assert set(last.requests) == {key for one in others for key in one.requests}


def test_response_times_are_milliseconds() -> None:
    last = snapshots()[-1]
    total = sum(histogram.total for histogram in last.requests.values())
    count = sum(histogram.count for histogram in last.requests.values())
    assert total / count == pytest.approx(recorded_run().exact["avg"], rel=1e-6)


def test_a_snapshot_survives_storing() -> None:
    for snapshot in snapshots():
        assert from_bytes(to_bytes(snapshot)) == snapshot


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"\xff" * 50,
        b"\xff\xff\xff\xff\x0f" + b"\x00" * 20,  # claims to unpack to 4 GB
        bytes(cramjam.snappy.compress_raw(b"\x0a\xff\xff\xff\xff\x0f")),  # a message longer than its bytes
        bytes(cramjam.snappy.compress_raw(b"\x00" * 17 * 1024 * 1024)),  # a small bomb
        b"\x00" * (MAX_PUSH + 1),
    ],
)
def test_what_is_no_push_is_refused(body: bytes) -> None:
    with pytest.raises(BadPush):
        decode(body)


def test_a_push_without_series_is_nothing() -> None:
    assert decode(bytes(cramjam.snappy.compress_raw(b""))) is None


def test_a_push_that_counts_more_than_anybody_asks_is_refused() -> None:
    request: Any = WRITE_REQUEST()
    series = request.timeseries.add()
    series.labels.add(name="__name__", value="k6_http_req_duration_seconds")
    many = series.histograms.add(
        count_int=2**62, schema=3, timestamp=1_700_000_000_000, sum=2.0**62, positive_deltas=[2**62]
    )
    many.positive_spans.add(length=1)
    with pytest.raises(BadPush):
        decode(bytes(cramjam.snappy.compress_raw(request.SerializeToString())))
