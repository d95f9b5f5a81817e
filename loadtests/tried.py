"""What a try found, step by step: the plan's steps beside what k6 printed of them, and what is wrong with each.

A try keeps a list of objects, one for each step of the plan in its order (`Try.result`):

    {"scenario": tag, "scenario_name", "at": position of the scenario, "step": position + 1, "key": the saved step's or
     null, "name": "METHOD /path", "title", "state": "waiting"|"passed"|"failed"|"not_sent", "problems": [reasons],
     "request", "response", "error", "checks": [{"key", "text", "ok", "found"}],
     "extracts": [{"key", "name", "kind", "expression", "value"}]}

`request`, `response` as in `loadtests.k6.steps_seen`, null while there is none.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from history.reasons import Reason, reason
from loadtests.k6.plan import RunPlan, StepPlan
from loadtests.k6.steps_seen import StepSeen

WAITING, PASSED, FAILED, NOT_SENT = "waiting", "passed", "failed", "not_sent"
NO_ROW = "no_row"  # what k6 prints instead of a request where a data file is used up
_K6_OWN = ((200, 399),)
# k6's error codes (errext, v1.1.0) whose cause a person can do something about.
_NO_ANSWER = {
    1020: "try_address",
    1050: "try_timeout",
    1101: "try_unknown_host",
    1110: "try_blocked",
    1111: "try_blocked",
    1211: "try_timeout",
    1212: "try_refused",
    1220: "try_reset",
}
_TLS = 13  # hundreds

Row = dict[str, Any]


def blank(plan: RunPlan, keys: Sequence[Sequence[int | None]] = ()) -> list[Row]:
    """The list before anything was sent. `keys` of the saved steps by scenario, where there are some."""
    return [
        {
            "scenario": scenario.tag,
            "scenario_name": scenario.name,
            "at": at,
            "step": number + 1,
            "key": keys[at][number] if keys else None,
            "name": step.request.name,
            "title": step.name,
            "state": WAITING,
            "problems": [],
            "request": None,
            "response": None,
            "error": "",
            "checks": [
                {"key": f"c{n}", "text": one.text, "ok": None, "found": ""} for n, one in enumerate(step.checks, 1)
            ],
            "extracts": [
                {"key": f"x{n}", "name": one.name, "kind": one.kind, "expression": one.expression, "value": None}
                for n, one in enumerate(step.extracts, 1)
            ],
        }
        for at, scenario in enumerate(plan.scenarios)
        for number, step in enumerate(scenario.steps)
    ]


def filled(rows: Iterable[Row], plan: RunPlan, seen: Iterable[StepSeen], *, over: bool) -> list[Row]:
    """The list with what was seen. `over`: nothing more comes, so what was not seen was not sent."""
    steps = {
        (scenario.tag, number): step for scenario in plan.scenarios for number, step in enumerate(scenario.steps, 1)
    }
    found: dict[tuple[str, int], StepSeen] = {}
    for one in seen:
        found.setdefault((one["scenario"], one["step"]), one)
    done = []
    for row in rows:
        where = row["scenario"], row["step"]
        if where in found and where in steps:
            done.append(_judged(row, steps[where], found[where]))
        else:
            done.append({**row, "state": NOT_SENT if over else row["state"]})
    return done


def first_problem(rows: Sequence[Row]) -> Reason | None:
    """What is to be said of the whole: the first thing that is wrong, with its step where there are several."""
    for row in rows:
        for why in row["problems"]:
            return why if len(rows) == 1 else reason("try_step", step=row["title"] or row["name"], why=why)
    return None


def well(rows: Sequence[Row]) -> bool:
    """Whether every step was answered as it should be."""
    return bool(rows) and all(row["state"] == PASSED for row in rows)


def _judged(row: Row, step: StepPlan, seen: StepSeen) -> Row:
    checks = {one["key"]: one for one in seen["checks"]}
    values = {one["key"]: one["value"] for one in seen["extracts"]}
    judged = {
        **row,
        "request": seen["request"],
        "response": seen["response"],
        "error": seen["error"],
        "checks": [
            {**one, "ok": checks[one["key"]]["ok"], "found": checks[one["key"]]["found"]}
            if one["key"] in checks
            else one
            for one in row["checks"]
        ],
        "extracts": [{**one, "value": values.get(one["key"])} for one in row["extracts"]],
    }
    problems = list(_problems(judged, step, seen))
    return {**judged, "problems": problems, "state": FAILED if problems else PASSED}


def _problems(row: Row, step: StepPlan, seen: StepSeen) -> Iterable[Reason]:
    response = seen["response"]
    if seen["error"] == NO_ROW:
        yield reason("try_no_row")
        return
    if response is None:
        yield _no_answer(seen)
        return
    ranges, status = step.statuses or _K6_OWN, response["status"]
    expected = seen["expected"]
    if expected is False or (expected is None and not any(low <= status <= high for low, high in ranges)):
        wanted = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
        yield reason("try_status", status=response["status_text"] or str(status), wanted=wanted)
    for check in row["checks"]:
        if not check["ok"]:
            code = "try_check_found" if check["found"] else "try_check"
            yield reason(code, check=check["text"], found=check["found"][:200])
    for one in row["extracts"]:
        if one["value"] is None:
            yield reason("try_extract", name=one["name"], expression=one["expression"])


def _no_answer(seen: StepSeen) -> Reason:
    code = _NO_ANSWER.get(seen["error_code"], "try_no_answer")
    if seen["error_code"] // 100 == _TLS:
        code = "try_certificate" if "x509:" in seen["error"] else "try_tls"
    host = urlsplit(seen["request"]["url"]).netloc.rpartition("@")[2] or seen["request"]["url"][:200]
    if code == "try_no_answer":
        return reason(code, host=host, said=seen["error"])
    return reason(code, host=host, event=seen["error"])
