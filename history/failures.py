"""The first failing requests of each step, as they were sent and answered.

k6's script prints some of them, a marked line of JSON each, with secrets masked:

    METRICVAULT-FAILED {"scenario": tag, "step": position + 1, "kind": "500" | "0:1212" | "check", "t": seconds,
        "request": {"method", "url", "headers": [[name, value]], "body": text | null},
        "response": {"status", "status_text", "headers", "body": text | null, "duration": ms} | null,
        "error": text, "checks": [keys]}

A body is null where it was not read: answers are, from a user's first failure on. Kept are headers by their name.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from history.models import FailedRequest, StepHistory, TestHistory

MARK = "METRICVAULT-FAILED "
MOST = 5  # of one step and kind
MOST_KINDS = 20  # of one step
_LONGEST_LINE = 128 * 1024
_LONGEST_BODY = 4096
_LONGEST_VALUE = 2048
_MOST_HEADERS = 40
_MOST_CHECKS = 100
_KIND = re.compile(r"\d{3}|0:\d{1,5}|check")
Mask = Callable[[str], str]
Key = tuple[int, str, float, bool]  # the step's row, kind, t, whether all is known of it that there is


@dataclass(frozen=True, slots=True)
class Failure:
    """One line. `step`: 1 for the first one. `checks`: the keys (c1, x1) of those that did not hold."""

    scenario: str
    step: int
    kind: str
    t: float
    request: dict[str, Any]
    response: dict[str, Any] | None
    error: str
    checks: tuple[str, ...]


def read(output: str) -> list[Failure]:
    """The failing requests in k6's output, in its order; what is cut, too long or none of ours is left out. Pure."""
    found = []
    for line in output.split("\n"):
        if line.startswith(MARK) and len(line) <= _LONGEST_LINE:
            failure = _failure(line.removeprefix(MARK))
            if failure is not None:
                found.append(failure)
    return found


def keep(run: TestHistory, failures: Sequence[Failure], mask: Mask = str) -> int:
    """Writes the first `MOST` of each step and kind of what k6 told so far, and answers how many rows are new.

    The same again changes nothing. `mask` takes out secrets in forms that only the product knows.
    """
    if not any(_changes(run, failures)):
        return 0
    with transaction.atomic():
        if TestHistory.objects.select_for_update().filter(pk=run.pk).first() is None:  # one worker at a time
            return 0
        new, surplus = _changes(run, failures)
        run.failures.filter(pk__in=surplus).delete()
        FailedRequest.objects.bulk_create(_row(run, step, one, mask) for step, one in new)
    return len(new)


def _changes(run: TestHistory, failures: Sequence[Failure]) -> tuple[list[tuple[StepHistory, Failure]], list[int]]:
    """What is to be written, and the rows that make room for it."""
    steps = _steps(run) if failures else {}
    told: dict[Key, tuple[StepHistory, Failure]] = {}
    for one in failures:
        if step := steps.get((one.scenario, one.step)):
            told.setdefault((step.pk, one.kind, one.t, _whole(one.response)), (step, one))
    if not told:
        return [], []
    kept = {(row.step_id, row.kind, row.t or 0.0, _whole(row.response)): row.pk for row in run.failures.all()}
    wanted = first({*told, *kept})
    new = [told[key] for key in sorted(wanted - kept.keys())]
    return new, [pk for key, pk in kept.items() if key not in wanted]


def first(keys: set[Key]) -> set[Key]:
    """Of each step and kind the first by time: the very first, and then those of which all is known before others."""
    groups: defaultdict[int, defaultdict[str, list[Key]]] = defaultdict(lambda: defaultdict(list))
    for key in keys:
        groups[key[0]][key[1]].append(key)
    found: set[Key] = set()
    for kinds in groups.values():
        for group in sorted(kinds.values(), key=lambda group: min(key[2] for key in group))[:MOST_KINDS]:
            begun, *others = sorted(group, key=lambda key: (key[2], not key[3]))
            found |= {begun, *sorted(others, key=lambda key: (not key[3], key[2]))[: MOST - 1]}
    return found


def of_run(run: TestHistory) -> dict[int, list[FailedRequest]]:
    """The rows of each step by its key, in the order of time; steps without any are left out."""
    found: dict[int, list[FailedRequest]] = {}
    for row in run.failures.order_by("t", "pk"):
        found.setdefault(row.step_id, []).append(row)
    return found


def _steps(run: TestHistory) -> dict[tuple[str, int], StepHistory]:
    rows = StepHistory.objects.filter(scenario__test_history=run).select_related("scenario")
    return {(row.scenario.scenario_tag, row.position + 1): row for row in rows}


def _row(run: TestHistory, step: StepHistory, one: Failure, mask: Mask) -> FailedRequest:
    texts = {check["key"]: check["text"] for check in step.checks}
    return FailedRequest(
        test_history=run,
        step=step,
        kind=one.kind,
        t=one.t,
        request=_masked(one.request, mask),
        response=_masked(one.response, mask) if one.response else None,
        error=mask(one.error),
        checks=[mask(texts[key]) for key in one.checks if key in texts],
    )


def _masked(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {name: _masked(one, mask) for name, one in value.items()}
    return [_masked(one, mask) for one in value] if isinstance(value, list) else value


def _whole(response: Mapping[str, Any] | None) -> bool:
    return response is None or response.get("body") is not None


def _failure(text: str) -> Failure | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("request"), dict):
        return None
    kind, step, t = found.get("kind"), found.get("step"), _number(found.get("t"))
    if not isinstance(kind, str) or not _KIND.fullmatch(kind) or not isinstance(step, int) or t is None:
        return None
    request, response = found["request"], found.get("response")
    checks = found.get("checks")
    return Failure(
        scenario=_text(found.get("scenario"), 80),
        step=step,
        kind=kind,
        t=round(max(0.0, t), 3),
        request={
            "method": _text(request.get("method"), 20),
            "url": _text(request.get("url"), _LONGEST_VALUE),
            "headers": _headers(request.get("headers")),
            "body": _body(request.get("body")),
        },
        response=_response(response) if isinstance(response, dict) else None,
        error=_text(found.get("error"), _LONGEST_VALUE),
        checks=tuple(_text(key, 10) for key in checks[:_MOST_CHECKS]) if isinstance(checks, list) else (),
    )


def _response(response: Mapping[str, Any]) -> dict[str, Any]:
    status = int(_number(response.get("status")) or 0)
    return {
        "status": status,
        "status_text": _text(response.get("status_text"), 200).removeprefix(f"{status} "),
        "headers": _headers(response.get("headers")),
        "body": _body(response.get("body")),
        "duration": _number(response.get("duration")),
    }


def _headers(headers: object) -> dict[str, str]:
    pairs = [pair for pair in headers if isinstance(pair, list) and len(pair) == 2] if isinstance(headers, list) else []
    return {_text(name, 100): _text(value, _LONGEST_VALUE) for name, value in pairs[:_MOST_HEADERS]}


def _body(body: object) -> str | None:
    return None if body is None else _text(body, _LONGEST_BODY)


def _text(value: object, most: int) -> str:
    """What a database keeps of it: no NUL, no half of a pair."""
    text = value if isinstance(value, str) else ""
    return text[:most].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e12:
        return None
    return float(value)
