"""Prometheus remote write 1.0, as k6's `experimental-prometheus-rw` output sends it, to snapshots. Pure.

Format: see `history.metrics.write_request`. k6 1.1.0 sends counters and gauges as samples and trends as native
histograms, both cumulative since k6 began; a push holds only the series touched since the last one, and the closing
push, with stale markers, holds all of them: NaN for samples, the histograms whole. `dropped_iterations` carries none of
the tags of its scenario, only k6's own name for it, which is the same as its `scenario_tag`.
"""

import functools
import math
import zlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from history.metrics import write_request
from history.metrics.native_histogram import Histogram, from_pairs, from_plain, from_wire, to_plain
from history.metrics.packing import pack, read
from history.metrics.write_request import MAX_PUSH, BadPush

__all__ = ["MAX_PUSH", "BadPush", "CounterKey", "RequestKey", "Snapshot", "decode", "from_bytes", "to_bytes"]

_REQUESTS = "k6_http_req_duration_seconds"
_GAUGES = {"k6_vus": "vus", "k6_mv_started": "started"}
_DROPPED = "k6_dropped_iterations_total"
_COUNTERS = {
    "k6_iterations_total": "iterations",
    _DROPPED: "dropped_iterations",
    "k6_data_sent_total": "data_sent",
    "k6_data_received_total": "data_received",
    "k6_mv_failed_total": "mv_failed",  # requests that only a check or an extraction found to be bad
    "k6_mv_checks_total": "mv_checks",
    "k6_mv_no_row_total": "mv_no_row",  # iterations for which a table had no row left
}
_LABELS = {"__name__", "run", "instance", "scenario", "scenario_tag", "name", "method", "status", "error_code"}
_LABELS |= {"expected_response", "step", "stage", "load"}
_NO_LOAD = "0"  # the label `load` of requests that are none of the test: tokens, say


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What tells one series of requests from another inside a generator."""

    scenario: str  # scenario_tag
    name: str  # METHOD /path/{template}
    status: str  # HTTP status, "0" where there was no answer
    error_code: str  # k6's number of the error, "" where there was none
    expected: bool  # False: k6 counts the request as failed
    rest: str = ""  # any other labels: two series are never taken for one, whatever a script tags
    step: str = ""  # "1" for the first step; "" in scenarios of one step
    stage: str = ""  # "1" for the first stage, in which the request was begun; "" in scenarios of one stage
    # Asked for several times with every push. `place`: scenario and step; `answer`: the HTTP status, or "0:" and k6's
    # number of the error where there was no answer.
    place: tuple[str, str] = field(init=False, repr=False, compare=False)
    answer: str = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tagged = (self.scenario, self.name, self.status, self.error_code, self.expected, self.rest)
        is_error = self.status == "0" and self.error_code
        object.__setattr__(self, "place", (self.scenario, self.step))
        object.__setattr__(self, "answer", f"0:{self.error_code}" if is_error else self.status)
        object.__setattr__(self, "_hash", hash((*tagged, self.step, self.stage)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class CounterKey:
    """What a counter counts: `name` is a value of `_COUNTERS`. `step` and `stage` as in `RequestKey`; `check` and `ok`
    ("true", "false") are those of mv_checks."""

    name: str
    scenario: str = ""
    step: str = ""
    check: str = ""
    ok: str = ""
    stage: str = ""

    def __str__(self) -> str:
        return ":".join((self.name, self.scenario, self.step, self.check, self.ok, self.stage)).rstrip(":")

    @classmethod
    def of(cls, text: str) -> "CounterKey":
        """The reverse of `str`."""
        return cls(*text.split(":", 5))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One push of one load generator. Everything is cumulative since its k6 began.

    `moment` is the newest timestamp in the push, in seconds since the epoch; `started` is the time, likewise,
    at which k6 says its scenarios began (None where this push does not say). `counters`: by `CounterKey` as text.
    `closing` marks k6's last push, the one with stale markers.
    """

    instance: str
    moment: float
    requests: dict[RequestKey, Histogram]
    vus: float | None = None
    started: float | None = None
    counters: dict[str, float] | None = None
    closing: bool = False
    run: str = field(default="", compare=False)  # the label, of what came over the wire; a store knows whose it is

    @property
    def has_begun(self) -> bool:
        """Whether its k6 has begun with its scenarios: one that waits for others pushes, too."""
        return bool(self.started or self.requests)


def decode(body: bytes) -> Snapshot | None:
    """The snapshot in a push, or None where it holds nothing with a time.

    Raises `BadPush` for a body that is too large, unpacks to too much, or is no remote-write request.
    """
    requests: dict[RequestKey, Histogram] = {}
    counters: dict[str, float] = {}
    gauges: dict[str, float] = {}
    newest, buckets, instance, closing, runs = 0, 0, "", False, set()
    for labels, series in write_request.series(body):
        name = labels.get("__name__", "")
        instance = labels.get("instance", instance)
        runs.add(labels.get("run", ""))
        for point in (*series.samples, *series.histograms):
            newest = max(newest, point.timestamp)
        if name == _REQUESTS:
            if labels.get("load") != _NO_LOAD:
                buckets += sum(map(write_request.check_histogram, series.histograms))
                requests.update((_key(labels), _histogram(wire)) for wire in series.histograms)
            if buckets > write_request.MAX_BUCKETS:
                raise BadPush("The histograms in the push have too many buckets.")
            continue
        value = series.samples[-1].value if series.samples else math.nan
        if math.isnan(value):
            closing = closing or bool(series.samples)
            continue
        if name in _GAUGES:
            known = gauges.get(_GAUGES[name])
            # Each scenario says when it began; the run began with the first of them.
            gauges[_GAUGES[name]] = value if known is None else min(known, value)
        elif name in _COUNTERS:
            if value % 1:
                raise BadPush("A counter in the push has counted a part of something.")
            key = _counter(name, labels)
            counters[key] = counters.get(key, 0.0) + value
    if not newest:
        return None
    if len(runs - {""}) > 1:
        raise BadPush("The push is of several runs.")
    started = gauges["started"] / 1000 if "started" in gauges else None
    run = max(runs, default="")
    return Snapshot(instance or "0", newest / 1000, requests, gauges.get("vus"), started, counters, closing, run)


def to_bytes(snapshot: Snapshot) -> bytes:
    """A compact form for a store, see `history.metrics.packing`."""
    counts = bytearray()
    requests = [
        [key.scenario, key.name, key.status, key.error_code, int(key.expected), key.rest, to_plain(histogram, counts)]
        + ([key.step, key.stage] if key.stage else [key.step] if key.step else [])
        for key, histogram in snapshot.requests.items()
    ]
    rest = [snapshot.vus, snapshot.started, snapshot.counters, snapshot.closing]
    return pack([snapshot.instance, snapshot.moment, requests, *rest], counts)


def from_bytes(payload: bytes) -> Snapshot:
    """The reverse of `to_bytes`; and of what older versions stored, JSON alone."""
    unzipped = zlib.decompress(payload)
    is_older = unzipped.startswith(b"[")
    (instance, moment, requests, *rest), counts = (orjson.loads(unzipped), b"") if is_older else read(unzipped)
    decoded, at = {}, 0
    for scenario, name, status, error_code, expected, other, plain, *more in requests:
        key = _known(scenario, name, status, error_code, bool(expected), other, *more)
        if is_older:
            decoded[key] = from_pairs(plain)
            continue
        decoded[key] = from_plain(plain, counts, at)
        at += plain[-1]
    return Snapshot(instance, moment, decoded, *rest)


@functools.lru_cache(maxsize=10_000)
def _known(*fields: Any) -> RequestKey:
    """One object for each series, as every push names most of them again."""
    return RequestKey(*fields)


def _key(labels: dict[str, str]) -> RequestKey:
    return RequestKey(
        labels.get("scenario_tag", ""),
        labels.get("name", ""),
        labels.get("status", "0"),
        labels.get("error_code", ""),
        labels.get("expected_response", "true") == "true",
        ";".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in _LABELS),
        labels.get("step", ""),
        labels.get("stage", ""),
    )


def _counter(name: str, labels: dict[str, str]) -> str:
    scenario = labels.get("scenario" if name == _DROPPED else "scenario_tag", "")
    own = (labels.get(part, "") for part in ("step", "check", "ok", "stage"))
    return str(CounterKey(_COUNTERS[name], *(part.replace(":", "_") for part in (scenario, *own))))


def _histogram(wire: Any) -> Histogram:
    spans = [(span.offset, span.length) for span in wire.positive_spans]
    return from_wire(
        wire.count_int or int(wire.count_float),
        wire.sum,
        wire.schema,
        wire.zero_count_int or int(wire.zero_count_float),
        spans,
        wire.positive_deltas,
    )
