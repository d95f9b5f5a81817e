"""Plans run by the real k6 against the demo shop, and what of them arrived there."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from loadtests.k6.command import pod_command
from loadtests.k6.curves import Point, scenario_curve, users_at
from loadtests.k6.plan import LoadPlan, RequestPlan, RunPlan, ScenarioPlan, StagePlan, StepPlan, Text, scenario_tag
from loadtests.k6.script import SUMMARY_MARK, build_script

Rows = Mapping[str, Sequence[Sequence[str]]]
_UNTIL_SENT = 0.2  # seconds until a user that is there has sent something: the think time of the tests, and an answer


@dataclass(frozen=True)
class Arrived:
    """What the shop received: `requests` by endpoint and `connections` for each second since 1970, and in all.

    `origin`: when k6 began, seconds since 1970. `summaries`: k6's metrics, one for each generator.
    """

    seconds: list[int]
    requests: Mapping[str, list[int]]
    connections: list[int]
    counts: Mapping[str, int]
    origin: float
    summaries: list[dict[str, Any]]

    def of(self, endpoint: str) -> list[int]:
        """Requests of an endpoint by second; none where it was never asked."""
        return self.requests.get(endpoint, [0] * len(self.seconds))


def scenario_on(
    base: str, position: int, name: str, executor: str, stages: Sequence[tuple[float, int]], *,
    path: Text | None = None, endpoint: str = "GET /health", think: float = 0.0, **load: Any,
) -> ScenarioPlan:  # fmt: skip
    """A scenario of one request to the shop."""
    url = f"{base}{endpoint.partition(' ')[2]}" if path is None else path
    request = RequestPlan(endpoint.partition(" ")[0], url, endpoint, (), None)
    planned = tuple(StagePlan(duration, target) for duration, target in stages)
    tag = scenario_tag(position, name)
    return ScenarioPlan(tag, name, executor, planned, think, (StepPlan("", request),), load=LoadPlan(**load))


def run(k6: str, folder: Path, base: str, plan: RunPlan, rows: Rows | None = None) -> Arrived:
    """Runs all load generators of a plan, here beside each other, and asks the shop."""
    httpx.post(f"{base}/__counts/reset").raise_for_status()
    (folder / "script.js").write_text(build_script(plan), encoding="utf-8")
    for name, table in (rows or {}).items():
        (folder / name).write_text(json.dumps(table), encoding="utf-8")
    with ThreadPoolExecutor(plan.generators) as threads:
        summaries = list(threads.map(lambda at: _generator(k6, folder, plan, at), range(plan.generators)))
    seconds = httpx.get(f"{base}/__counts/seconds").json()
    counts = httpx.get(f"{base}/__counts").json()
    started = [one["mv_started"]["values"]["min"] for one in summaries if "mv_started" in one]
    return Arrived(
        seconds["seconds"],
        seconds["requests"],
        seconds["connections"],
        {endpoint: one["total"] for endpoint, one in counts["endpoints"].items()},
        min(started) / 1000,
        summaries,
    )


def _generator(k6: str, folder: Path, plan: RunPlan, at: int) -> dict[str, Any]:
    arguments, environment = pod_command("7", "http://127.0.0.1:9/ingest/7/write", "token", plan)
    named = [part.replace("{instance}", str(at)) for part in arguments]
    kept = [part for part in named if part not in ("--paused", "--address", "0.0.0.0:6565")]
    quiet = {"K6_PROMETHEUS_RW_PUSH_INTERVAL": "1h", "HOME": str(folder)}
    done = subprocess.run(
        [k6, *kept, "--address", "", str(folder / "script.js")],
        env={**environment, **quiet}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, 99), done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith(SUMMARY_MARK))
    found: dict[str, Any] = json.loads(line.removeprefix(SUMMARY_MARK))["metrics"]
    return found


def area(points: Sequence[Point], start: float, end: float) -> float:
    """What a curve of a rate asks for between two moments, in iterations."""
    total = 0.0
    for (t0, low), (t1, high) in pairwise(points):
        a, b = max(start, t0), min(end, t1)
        if b > a and t1 > t0:
            slope = (high - low) / (t1 - t0)
            total += (low + slope * ((a + b) / 2 - t0)) * (b - a)
    return total


def highest(points: Sequence[Point], start: float, end: float) -> float:
    """The most that a curve of users asks for between two moments, the first among them."""
    found = [users_at(points, start), *(load for t, load in points if start < t < end)]
    for (t0, low), (t1, high) in pairwise(points):
        if t0 < end <= t1:
            found.append(low + (high - low) * (end - t0) / (t1 - t0))
    return max(found)


def rate_errors(arrived: Arrived, scenario: ScenarioPlan) -> tuple[float, int]:
    """How far the requests of a rate are off: all of them, as a share; and of single whole seconds the worst, in
    requests."""
    curve = scenario_curve(scenario)
    endpoint = scenario.steps[0].request.name
    asked = asked_for(scenario)
    total = abs(sum(arrived.of(endpoint)) - asked) / asked
    off = [0.0]
    for second, count in zip(arrived.seconds, arrived.of(endpoint), strict=True):
        start = second - arrived.origin
        if start >= 0 and start + 1 <= curve[-1][0]:
            off.append(abs(count - area(curve, start, start + 1)))
    return total, round(max(off))


def asked_for(scenario: ScenarioPlan) -> float:
    """The iterations that a rate asks for."""
    curve = scenario_curve(scenario)
    return area(curve, 0, curve[-1][0])


def dropped(arrived: Arrived, scenario: ScenarioPlan) -> int:
    """The iterations that k6 says it could not begin."""
    name = f"dropped_iterations{{scenario:{scenario.tag}}}"
    return sum(int(one[name]["values"]["count"]) for one in arrived.summaries if name in one)


def user_errors(arrived: Arrived, curve: Sequence[Point]) -> list[float]:
    """By second: connections that sent something (k6 gives each user its own), less the most users asked for. Of those
    who are there only at the edge of a second nobody can say whether they send in it: with or without them is right."""
    found = []
    for second, users in zip(arrived.seconds, arrived.connections, strict=True):
        start = second - arrived.origin
        if start + 1 <= curve[-1][0]:
            most = highest(curve, max(0.0, start), start + 1)
            least = highest(curve, max(0.0, start) + _UNTIL_SENT, start + 1 - _UNTIL_SENT)
            found.append(users - min(max(users, least), most))
    return found


def single(*scenarios: ScenarioPlan, **changed: Any) -> RunPlan:
    """A plan of these."""
    return replace(RunPlan("7", "As asked", scenarios), **changed)
