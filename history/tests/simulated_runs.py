"""Seeded runs whose noise is known, for comparisons and trends: as seconds and numbers, or as rows of the database.

A response time is lognormal around `median` (p95 is 2.3 times as much at a `spread` of 0.5). All of a second are
shifted together by a noise that remembers the second before (AR(1), `SECONDS`, `MEMORY`), as a target's own ups and
downs do, and all of a run by `factor`.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from history.comparing_seconds import Seconds
from history.models import StepHistory, TestHistory, TimelineHistory
from history.states import Outcome, Status
from history.tests.sample_runs import run_of, scenario_of
from projects.models import Project

SECONDS, MEMORY = 0.03, 0.5
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass(slots=True)
class Simulated:
    """Columns by second, and every response time."""

    columns: dict[str, list[Any]] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def seconds(self) -> Seconds:
        return Seconds(self.columns)

    @property
    def measured(self) -> dict[str, Any]:
        """The measured columns of a row of the database."""
        ordered, length = sorted(self.times), len(self.columns["t"])
        return {
            **{f"{name}_response_time": quantile(ordered, share) for name, share in SHARES.items()},
            "avg_response_time": sum(ordered) / len(ordered),
            "min_response_time": ordered[0],
            "max_response_time": ordered[-1],
            "avg_tps": len(ordered) / length,
            "avg_error_rate": 100.0 * self.failures / len(ordered),
            "total_requests": len(ordered),
            "failed_requests": self.failures,
            "test_duration": float(length),
        }


def quantile(ordered: list[float], share: float) -> float:
    """Of sorted values, interpolated."""
    at = share * (len(ordered) - 1)
    low = int(at)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (at - low)


def simulate(
    chance: random.Random,
    *,
    seconds: int = 30,
    rate: float = 100,
    factor: float = 1.0,
    median: float = 40.0,
    spread: float = 0.5,
    errors: float = 0.0,
    noise: float = SECONDS,
) -> Simulated:
    """The seconds of an endpoint; `errors` is the share that fails."""
    found = Simulated({name: [] for name in ("t", "requests", "failures", "tps", "error_rate", "avg", *SHARES)})
    drift = chance.gauss(0, noise)
    for t in range(seconds):
        drift = MEMORY * drift + math.sqrt(1 - MEMORY**2) * chance.gauss(0, noise)
        count = max(1, round(chance.gauss(rate, math.sqrt(rate) / 2)))
        level = median * factor * math.exp(drift)
        times = sorted(level * math.exp(chance.gauss(0, spread)) for _ in range(count))
        failed = sum(chance.random() < errors for _ in range(count)) if errors else 0
        row = {"t": t, "requests": count, "failures": failed, "tps": float(count), "error_rate": 100.0 * failed / count}
        row |= {"avg": sum(times) / count, **{name: quantile(times, share) for name, share in SHARES.items()}}
        for name, value in row.items():
            found.columns[name].append(value)
        found.times += times
        found.failures += failed
    return found


def whole(parts: list[Simulated]) -> Simulated:
    """Endpoints taken together; its percentiles by second are those of the slowest, which is near enough here."""
    found = Simulated({name: list(values) for name, values in parts[0].columns.items()})
    for name in ("requests", "failures", "tps"):
        found.columns[name] = [sum(row) for row in zip(*(part.columns[name] for part in parts), strict=True)]
    for name in ("avg", *SHARES):
        found.columns[name] = [max(row) for row in zip(*(part.columns[name] for part in parts), strict=True)]
    found.times = [time for part in parts for time in part.times]
    found.failures = sum(part.failures for part in parts)
    return found


def simulated_run(
    project: Project,
    endpoints: Mapping[str, Mapping[str, Any]],
    *,
    seed: int = 1,
    users: int = 20,
    seconds: int = 30,
    **columns: Any,
) -> TestHistory:
    """A finished run as rows: by request ("GET /products") what `simulate` takes; each in a scenario and step of its
    own, with its timeline."""
    chance = random.Random(seed)
    plans = []
    for number, request in enumerate(endpoints, 1):
        plan = scenario_of(f"s{number:02}", "constant-vus", ((seconds, users),))
        plans.append({**plan, "name": request, "request": {**plan["request"], "name": request}})
    values = {"plan_snapshot": {"run": "1", "title": "", "scenarios": plans}, "status": Status.COMPLETED, **columns}
    values.setdefault("outcome", Outcome.PASSED)
    run = run_of(project, **values)
    parts = [simulate(chance, seconds=seconds, **options) for options in endpoints.values()]
    for scenario, part in zip(run.scenarios.all(), parts, strict=True):
        _write(scenario, part)
        step = StepHistory(scenario=scenario, position=0, name=scenario.request_name)
        step.request_name = scenario.request_name
        _write(step, part)
        TimelineHistory.objects.create(test_history=run, scenario=scenario, columns=part.columns)
    total = whole(parts)
    _write(run, total)
    vus = [float(users * len(parts))] * seconds
    TimelineHistory.objects.create(test_history=run, columns={**total.columns, "vus": vus})
    return run


def _write(row: Any, part: Simulated) -> None:
    for name, value in part.measured.items():
        setattr(row, name, value)
    row.save()
