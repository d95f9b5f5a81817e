"""A run whose plan says so is ended once a target was missed for too long, and its result says why. The runner is a
fake, as in test_supervision; the pushes are recorded ones, of a journey whose checks fail in every second."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from history.ingest import take
from history.live import feed
from history.metrics.remote_write import decode
from history.models import TestHistory
from history.states import Outcome, Status
from history.tests.recorded_history import recorded_rows
from loadtests import launching, supervision
from loadtests.tests.test_supervision import FakeRunner, collected
from tests.recorded import of_run, recorded_steps

pytestmark = pytest.mark.django_db
AFTER = 3.0
PLAN = {**recorded_steps().plan, "targets": {"error_rate": 5.0, "abort_after": AFTER}}


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any) -> Iterator[FakeRunner]:
    fake = FakeRunner()
    fake.output = ""
    monkeypatch.setattr(supervision, "open_runner", lambda name="": fake)
    monkeypatch.setattr(supervision, "find_k6", lambda asked="": "")  # nor is there a k6 to look at scripts
    monkeypatch.setattr(feed, "publish", lambda message, readers: None)
    monkeypatch.setattr(launching, "_send", lambda task, run_id: supervision.stop(run_id))
    settings.K6_SCRIPT_FILE_FOLDER = tmp_path
    yield fake
    feed._feeds.clear()


def pushed(alice: User, monkeypatch: pytest.MonkeyPatch, number: int, plan: dict[str, Any] = PLAN) -> TestHistory:
    """A run that got so many of the recorded pushes, each at its time."""
    run = recorded_rows(alice, Status.RUNNING, 0, recorded_steps(), plan)
    for body in recorded_steps().pushes[:number]:
        send(run, body, monkeypatch)
    run.refresh_from_db()
    return run


def send(run: TestHistory, body: bytes, monkeypatch: pytest.MonkeyPatch) -> int:
    snapshot = decode(body)
    assert snapshot
    with monkeypatch.context() as at_its_time:
        at_its_time.setattr(time, "time", lambda: snapshot.moment + 0.01)
        return take(run.pk, f"Bearer {run.ingest_token}", of_run(body, run.pk))[0]


def test_it_asks_for_the_end_after_so_many_seconds(
    alice: User, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = pushed(alice, monkeypatch, 2)
    assert early.stop_requested_at is None
    run = pushed(alice, monkeypatch, 5)
    assert (run.stop_reason, run.stop_requested_at is not None) == ("target", True)
    assert runner.stopped == [run.job_name]


def test_the_result_is_a_completed_one_with_missed_targets(
    alice: User, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pushed(alice, monkeypatch, 5)
    runner.end(105)
    collected(run)
    assert (run.status, run.outcome) == (Status.COMPLETED, Outcome.TARGETS_MISSED)
    first = run.explained[0]["message"]
    assert first.startswith("Stopped after 3\u00a0s over target. All requests: ")
    assert "of requests fail, target at most 5\u00a0%" in first


def test_without_the_wish_it_goes_on(alice: User, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = {**PLAN, "targets": {"error_rate": 5.0, "abort_after": None}}
    assert pushed(alice, monkeypatch, 7, plan).stop_requested_at is None
    assert runner.stopped == []


def test_a_process_that_came_later_sees_it_too(
    alice: User, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pushed(alice, monkeypatch, 3)
    feed._feeds.clear()  # the web process was started again
    for body in recorded_steps().pushes[3:6]:
        send(run, body, monkeypatch)
    run.refresh_from_db()
    assert run.stop_reason == "target"


def test_where_it_could_not_be_said_it_is_said_with_the_next_push(
    alice: User, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pushed(alice, monkeypatch, 3)
    monkeypatch.setattr(launching, "_send", lambda task, run_id: locked())
    send(run, recorded_steps().pushes[3], monkeypatch)
    monkeypatch.setattr(launching, "_send", lambda task, run_id: supervision.stop(run_id))
    TestHistory.objects.filter(pk=run.pk).update(stop_requested_at=None)
    assert send(run, recorded_steps().pushes[4], monkeypatch) == 204
    assert runner.stopped == [run.job_name]


def locked() -> None:
    raise OperationalError("locked")


def test_a_wish_of_the_user_comes_first(alice: User, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    run = pushed(alice, monkeypatch, 2)
    TestHistory.objects.filter(pk=run.pk).update(stop_requested_at=timezone.now(), stop_reason="user")
    for body in recorded_steps().pushes[2:6]:
        send(run, body, monkeypatch)
    run.refresh_from_db()
    assert run.stop_reason == "user"
    runner.end(105)
    assert collected(run).status == Status.STOPPED
