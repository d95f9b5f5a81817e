"""Recorded real runs: what k6 pushed and printed, and the exact values from its raw samples.

Made by `bench/record_run.py` and `bench/record_steps.py` with the real k6 against the demo API; see there for how to
make them again.
"""

import base64
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cramjam
from google.protobuf.message import DecodeError

from history.metrics.summary import find
from history.metrics.write_request import WRITE_REQUEST, BadPush, unpacked

FILE = Path(__file__).parent / "recorded_run.json"
STEPS_FILE = Path(__file__).parent / "recorded_steps.json"


@dataclass(frozen=True)
class RecordedRun:
    """`pushes`: remote-write bodies in order; `received`: when each came, seconds since the first; `output`: k6's
    standard output; `plan`: the RunPlan as JSON; `exact`: requests, failures, avg, p50, p90, p95, p99, min, max
    (ms) of k6's raw samples, and the same by scenario tag under "scenarios"; of the run with steps, counts of samples
    by tags."""

    pushes: tuple[bytes, ...]
    received: tuple[float, ...]
    output: str
    plan: dict[str, Any]
    exact: dict[str, Any]

    @property
    def summaries(self) -> list[dict[str, Any]]:
        """k6's own summary, as a run keeps it."""
        return find(self.output)


@functools.cache
def recorded_run() -> RecordedRun:
    """Three scenarios of one request each, of before there were steps."""
    return _read(FILE)


@functools.cache
def recorded_steps() -> RecordedRun:
    """A journey with checks and extractions, a rate with dropped iterations, and rows that are used up."""
    return _read(STEPS_FILE)


def of_run(body: bytes, run: int) -> bytes:
    """A recorded push as run number `run` would have sent it; what is no push stays as it is."""
    try:
        request: Any = WRITE_REQUEST.FromString(unpacked(body))
    except (BadPush, DecodeError):
        return body
    for label in (label for series in request.timeseries for label in series.labels):
        if label.name == "run":
            label.value = str(run)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def _read(file: Path) -> RecordedRun:
    data = json.loads(file.read_text(encoding="utf-8"))
    pushes = tuple(base64.b64decode(push) for push in data["pushes"])
    return RecordedRun(pushes, tuple(data["received"]), data["output"], data["plan"], data["exact"])
