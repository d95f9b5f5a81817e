"""What a run comes to, and how it is said: one function for pages, API, exports and JUnit."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from history.models import TestHistory
from history.reasons import explain, reason
from history.recording import record
from history.run_page import verdict
from history.states import Outcome, Status
from history.tests.recorded_history import recorded_rows
from history.tests.sample_runs import project_of, run_of
from history.verdict import TARGET, exit_code_of
from history.verdict_words import answer, sentence
from tests.recorded import recorded_run

GAP = "\u00a0"
MISSED = reason("p95_missed", request="POST /orders", value=799.4, target=500.0, by=59.9, since=250)


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (MISSED, f"POST /orders: p95 is 799{GAP}ms, target 500{GAP}ms (+60{GAP}%), from 04:10."),
        (
            reason("p99_missed", request="A", value=1004.0, target=1000.0, by=0.4, since=0),
            f"A: p99 is 1.00{GAP}s, target 1.00{GAP}s (+0.40{GAP}%), from the start.",
        ),
        (
            reason("errors_missed", request="A", value=1.32, target=1.0, by=0.32, since=3700),
            f"A: 1.32{GAP}% of requests fail, target at most 1{GAP}% (+0.32{GAP}points), from 1:01:40.",
        ),
        (
            reason("tps_missed", request="", value=87.0, target=100.0, by=-13.0, since=0),
            f"Throughput was 87.0{GAP}req/s on average, target 100{GAP}req/s (−13{GAP}%).",
        ),
        (
            reason("pace_missed", request="A", value=97.0, target=100.0, by=-3.0, since=61),
            f"A: 97.0{GAP}req/s on average, target 100{GAP}req/s (−3.0{GAP}%), from 01:01.",
        ),
        (
            reason("clock_jumped", seconds=-7.0),
            f"The clock of a load generator jumped by −7.0{GAP}s while it ran. Counts are right",
        ),
        (
            reason("generator_silent", seconds=8.2, since=64.3),
            f"A load generator fell silent for 8.2{GAP}s, from 01:04 on.",
        ),
        (
            reason("generator_busy", share=98.0, cores=2.0, seconds=9.0),
            f"k6 used 98.00{GAP}% of the CPU it may use (cores: 2) for 9{GAP}s: it may have",
        ),
        (
            reason("dropped_over_budget", request="A", count=12, share=6.0, budget=1.0),
            f"A: 12 iterations (6.00{GAP}%) were never begun, at most 1{GAP}% may be.",
        ),
        (
            reason("rate_not_reached", request="A", begun=90, asked=100, share=90.0, least=95.0),
            f"A: only 90.00{GAP}% of the load was sent, 90 of 100 iterations. Below 95{GAP}% a",
        ),
    ],
)
def test_a_reason_says_which_by_how_much_and_since_when(stored: dict[str, Any], words: str) -> None:
    with translation.override("en"):
        assert explain([stored])[0]["message"].startswith(words)


def test_what_older_runs_stored_reads_as_before() -> None:
    old = reason("p95_missed", request="POST /orders", value=799.4, target=500.0)
    assert explain([old])[0]["message"] == f"POST /orders: p95 is 799{GAP}ms, target 500{GAP}ms."
    pod = reason("generator_busy", pod="k6-1", share=95.0)
    assert explain([pod])[0]["message"].startswith(f"Pod k6-1 used 95.00{GAP}% of its CPU limit")


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (Status.COMPLETED, Outcome.PASSED, 0),
        (Status.COMPLETED, Outcome.TARGETS_MISSED, 1),
        (Status.COMPLETED, Outcome.INVALID, 2),
        (Status.COMPLETED, Outcome.ERROR, 3),
        (Status.FAILED, Outcome.ERROR, 3),
        (Status.FAILED, Outcome.INVALID, 3),
        (Status.STOPPED, "", 4),
        (Status.TIMED_OUT, "", 4),
        *((status, "", None) for status in (Status.QUEUED, Status.STARTING, Status.RUNNING, Status.COLLECTING)),
    ],
)
def test_each_end_has_its_exit_code(status: Status, outcome: Outcome | str, code: int | None) -> None:
    assert exit_code_of(TestHistory(status=status, outcome=outcome)) == code


@pytest.mark.django_db
def test_page_and_api_say_the_same_sentence(alice: User, client: Client) -> None:
    run = run_of(project_of(alice), outcome=Outcome.TARGETS_MISSED, reasons=[MISSED])
    client.force_login(alice)
    found = client.get(f"/test-history/{run.pk}/details").json()["verdict"]
    words = f"Targets missed: POST /orders: p95 is 799{GAP}ms, target 500{GAP}ms (+60{GAP}%), from 04:10"
    assert (found["outcome"], found["exit_code"], found["sentence"]) == ("targets_missed", 1, f"{words}.")
    (only,) = found["reasons"]
    assert only["mark"] == "missed"
    assert only["numbers"] == {
        "request": "POST /orders", "value": 799.4, "target": 500.0, "by": 59.9, "since": 250,
    }  # fmt: skip
    assert verdict(run)["title"] == words
    assert words in client.get(f"/runs/{run.pk}/", headers={"Accept": "text/html"}).content.decode()


@pytest.mark.django_db
def test_a_run_that_goes_on_has_no_verdict_yet(alice: User) -> None:
    run = run_of(project_of(alice), Status.RUNNING)
    assert answer(run) == {"outcome": None, "exit_code": None, "sentence": "", "reasons": []}
    assert sentence(run) == ""


@pytest.mark.django_db
def test_an_invalid_run_tells_the_missed_targets_too(alice: User) -> None:
    reasons = [reason("counts_differ", k6=100, stored=90, share=10.0), MISSED]
    run = run_of(project_of(alice), outcome=Outcome.INVALID, reasons=reasons)
    assert [one["mark"] for one in answer(run)["reasons"]] == ["invalid", "missed"]
    assert sentence(run).startswith("Invalid: k6 counted 100 requests")
    assert [one["code"] for one in verdict(run)["reasons"]] == ["p95_missed"]


def test_a_result_that_is_worth_nothing_is_not_called_sound() -> None:
    agree = reason("counts_agree", good=True, count=12)
    with translation.override("en"):
        assert explain([agree])[0]["message"].startswith("The measurement is sound: all 12 requests")
        spoilt = explain([reason("clock_jumped", seconds=9.0), agree])
        assert spoilt[1]["message"] == "All 12 requests counted by k6 are stored."


def without_requests(alice: User, **plan: Any) -> TestHistory:
    """The recorded run with a fourth scenario, which has a target and sent nothing."""
    last = {**recorded_run().plan["scenarios"][-1], "tag": "s04_late", "name": "Late", **plan}
    snapshot = {**recorded_run().plan, "scenarios": [*recorded_run().plan["scenarios"], last]}
    return recorded_rows(alice, plan=snapshot)


@pytest.mark.django_db
def test_a_target_without_samples_proves_nothing(alice: User) -> None:
    found = record(without_requests(alice), recorded_run().summaries)
    assert (found.outcome, found.reasons[0]["code"]) == (Outcome.INVALID, "target_without_samples")


@pytest.mark.django_db
def test_without_a_target_nobody_asks_for_samples(alice: User) -> None:
    run = without_requests(alice, response_time_target=None, error_rate_target=None)
    assert record(run, recorded_run().summaries).outcome == Outcome.PASSED


@pytest.mark.django_db
def test_a_scenario_that_had_not_begun_when_the_plan_ended_the_run_does_not_spoil_it(alice: User) -> None:
    run = without_requests(alice, load={"start_time": 60.0})
    run.stop_reason = TARGET
    found = record(run, recorded_run().summaries)
    assert found.outcome == Outcome.TARGETS_MISSED
    assert "target_without_samples" in {one["code"] for one in found.reasons if not one["good"]}
