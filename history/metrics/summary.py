"""k6's own end-of-test summary, the second witness. Pure.

Format: the object k6 hands to `handleSummary` (k6 documentation, "Custom summary"), printed by our script as one line
that begins with `MARK`. Times are in milliseconds. A metric with a tag selector (`http_reqs{scenario_tag:s01}`)
is there because the script declares a threshold on it: `{load:1}` where some requests are none of the test (tokens).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

MARK = "METRICVAULT-SUMMARY "


@dataclass(frozen=True, slots=True)
class Witness:
    """What k6 itself says of the whole run or one scenario: whole counts, milliseconds.

    `failures`: those of k6 and those that only a check found. None: k6 does not say.
    """

    requests: int = 0
    failures: int = 0
    avg: float | None = None
    min: float | None = None
    max: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    iterations: int | None = None
    dropped: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The summaries of all load generators of a run taken together. `duration` in seconds."""

    duration: float
    whole: Witness
    scenarios: dict[str, Witness]
    generators: int


def find(output: str) -> list[dict[str, Any]]:
    """The summaries in k6's standard output; broken lines are left out."""
    found = []
    for line in output.splitlines():
        at = line.find(MARK)
        if at < 0:
            continue
        try:
            data = json.loads(line[at + len(MARK) :])
        except ValueError:
            continue
        if isinstance(data, dict) and isinstance(data.get("metrics"), dict):
            found.append(data)
    return found


def read(summaries: Iterable[Mapping[str, Any]], tags: Iterable[str]) -> Summary | None:
    """One summary out of those of all generators, for the scenarios `tags`; None where there is none.

    With several generators counts add up, min is the least and max the greatest; percentiles cannot be
    merged from summaries and are None then.
    """
    every = list(summaries)
    if not every:
        return None
    duration = max(float(one.get("state", {}).get("testRunDurationMs") or 0) for one in every) / 1000
    scenarios = {tag: _merge([_scenario(one["metrics"], tag) for one in every]) for tag in tags}
    whole = _merge([_whole(one["metrics"]) for one in every])
    return Summary(duration, whole, scenarios, len(every))


def durations(summaries: Iterable[Mapping[str, Any]]) -> tuple[float, ...]:
    """How long the test of each generator took, in seconds, by a clock that does not jump."""
    said = (one.get("state", {}).get("testRunDurationMs") for one in summaries)
    return tuple(float(milliseconds) / 1000 for milliseconds in said if milliseconds)


def _whole(metrics: Mapping[str, Any]) -> Witness:
    load = "{load:1}" if "http_reqs{load:1}" in metrics else ""
    found = _witness(metrics, load, "mv_failed")
    # k6 names the iterations that it dropped only where there are any.
    dropped = _count(metrics, "dropped_iterations") or 0
    return replace(found, iterations=_count(metrics, "iterations") or 0, dropped=dropped)


def _scenario(metrics: Mapping[str, Any], tag: str) -> Witness:
    own = f"{{scenario_tag:{tag}}}"
    dropped = _count(metrics, f"dropped_iterations{{scenario:{tag}}}")
    found = _witness(metrics, own, f"mv_failed{own}")
    return replace(found, iterations=_count(metrics, f"iterations{own}"), dropped=dropped)


def _witness(metrics: Mapping[str, Any], selector: str, failed: str) -> Witness:
    requests = _count(metrics, f"http_reqs{selector}") or 0
    # http_req_failed is a rate whose "passes" are the requests for which "failed" is true.
    failures = int(_values(metrics, f"http_req_failed{selector}").get("passes") or 0) + (_count(metrics, failed) or 0)
    times = _values(metrics, f"http_req_duration{selector}") if requests else {}
    named = {"avg": "avg", "min": "min", "max": "max", "p50": "med", "p90": "p(90)", "p95": "p(95)", "p99": "p(99)"}
    return Witness(requests, failures, **{name: times.get(key) for name, key in named.items()})


def _count(metrics: Mapping[str, Any], name: str) -> int | None:
    count = _values(metrics, name).get("count")
    return None if count is None else int(count)


def _values(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    values = metrics.get(name, {}).get("values", {})
    return values if isinstance(values, Mapping) else {}


def _merge(parts: list[Witness]) -> Witness:
    if len(parts) == 1:
        return parts[0]
    weighed = [(part.avg, part.requests) for part in parts if part.avg is not None]
    weight = sum(count for _, count in weighed)
    return Witness(
        requests=sum(part.requests for part in parts),
        failures=sum(part.failures for part in parts),
        avg=sum(avg * count for avg, count in weighed) / weight if weight else None,
        min=min((part.min for part in parts if part.min is not None), default=None),
        max=max((part.max for part in parts if part.max is not None), default=None),
        iterations=_sum(part.iterations for part in parts),
        dropped=_sum(part.dropped for part in parts),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = list(counts)
    return None if None in known else sum(count or 0 for count in known)
