"""What is said of each step of a try."""

from typing import Any

import pytest

from history.reasons import explain
from loadtests.k6.plan import CheckPlan, ExtractPlan, RequestPlan, RunPlan, StepPlan
from loadtests.k6.steps_seen import StepSeen
from loadtests.tests.conftest import run_plan, scenario
from loadtests.tried import blank, filled, first_problem, well

HOST = "http://shop:81/orders"


def plan(**step: Any) -> RunPlan:
    """Of one step."""
    request = RequestPlan("GET", HOST, "GET /orders", (), None)
    return run_plan(scenario(steps=(StepPlan("", request, **step),)))


def seen(status: int = 200, **changed: Any) -> StepSeen:
    request = {"method": "GET", "url": HOST, "headers": [], "body": "", "cut": False}
    response = {"status": status, "status_text": f"{status} Word", "proto": "HTTP/1.1", "headers": [], "cookies": [],
                "body": "{}", "cut": False, "size": 2, "duration": 3.0, "timings": {}}  # fmt: skip
    usual = {"scenario": "s01_browse", "step": 1, "request": request, "response": response if status else None,
             "error": "", "error_code": 0, "expected": None, "checks": [], "extracts": []}  # fmt: skip
    return {**usual, **changed}  # type: ignore[typeddict-item]


def said(asked: RunPlan, *steps: StepSeen) -> list[str]:
    (row,) = filled(blank(asked), asked, steps, over=True)
    assert (row["state"] == "passed") == (not row["problems"] and bool(steps))
    return [one["message"] for one in explain(row["problems"])]


@pytest.mark.parametrize("status", [200, 204, 302, 399])
def test_k6s_own_statuses_are_good(status: int) -> None:
    assert said(plan(), seen(status)) == []


@pytest.mark.parametrize(
    ("statuses", "status", "words"),
    [((), 404, "200-399"), (((201, 201),), 200, "201"), (((200, 299), (404, 404)), 500, "200-299, 404")],
)
def test_another_status_is_a_failure(statuses: Any, status: int, words: str) -> None:
    assert said(plan(statuses=statuses), seen(status)) == [
        f"The answer was “{status} Word”, which counts as a failure here; expected: {words}."
    ]


def test_what_k6_takes_for_a_failure_is_one() -> None:
    assert len(said(plan(), seen(200, expected=False))) == 1
    assert said(plan(), seen(404, expected=True)) == []


@pytest.mark.parametrize(
    ("code", "error", "sentence"),
    [
        (1212, "dial: connection refused", "Nothing listens at shop:81."),
        (1101, "lookup: no such host", "The name of shop:81 is not known here."),
        (1050, "request timeout", "shop:81 did not answer in time."),
        (1211, "dial: i/o timeout", "shop:81 did not answer in time."),
        (1220, "read: connection reset by peer", "shop:81 closed the connection without an answer."),
        (1311, "x509: certificate doesn't match hostname", "The certificate of shop:81 is not trusted here."),
        (1300, "x509: certificate has expired", "The certificate of shop:81 is not trusted here."),
        (1301, "tls: first record does not look like a TLS handshake", "No encrypted connection to shop:81"),
        (1110, "ip is blacklisted", "Load may not be sent to shop:81."),
        (1020, "invalid URL", "This is no address that a request can be sent to: shop:81"),
        (1000, "unsupported protocol", "No answer came from shop:81. k6 says: unsupported protocol"),
    ],
)
def test_no_answer_is_said_with_the_way_out(code: int, error: str, sentence: str) -> None:
    (found,) = said(plan(), seen(0, error=error, error_code=code))
    assert found.startswith(sentence)


def test_a_data_file_that_is_used_up_is_said() -> None:
    assert said(plan(), seen(0, error="no_row")) == ["The data file has no row left for this step."]


def test_a_check_is_said_with_what_was_there() -> None:
    asked = plan(checks=(CheckPlan("json", "$.n", "1", "$.n is 1"), CheckPlan("contains", "", "ok", "contains ok")))
    checks = [{"key": "c1", "ok": False, "found": "2"}, {"key": "c2", "ok": True, "found": ""}]
    assert said(asked, seen(checks=checks)) == ["This check does not hold: $.n is 1. Found: 2"]


def test_a_check_that_nobody_looked_at_does_not_hold() -> None:
    assert len(said(plan(checks=(CheckPlan("time", "", "9", "at most 9 ms"),)), seen())) == 1


def test_a_value_that_is_empty_is_found_all_the_same() -> None:
    asked = plan(extracts=(ExtractPlan("n", "json", "$.n", ("n",)),))
    assert said(asked, seen(extracts=[{"key": "x1", "name": "n", "value": ""}])) == []
    assert len(said(asked, seen(extracts=[{"key": "x1", "name": "n", "value": None}]))) == 1


def test_what_was_not_seen_was_not_sent() -> None:
    asked = plan()
    (row,) = filled(blank(asked), asked, [], over=True)
    assert row["state"] == "not_sent"
    assert not well([row])
    (row,) = filled(blank(asked), asked, [], over=False)
    assert row["state"] == "waiting"


def test_lines_of_no_step_of_the_plan_are_nothing() -> None:
    asked = plan()
    assert filled(blank(asked), asked, [seen(scenario="s09"), seen(step=7)], over=True)[0]["state"] == "not_sent"


def test_of_several_steps_the_one_is_named() -> None:
    asked = run_plan(scenario(), scenario(1, "Order"))
    rows = filled(blank(asked), asked, [seen(), seen(500, scenario="s02_order")], over=True)
    assert explain([first_problem(rows) or {}])[0]["message"].startswith("GET /things/{id}: The answer was “500 Word”")
