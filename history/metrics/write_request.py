"""A push as it comes over the wire, taken apart within bounds: nothing in it can make us work or hold much. Pure.

Format: a snappy block (google/snappy, format_description.txt) of a protobuf `WriteRequest` (Prometheus,
prompb/remote.proto and prompb/types.proto; field numbers below are theirs). Series are read one by one, so that what is
refused was not unpacked whole: a megabyte of empty labels would be a gigabyte of objects.

A push has no checksum. What makes up for it a little: the count and the sum of a histogram agree with its buckets.
"""

import math
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate
from operator import mul
from typing import Any

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

MAX_PUSH = 1024 * 1024  # bytes on the wire
MAX_UNPACKED = 16 * 1024 * 1024
MAX_SERIES = 20_000
MAX_SERIES_BYTES = 16 * 1024  # its labels, too
_SMALL = 256 * 1024
MAX_LABELS = 64  # of a series
MAX_POINTS = 100  # of a series; k6 sends one
MAX_BUCKETS = 1_000_000  # of a push
MAX_COUNT = 10.0**15  # of anything counted: bytes, above all
_SCHEMAS = range(-4, 9)  # those that Prometheus has
# Milliseconds since 1970, of what may be a time: this century.
_FIRST, _LAST = 946_684_800_000, 4_102_444_800_000


class BadPush(ValueError):
    """The body is no remote-write push; the message says what is wrong with it."""


def series(body: bytes) -> Iterator[tuple[dict[str, str], Any]]:
    """The series of a push: the labels of each, and its `TimeSeries` message. Raises `BadPush` for a body that
    is too large, unpacks to too much, is no remote-write request, or says what cannot be."""
    for one in _messages(unpacked(body)):
        labels = {label.name: label.value for label in one.labels}
        if len(labels) > MAX_LABELS or len(labels) < len(one.labels):
            raise BadPush(f"A series in the push has more than {MAX_LABELS} labels, or one twice.")
        if sum(map(len, labels.values())) > MAX_SERIES_BYTES:
            raise BadPush("A series in the push has labels that are too long.")
        if len(one.samples) + len(one.histograms) > MAX_POINTS:
            raise BadPush("A series in the push has too many points.")
        for sample in one.samples:
            _check_time(sample.timestamp)
            # NaN is Prometheus' word for "no longer there".
            if not (0 <= sample.value <= MAX_COUNT or math.isnan(sample.value)):
                raise BadPush("A number in the push is less than zero, or more than can be.")
        for histogram in one.histograms:
            _check_time(histogram.timestamp)
        yield labels, one


def _messages(raw: bytes) -> Iterable[Any]:
    """The `TimeSeries` messages. A small push is read at once; of a large one no more at a time than a series has."""
    try:
        if len(raw) <= _SMALL:
            yield from WRITE_REQUEST.FromString(raw).timeseries  # type: ignore[attr-defined]  # described below
        else:
            yield from (_TIME_SERIES.FromString(raw[begin:end]) for begin, end in _places(raw))
    except message.DecodeError as error:
        raise _no_request() from error


def _check_time(moment: int) -> None:
    if not _FIRST <= moment < _LAST:
        raise BadPush("The push is from another century.")


def unpacked(body: bytes) -> bytes:
    if len(body) > MAX_PUSH:
        raise BadPush(f"The push has {len(body)} bytes; at most {MAX_PUSH} are taken.")
    try:
        # The length that the body states is all that is ever allotted; it is looked at before that.
        if cramjam.snappy.decompress_raw_len(body) > MAX_UNPACKED:
            raise BadPush("The push unpacks to too much.")
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise BadPush("The push is not packed with snappy.") from error


def _places(raw: bytes) -> list[tuple[int, int]]:
    """Where the series of a WriteRequest begin and end; its other fields are passed over."""
    found: list[tuple[int, int]] = []
    at, end = 0, len(raw)
    while at < end:
        tag, at = _number(raw, at)
        kind, size = tag & 7, 0
        if kind == 2:
            size, at = _number(raw, at)
        elif kind == 0:
            _value, at = _number(raw, at)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise _no_request()
        if at + size > end or not tag >> 3:
            raise _no_request()
        if tag == _SERIES:
            if size > MAX_SERIES_BYTES or len(found) == MAX_SERIES:
                raise BadPush(f"The push has more than {MAX_SERIES} series, or one of over {MAX_SERIES_BYTES} bytes.")
            found.append((at, at + size))
        at += size
    return found


_SERIES = 0x0A  # field 1, a message


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    found = shift = 0
    while at < len(raw) and shift < 64:
        byte = raw[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found, at
        shift += 7
    raise _no_request()


def _no_request() -> BadPush:
    return BadPush("The push is no remote-write request.")


def check_histogram(wire: Any) -> int:
    """The number of its buckets, which have to agree with what it says of itself; else `BadPush`."""
    numbers = [wire.count_int, wire.count_float, wire.zero_count_int, wire.zero_count_float, wire.sum]
    if not all(0 <= number <= MAX_COUNT for number in (*numbers, wire.zero_threshold)) or wire.schema not in _SCHEMAS:
        raise BadPush("A histogram in the push has numbers that cannot be.")
    deltas = wire.positive_deltas
    if sum(span.length for span in wire.positive_spans) != len(deltas):
        raise BadPush("A histogram in the push has other buckets than it says.")
    counts = list(accumulate(deltas))
    if min(counts, default=0) < 0:
        raise BadPush("A histogram in the push has less than nothing in a bucket.")
    zero = wire.zero_count_int or int(wire.zero_count_float)
    if sum(counts) + zero != (wire.count_int or int(wire.count_float)):
        raise BadPush("A histogram in the push has another count than its buckets.")
    _check_sum(wire, counts, zero)
    return len(deltas)


def _check_sum(wire: Any, counts: list[int], zero: int) -> None:
    """All values lie in their buckets: bucket i ends at base ** i and begins at base ** (i - 1)."""
    edges, middle = _edges(wire.schema), len(_edges(wire.schema)) // 2
    upper, at, done = 0.0, middle, 0
    for span in wire.positive_spans:
        at += span.offset
        if not 0 <= at <= len(edges) - span.length:
            raise BadPush("A histogram in the push has buckets that cannot be.")
        upper += sum(map(mul, counts[done : done + span.length], edges[at : at + span.length]))
        at, done = at + span.length, done + span.length
    lower = upper * edges[middle - 1]
    if not lower * (1 - _ROUNDING) <= wire.sum <= (upper + zero * wire.zero_threshold) * (1 + _ROUNDING):
        raise BadPush("A histogram in the push has another sum than its buckets.")


@cache
def _edges(schema: int) -> list[float]:
    """The upper edges of the buckets, in seconds, from 2 ** -50 to 2 ** 50."""
    per_octave = 2.0**schema
    reach = int(50 * max(per_octave, 1))
    return [2.0 ** max(-1000.0, min(index / per_octave, 1000.0)) for index in range(-reach, reach + 1)]


_ROUNDING = 1e-6  # of many additions
_TYPES = {"double": 1, "int64": 3, "uint64": 4, "string": 9, "uint32": 13, "sint32": 17, "sint64": 18}
_MESSAGES: dict[str, list[tuple[str, int, str, bool]]] = {
    "Label": [("name", 1, "string", False), ("value", 2, "string", False)],
    "Sample": [("value", 1, "double", False), ("timestamp", 2, "int64", False)],
    "BucketSpan": [("offset", 1, "sint32", False), ("length", 2, "uint32", False)],
    "Histogram": [
        ("count_int", 1, "uint64", False),
        ("count_float", 2, "double", False),
        ("sum", 3, "double", False),
        ("schema", 4, "sint32", False),
        ("zero_threshold", 5, "double", False),
        ("zero_count_int", 6, "uint64", False),
        ("zero_count_float", 7, "double", False),
        ("positive_spans", 11, "BucketSpan", True),
        ("positive_deltas", 12, "sint64", True),
        ("timestamp", 15, "int64", False),
    ],
    "TimeSeries": [("labels", 1, "Label", True), ("samples", 2, "Sample", True), ("histograms", 4, "Histogram", True)],
    "WriteRequest": [("timeseries", 1, "TimeSeries", True)],
}


def _message_classes() -> tuple[type[message.Message], type[message.Message]]:
    """WriteRequest and TimeSeries, described in code: no generated file, no protoc."""
    package = "metricvault.prompb"
    described = descriptor_pb2.FileDescriptorProto(name="metricvault/prompb.proto", package=package, syntax="proto3")
    for title, fields in _MESSAGES.items():
        made = described.message_type.add(name=title)
        for name, number, kind, repeated in fields:
            entry: Any = made.field.add(name=name, number=number, label=3 if repeated else 1)
            if kind in _TYPES:
                entry.type = _TYPES[kind]
            else:
                entry.type, entry.type_name = 11, f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(described)
    whole, one = (pool.FindMessageTypeByName(f"{package}.{title}") for title in ("WriteRequest", "TimeSeries"))
    return message_factory.GetMessageClass(whole), message_factory.GetMessageClass(one)


WRITE_REQUEST, _TIME_SERIES = _message_classes()
