"""What k6 prints of a try, read back."""

import json
from typing import Any

import pytest

from loadtests.k6.masking import MASK
from loadtests.k6.script import STEP_MARK
from loadtests.k6.steps_seen import MOST_BODY, Seen, read_output


def line(**changed: Any) -> str:
    """A step as k6 prints it; `request` and `response` are merged into the usual ones."""
    request = {"method": "GET", "url": "http://shop/orders/7", "headers": {"Accept": ["*/*"]}, "body": None}
    response = {"status": 200, "status_text": "200 OK", "proto": "HTTP/1.1", "headers": {}, "cookies": {},
                "body": "{}", "size": 2, "timings": {"duration": 12.5}}  # fmt: skip
    usual: dict[str, Any] = {"scenario": "s01", "step": 1, "error": "", "error_code": 0, "checks": [], "extracts": []}
    given = {name: changed.pop(name) for name in ("request", "response") if isinstance(changed.get(name), dict)}
    merged = {"request": {**request, **given.get("request", {})}, "response": {**response, **given.get("response", {})}}
    return STEP_MARK + json.dumps({**usual, **merged, **changed}, ensure_ascii=False)


def seen(*lines: str, secrets: tuple[str, ...] = ()) -> Seen:
    return read_output("\n".join(lines) + "\n", secrets)


def test_a_step_has_its_request_and_its_answer() -> None:
    (step,) = seen(line(response={"body": "안녕\u2028", "size": 9, "headers": {"Location": "/orders/7"}})).steps
    assert (step["scenario"], step["step"]) == ("s01", 1)
    assert step["request"] == {
        "method": "GET", "url": "http://shop/orders/7", "headers": [["Accept", "*/*"]], "body": "", "cut": False,
    }  # fmt: skip
    assert step["response"] is not None
    assert step["response"]["body"] == "안녕\u2028"
    assert step["response"]["headers"] == [["Location", "/orders/7"]]
    assert step["response"]["duration"] == 12.5
    assert not step["response"]["cut"]


def test_what_is_not_marked_is_the_log() -> None:
    output = seen('time="1" level=warning', line(), "METRICVAULT-SUMMARY {}", "Error: x\n\tat default")
    assert output.log == 'time="1" level=warning\nError: x\n\tat default'
    assert len(output.steps) == 1


@pytest.mark.parametrize("broken", ["{", "[]", "{}", "7", "[" * 100_000, '{"scenario": 7}'])
def test_a_line_that_is_no_step_is_left_out(broken: str) -> None:
    assert seen(STEP_MARK + broken, line()).steps == seen(line()).steps


@pytest.mark.parametrize("odd", [None, 7, "text", [], [1, [2]], {"a": {"b": []}}, True, float("inf")])
def test_odd_parts_of_a_line_are_no_error(odd: Any) -> None:
    names = ("step", "request", "error", "error_code", "checks", "extracts", "hidden", "expected")
    for changed in ({name: odd} for name in names):
        (step,) = seen(line(**changed)).steps
        json.dumps(step, allow_nan=False)
    for name in ("status", "headers", "cookies", "body", "size", "timings", "proto"):
        (step,) = seen(line(response={name: odd})).steps
        json.dumps(step, allow_nan=False)


def test_no_answer_is_none() -> None:
    (step,) = seen(line(response={"status": 0}, error="dial: connection refused", error_code=1212)).steps
    assert step["response"] is None
    assert (step["error"], step["error_code"]) == ("dial: connection refused", 1212)


def test_secrets_are_hidden_wherever_they_stand() -> None:
    shown = line(
        request={"url": "http://shop/?key=a%2Fb%2Fc", "headers": {"X-Key": "a/b/c"}, "body": '{"key": "a/b/c"}'},
        response={"body": r'{"echo": "a\/b\/c"}', "headers": {"X-Echo": "a/b/c"}, "cookies": {"sid": "a/b/c"}},
        error="a/b/c", checks=[{"key": "c1", "ok": False, "found": "a/b/c"}],
        extracts=[{"key": "x1", "name": "key", "value": "a/b/c"}],
    )  # fmt: skip
    output = seen(shown, "Error: a/b/c", secrets=("a/b/c",))
    text = json.dumps(output.steps) + output.log
    assert text.count(json.dumps(MASK)[1:-1]) + text.count(MASK) == 10
    assert not {"a/b/c", "a%2Fb%2Fc", r"a\/b\/c"} & {text}
    assert "b/c" not in text


def test_a_secret_that_only_k6_knows_is_hidden_in_every_step() -> None:
    output = seen(line(response={"body": "tok-123456"}), line(hidden=["tok-123456"]))
    assert "tok-123456" not in json.dumps(output.steps)


@pytest.mark.parametrize(
    ("sent", "shown"), [("Bearer eyJh.b.c", f"Bearer {MASK}"), ("abc", MASK), ("Bearer ", "Bearer "), ("", "")]
)
def test_who_we_say_we_are_is_never_shown(sent: str, shown: str) -> None:
    (step,) = seen(line(request={"headers": {"Authorization": [sent]}})).steps
    assert step["request"]["headers"] == [["Authorization", shown]]


def test_cookies_that_were_sent_are_shown_as_the_header_they_were() -> None:
    cookies = {"sid": [{"name": "sid", "value": "1", "replace": False}], "b": "2"}
    (step,) = seen(line(request={"headers": {}, "cookies": cookies})).steps
    assert step["request"]["headers"] == [["Cookie", "sid=1; b=2"]]


def test_a_long_body_is_cut_and_says_so() -> None:
    (step,) = seen(line(response={"body": "x" * (MOST_BODY + 1), "size": 99_999})).steps
    assert step["response"] is not None
    assert (len(step["response"]["body"]), step["response"]["cut"], step["response"]["size"]) == (
        MOST_BODY,
        True,
        99_999,
    )


def test_what_k6_has_cut_is_known_by_its_size() -> None:
    (step,) = seen(line(response={"body": "x" * 10, "size": 11})).steps
    assert step["response"] is not None
    assert step["response"]["cut"]


def test_many_large_bodies_are_shown_by_their_beginning() -> None:
    steps = seen(*[line(response={"body": "x" * MOST_BODY, "size": MOST_BODY})] * 80).steps
    sizes = [len(step["response"]["body"]) for step in steps if step["response"]]
    assert (sizes[0], sizes[-1]) == (MOST_BODY, 2048)
    assert steps[-1]["response"]
    assert steps[-1]["response"]["cut"]


def test_a_nul_is_shown_as_what_a_database_keeps() -> None:
    (step,) = seen(line(response={"body": "a\x00b\ud800", "size": 5})).steps
    assert step["response"] is not None
    assert step["response"]["body"] == "a�b?"
