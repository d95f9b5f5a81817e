"""The one recorded real run: what k6 pushed and printed, and the exact values from its raw samples.

Made by `bench/record_run.py` with the real k6 against the demo API; see there for how to make it again.
"""

import base64
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from history.metrics.summary import find

FILE = Path(__file__).parent / "recorded_run.json"


@dataclass(frozen=True)
class RecordedRun:
    """`pushes`: remote-write bodies in order; `received`: when each came, seconds since the first; `output`: k6's
    standard output; `plan`: the RunPlan as JSON; `exact`: requests, failures, avg, p50, p90, p95, p99, min, max
    (ms) of k6's raw samples, and the same by scenario tag under "scenarios"."""

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
    """Reads the fixture once."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    pushes = tuple(base64.b64decode(push) for push in data["pushes"])
    return RecordedRun(pushes, tuple(data["received"]), data["output"], data["plan"], data["exact"])
