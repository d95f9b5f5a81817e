"""The first failing requests on the page of a run."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.failures import MARK, keep, read
from history.models import FailedRequest, StepHistory, TestHistory
from history.states import Status
from history.tests.sample_runs import project_of, run_of

pytestmark = pytest.mark.django_db
HTMX = {"accept": "text/html", "HX-Request": "true"}
HOSTILE = "<script>alert(1)</script> {{ run }} 한국어"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def failing_run(owner: User, status: Status, *rows: dict[str, Any]) -> TestHistory:
    run = run_of(project_of(owner), status)
    step = StepHistory.objects.create(scenario=run.scenarios.get(), request_name="POST /orders", name="Order")
    for row in rows:
        FailedRequest.objects.create(test_history=run, step=step, **row)
    return run


def sent(**more: Any) -> dict[str, Any]:
    about = {"method": "POST", "url": "http://shop.example.com/orders", "headers": {"X-Trace": "7"}, "body": HOSTILE}
    return {**about, **more}


ANSWERED: dict[str, Any] = {
    "kind": "503",
    "t": 281.4,
    "request": sent(),
    "response": {"status": 503, "status_text": "", "headers": {"Server": HOSTILE}, "body": HOSTILE, "duration": 1360},
}
REFUSED: dict[str, Any] = {
    "kind": "0:1212",
    "t": 12.0,
    "request": sent(),
    "response": None,
    "error": "dial: connection refused",
}


def test_request_and_answer_are_shown_in_words_and_escaped(page: Client, alice: User) -> None:
    html = page.get(f"/runs/{failing_run(alice, Status.COMPLETED, ANSWERED, REFUSED).pk}/").content.decode()
    part = html.split('id="failures"')[1].split("</section>")[0]
    for said in ("Service Unavailable", "connection refused", "1.36", "04:41", "There was no answer", "X-Trace"):
        assert said in part
    assert "<script>alert" not in part
    assert part.count("&lt;script&gt;alert(1)") == 4  # two bodies sent, one header and one body received


def test_a_check_that_failed_is_named_with_the_status(page: Client, alice: User) -> None:
    row = {**ANSWERED, "kind": "check", "checks": ["body has id"], "response": {**ANSWERED["response"], "status": 200}}
    part = page.get(f"/runs/{failing_run(alice, Status.COMPLETED, row).pk}/").content.decode().split('id="failures"')[1]
    assert "a check failed" in part
    assert "body has id" in part
    assert '<span class="chip bad">200</span>' in part


def test_a_body_that_was_not_read_is_said_to_be_so(page: Client, alice: User) -> None:
    row = {**ANSWERED, "response": {**ANSWERED["response"], "body": None}}
    assert (
        "The body was not read." in page.get(f"/runs/{failing_run(alice, Status.COMPLETED, row).pk}/").content.decode()
    )


def test_a_live_page_asks_for_more_and_swaps_nothing_where_there_is_none(page: Client, alice: User) -> None:
    run = failing_run(alice, Status.RUNNING, ANSWERED)
    html = page.get(f"/runs/{run.pk}/").content.decode()
    assert f'hx-get="/runs/{run.pk}/failures/?seen=1"' in html
    assert page.get(f"/runs/{run.pk}/failures/?seen=1", headers=HTMX).status_code == 204
    assert "Service Unavailable" in page.get(f"/runs/{run.pk}/failures/?seen=0", headers=HTMX).content.decode()


def test_a_finished_run_without_any_shows_no_empty_list(page: Client, alice: User) -> None:
    html = page.get(f"/runs/{run_of(project_of(alice)).pk}/").content.decode()
    assert '<section class="card" id="failures" hidden>' in html


def test_a_failure_as_k6_tells_it_is_shown_as_it_is_kept(page: Client, alice: User) -> None:
    """From the script's line by `history.failures` to the page: both keep headers in the same shape."""
    run = run_of(project_of(alice))
    StepHistory.objects.create(scenario=run.scenarios.get(), request_name="POST /orders")
    exchange = {"request": {**sent(), "headers": [["X-Trace", "7"]]}}
    answered = {**ANSWERED["response"], "headers": [["Server", "shop"]], "status_text": "503 Service Unavailable"}
    told = {"scenario": "s01_list", "step": 1, "kind": "503", "t": 2.5, **exchange, "response": answered, "error": ""}
    assert keep(run, read(f"{MARK}{json.dumps(told)}\n")) == 1
    html = page.get(f"/runs/{run.pk}/").content.decode()
    assert "<s>X-Trace:</s> 7" in html
    assert "<s>Server:</s> shop" in html
