"""k6's own end-of-test summary as a document that can be imported.

Two formats (k6 documentation, "End-of-test summary", and what k6 1.1.0 wrote here): the object that `handleSummary`
gets, whose metrics have `values`, and that of `--summary-export`, which has the values directly and says `true` of a
threshold that was missed. Times are milliseconds. Metrics of a part are named `http_reqs{name:GET /}`; k6 has them
only where a threshold asks for them.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from history.import_document import FORMAT, MOST_SCENARIOS
from history.reasons import Reason, reason
from history.states import Outcome
from metricvault.lib.errors import Detail, Refused

_SELECTED = re.compile(r"^(http_reqs|http_req_duration|http_req_failed)\{(\w+):(.*)\}$", re.DOTALL)
_PARTS = ("scenario_tag", "name", "scenario", "group", "url")  # what a metric may be of, the best name first
_TREND = {"avg": "avg", "min": "min", "max": "max", "p50": "med", "p90": "p(90)", "p95": "p(95)", "p99": "p(99)"}
_SHOWN = 20  # thresholds that are told one by one


def is_summary(given: Mapping[str, Any]) -> bool:
    """Whether a JSON object looks like one."""
    return "format" not in given and isinstance(given.get("metrics"), dict)


def as_document(given: Mapping[str, Any], title: str, tested_at: str) -> dict[str, Any]:
    """The same as `metricvault-run/1`. Raises `Refused` where it names no requests, or a value is not what it should
    be."""
    metrics = _Metrics(given["metrics"])
    if metrics.number("http_reqs", "count") is None:
        message = _("This summary has no http_reqs: k6 counted no HTTP requests in it.")
        raise Refused(message, [Detail("metrics.http_reqs", message)])
    duration = _duration(given, metrics)
    run = {**_measured(metrics, "", duration), **_whole(metrics)}
    missed, thresholds = _thresholds(metrics)
    outcome = Outcome.ERROR if not run["total_requests"] else Outcome.TARGETS_MISSED if missed else Outcome.PASSED
    about = {"title": title, "tested_at": tested_at, "status": "completed", "outcome": str(outcome)}
    reasons = _reasons(run, missed, thresholds)
    return {
        "format": FORMAT,
        "run": {**run, **about, "reasons": reasons},
        "scenarios": list(_scenarios(metrics, duration)),
    }


class _Metrics:
    """The metrics by name, either format; values are checked as they are read."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given

    def values(self, name: str) -> Mapping[str, Any]:
        """The values of a metric; {} where it is not there."""
        metric = self.given.get(name, {})
        values = metric.get("values", metric) if isinstance(metric, Mapping) else None
        if not isinstance(values, Mapping):
            raise _refused(name, _("Write an object with names and values."))
        return values

    def number(self, name: str, key: str) -> float | None:
        """A value of zero or more; None where there is none."""
        value = self.values(name).get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e15:
            raise _refused(f"{name}.{key}", _("Write a number of at least %(limit)s.") % {"limit": 0})
        return value

    def count(self, name: str, key: str) -> int | None:
        """A whole number."""
        value = self.number(name, key)
        if value is not None and value != int(value):
            raise _refused(f"{name}.{key}", _("Write a whole number."))
        return None if value is None else int(value)


def _refused(where: str, words: str) -> Refused:
    field = f"metrics.{where}"[:300]
    message = _("Some values cannot be taken: %(fields)s.") % {"fields": field}
    return Refused(message, [Detail(field, words)])


def _duration(given: Mapping[str, Any], metrics: _Metrics) -> float | None:
    """Seconds: as k6 says, or, where the export leaves it out, what its count and its rate come to."""
    state = given.get("state")
    lasted = state.get("testRunDurationMs") if isinstance(state, Mapping) else None
    if isinstance(lasted, int | float) and not isinstance(lasted, bool) and 0 < lasted < 1e12:
        return lasted / 1000
    count, rate = metrics.number("http_reqs", "count"), metrics.number("http_reqs", "rate")
    return count / rate if count and rate else None


def _measured(metrics: _Metrics, selector: str, duration: float | None) -> dict[str, Any]:
    requests = metrics.count(f"http_reqs{selector}", "count")
    # http_req_failed is a rate whose "passes" are the requests that failed.
    failed = metrics.count(f"http_req_failed{selector}", "passes")
    times = f"http_req_duration{selector}" if requests != 0 else ""
    found: dict[str, Any] = {f"{ours}_response_time": metrics.number(times, key) for ours, key in _TREND.items()}
    found |= {"total_requests": requests, "failed_requests": failed, "test_duration": duration}
    found["avg_tps"] = metrics.number(f"http_reqs{selector}", "rate")
    found["avg_error_rate"] = 100.0 * failed / requests if requests and failed is not None else None
    return found


def _whole(metrics: _Metrics) -> dict[str, Any]:
    return {
        "iterations": metrics.count("iterations", "count"),
        "dropped_iterations": metrics.count("dropped_iterations", "count") or 0,
        "checks_passed": metrics.count("checks", "passes"),
        "checks_failed": metrics.count("checks", "fails"),
        "data_sent": metrics.count("data_sent", "count"),
        "data_received": metrics.count("data_received", "count"),
        "min_vus": metrics.number("vus", "min"),
        "max_vus": metrics.number("vus", "max"),
    }


def _scenarios(metrics: _Metrics, duration: float | None) -> list[dict[str, Any]]:
    """The parts that the summary tells apart, by the first of `_PARTS` that it has; none where it tells none."""
    found: dict[str, dict[str, None]] = {}
    for name in metrics.given:
        if selected := _SELECTED.match(str(name)):
            found.setdefault(selected[2], {})[selected[3]] = None
    key = next((key for key in _PARTS if key in found), None)
    rows = []
    for number, value in enumerate(list(found.get(key or "", ()))[:MOST_SCENARIOS], 1):
        tag = f"s{number:02}_{slugify(value).replace('-', '_')[:40]}".rstrip("_")
        measured = _measured(metrics, f"{{{key}:{value}}}", duration)
        step = {"name": value[:200], "request_name": value[:2050], **measured}
        rows.append(
            {"name": value[:200] or "-", "scenario_tag": tag, "request_name": value[:2050], "steps": [step], **measured}
        )
    return rows


def _thresholds(metrics: _Metrics) -> tuple[list[tuple[str, str]], int]:
    """Those that were missed, as (metric, threshold), and how many there are."""
    missed, number = [], 0
    for name, metric in metrics.given.items():
        thresholds = metric.get("thresholds") if isinstance(metric, Mapping) else None
        for threshold, state in thresholds.items() if isinstance(thresholds, Mapping) else ():
            number += 1
            failed = not state.get("ok", True) if isinstance(state, Mapping) else state is True
            if failed:
                missed.append((str(name)[:200], str(threshold)[:200]))
    return missed, number


def _reasons(run: Mapping[str, Any], missed: list[tuple[str, str]], thresholds: int) -> list[Reason]:
    if not run["total_requests"]:
        return [reason("no_requests")]
    found = [reason("threshold_missed", metric=metric, threshold=one) for metric, one in missed[:_SHOWN]]
    if not thresholds:
        found.append(reason("no_targets", good=True))
    elif len(missed) < thresholds:
        found.append(reason("thresholds_met", good=True, met=thresholds - len(missed), count=thresholds))
    return found
