"""The first failing requests of a run: read from k6's lines, kept once, shown to those who may see the run."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from history.failures import MARK, MOST, MOST_KINDS, Failure, Key, first, keep, of_run, read
from history.models import FailedRequest, TestHistory
from history.tests.recorded_history import recorded_rows
from tests.recorded import recorded_steps

TAG = recorded_steps().plan["scenarios"][0]["tag"]


def line(t: float = 1.0, kind: str = "500", **changed: Any) -> str:
    request = {"method": "GET", "url": "http://shop/orders", "headers": [["Accept", "*/*"]], "body": None}
    response = {"status": 500, "status_text": "500", "headers": [], "body": '{"error": "한"}', "duration": 2.5}
    found = {"scenario": TAG, "step": 1, "kind": kind, "t": t, "request": request, "response": response, "error": "",
             "checks": []}  # fmt: skip
    return MARK + json.dumps({**found, **changed})


@pytest.fixture
def run(alice: User) -> TestHistory:
    return recorded_rows(alice, recorded=recorded_steps(), pushes=0)


def told(*lines: str) -> list[Failure]:
    return read("\n".join(lines))


def test_a_line_is_read() -> None:
    (found,) = told("noise", line(checks=["c1", "x1"]), "METRICVAULT-SUMMARY {}")
    assert (found.scenario, found.step, found.kind, found.t) == (TAG, 1, "500", 1.0)
    assert found.request["url"] == "http://shop/orders"
    assert found.response is not None
    assert found.response["body"] == '{"error": "한"}'
    assert found.checks == ("c1", "x1")


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "7", '"x"', "{}", "[" * 5000, '{"request": 7}', line()[len(MARK) : -1],
        json.dumps({"request": {}, "kind": "500 <b>", "step": 1, "t": 1}),
        json.dumps({"request": {}, "kind": "500", "step": "1", "t": 1}),
        json.dumps({"request": {}, "kind": "500", "step": 1, "t": 1e999}),
        json.dumps({"request": {}, "kind": "500", "step": 1, "t": True}),
        json.dumps({"request": {}, "kind": "500", "step": 1, "t": 1, "error": "x" * 200_000}),
        f'{{"request": {{}}, "kind": "500", "step": 1, "t": {"9" * 5000}}}',
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_what_is_no_line_of_ours_is_left_out(text: str) -> None:
    assert len(told(MARK + text, line())) == 1


def test_odd_values_become_harmless_ones() -> None:
    odd = {
        "method": 7,
        "url": "\x00\ud83d" * 9000,
        "headers": [["a"], 7, ["b", None], *([str(n), "v"] for n in range(50))],
        "body": {"x": 1},
    }
    (found,) = told(line(request=odd, response={"status": "x", "body": "\x00"}, error=None, checks=7))
    assert found.request["method"] == found.request["body"] == ""
    assert found.request["url"].startswith("\ufffd?")
    assert len(found.request["url"]) == 2048
    assert len(found.request["headers"]) == 40
    assert found.response == {"status": 0, "status_text": "", "headers": {}, "body": "\ufffd", "duration": None}


def test_a_mark_inside_of_an_answer_makes_no_second_line() -> None:
    body = f"{MARK}{{}}\n{line(7)}"
    assert [one.t for one in told(line(1, request={"body": body}))] == [1]


keys = st.tuples(st.just(1), st.sampled_from(["500", "check"]), st.integers(0, 9), st.booleans())


@given(st.sets(keys, max_size=20))
def test_the_first_are_the_same_however_they_come(all_of_them: set[Key]) -> None:
    at_once, in_parts = first(all_of_them), set[Key]()
    for key in all_of_them:
        in_parts = first(in_parts | {key})
    assert in_parts == at_once
    for step, kind, t, whole in all_of_them - at_once:
        kept = [key for key in at_once if key[:2] == (step, kind)]
        assert len(kept) == MOST
        assert all(key[2] <= t or (key[3] and not whole) for key in kept)


def test_the_first_five_are_kept_whenever_they_are_told(run: TestHistory) -> None:
    times = [9.0, 3.0, 5.0, 1.0, 8.0, 4.0, 2.0]
    lines = [line(t) for t in times]
    assert keep(run, told(*lines[:4])) == 4
    assert keep(run, told(*lines)) == 2  # and one of those that were there makes room
    assert keep(run, told(*lines)) == 0
    ((_step, rows),) = of_run(run).items()
    assert [row.t for row in rows] == [1, 2, 3, 4, 5]


def test_one_whose_body_was_read_comes_before_others_but_not_before_the_first(run: TestHistory) -> None:
    bare = {"status": 500, "body": None}
    keep(run, told(*(line(t, response=bare) for t in range(1, 9)), line(20), line(21)))
    assert [row.t for row in run.failures.all()] == [1, 2, 3, 20, 21]


def test_each_step_and_kind_has_its_own(run: TestHistory) -> None:
    keep(run, told(line(kind="500"), line(kind="404"), line(kind="0:1212", response=None), line(step=2)))
    found = of_run(run)
    assert sorted(len(rows) for rows in found.values()) == [1, 3]
    assert found[run.scenarios.get(scenario_tag=TAG).steps.get(position=1).pk][0].kind == "500"


def test_of_a_step_with_all_kinds_of_failures_the_first_kinds_are_kept(run: TestHistory) -> None:
    keep(run, told(*(line(t, kind=str(400 + t)) for t in range(MOST_KINDS + 9))))
    assert {row.kind for row in run.failures.all()} == {str(400 + t) for t in range(MOST_KINDS)}


def test_unknown_steps_and_scenarios_are_left_out(run: TestHistory) -> None:
    assert keep(run, told(line(scenario="s99"), line(step=99), line(step=0))) == 0


def test_checks_are_kept_as_people_read_them(run: TestHistory) -> None:
    step = run.scenarios.get(scenario_tag=TAG).steps.get(position=0)
    checks = [{"key": "c1", "kind": "contains", "text": "contains “token”"}, {"key": "x1", "text": "id = $.id"}]
    type(step).objects.filter(pk=step.pk).update(checks=checks)
    keep(run, told(line(kind="check", checks=["x1", "c1", "c7"])))
    assert FailedRequest.objects.get().checks == ["id = $.id", "contains “token”"]


def test_what_the_product_knows_to_be_secret_is_masked(run: TestHistory) -> None:
    request = {"method": "GET", "url": "http://x/?k=geheim", "headers": [["X-K", "geheim"]], "body": "geheim"}
    response = {"status": 500, "headers": [["X", "geheim"]], "body": "so geheim"}
    keep(run, told(line(request=request, response=response, error="geheim")), lambda text: text.replace("geheim", "••"))
    assert "geheim" not in json.dumps(run.failures.values("request", "response", "error")[0])


def test_the_api_gives_them_with_their_step(run: TestHistory, alice: User, client: Client) -> None:
    keep(run, told(line(2), line(1, kind="0:1212", response=None, error="dial: connection refused"), line(3, step=2)))
    client.force_login(alice)
    answer = client.get(f"/test-history/{run.pk}/failures").json()
    assert answer["count"] == 3
    assert [(one["step"], one["kind"], one["t"]) for one in answer["items"]] == [
        (1, "0:1212", 1),
        (1, "500", 2),
        (2, "500", 3),
    ]
    one = answer["items"][1]
    assert one["scenario_tag"] == TAG
    assert one["request"]["headers"] == {"Accept": "*/*"}
    assert one["response"]["status"] == 500
    assert answer["items"][0]["response"] is None


def test_strangers_see_none(run: TestHistory, charlie: User, client: Client) -> None:
    client.force_login(charlie)
    assert client.get(f"/test-history/{run.pk}/failures").status_code == 404
