"""What the demo shop received. One thread, one event loop: plain integers are exact, also under concurrency."""

from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "(unknown)"  # requests to addresses that the shop does not have
MOST_RUNS = 1000


@dataclass(slots=True)
class Count:
    """`total`: requests received. `failed`: those whose answer has a status of 400 or more. `answered`: those whose
    answer was handed to the network (a caller may hang up before)."""

    total: int = 0
    failed: int = 0
    answered: int = 0

    def as_dict(self) -> dict[str, int]:
        return {"total": self.total, "failed": self.failed, "answered": self.answered}


@dataclass(slots=True)
class Counts:
    """Counts by `METHOD /path/{template}`, over everything and by what the header X-Run said."""

    all: Count = field(default_factory=Count)
    endpoints: dict[str, Count] = field(default_factory=dict)
    runs: dict[str, dict[str, Count]] = field(default_factory=dict)
    last_bodies: dict[str, bytes] = field(default_factory=dict)

    def of(self, key: str, run: str) -> tuple[Count, ...]:
        """The counts that one request belongs to."""
        mine = self.endpoints.setdefault(key, Count())
        if not run or (run not in self.runs and len(self.runs) >= MOST_RUNS):
            return self.all, mine
        return self.all, mine, self.runs.setdefault(run, {}).setdefault(key, Count())

    def as_dict(self) -> dict[str, Any]:
        """What GET /__counts answers."""
        return {
            **self.all.as_dict(),
            "endpoints": {key: count.as_dict() for key, count in sorted(self.endpoints.items())},
            "runs": {
                run: {key: count.as_dict() for key, count in sorted(counts.items())}
                for run, counts in sorted(self.runs.items())
            },
            "last_bodies": {key: body.decode("utf-8", "replace") for key, body in self.last_bodies.items()},
        }
