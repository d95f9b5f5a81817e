"""From k6's pushes to live messages: one a second, each once, and their sums are the totals."""

import time
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import RequestFactory

from history import live
from history.ingest import ingest
from history.live import LiveMessage, feed
from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import RequestKey, Snapshot, decode
from history.metrics.stores import open_store
from history.models import TestHistory
from history.states import Status
from history.tests.recorded_history import recorded_rows
from history.timeseries import timeseries
from tests.recorded import of_run, recorded_run, recorded_steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[LiveMessage]]:
    """What would go to the pages; the wire itself is tested in tests/ with real servers."""
    messages: list[LiveMessage] = []
    monkeypatch.setattr(feed, "publish", lambda message, readers: messages.append(message))
    feed._feeds.clear()  # another test's run may have had the same number
    yield messages
    feed._feeds.clear()


def push(run: TestHistory, body: bytes, token: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {run.ingest_token if token is None else token}"}
    request = RequestFactory().post("/", of_run(body, run.pk), content_type="application/x-protobuf", headers=headers)
    return ingest(request, run.pk).status_code


def seconds(messages: list[LiveMessage]) -> list[int]:
    return [message["t"] for message in messages if message["t"] is not None]


def at_its_time(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """The clock as it was when the push came."""
    snapshot = decode(body)
    assert snapshot
    monkeypatch.setattr(time, "time", lambda: snapshot.moment + 0.01)


def test_each_second_is_sent_once_and_the_sums_are_exact(
    alice: User, sent: list[LiveMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded_rows(alice, Status.STARTING, pushes=0)
    for body in recorded_run().pushes:
        at_its_time(monkeypatch, body)
        assert push(run, body) == 204
    run.refresh_from_db()
    live.finish(run)
    assert seconds(sent) == list(range(len(seconds(sent))))
    exact = recorded_run().exact
    assert sum(message["requests"] for message in sent) == exact["requests"]
    assert sum(message["failures"] for message in sent) == exact["failures"]
    assert sum(message["tps"] or 0 for message in sent) == exact["requests"]
    assert sent[-1]["total_requests"] == exact["requests"]
    of_scenarios = {one["tag"]: one["total_requests"] for one in sent[-1]["scenarios"]}
    assert of_scenarios == {tag: one["requests"] for tag, one in exact["scenarios"].items()}


def test_the_first_push_makes_the_run_running(
    alice: User, sent: list[LiveMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded_rows(alice, Status.STARTING, pushes=0)
    at_its_time(monkeypatch, recorded_run().pushes[0])
    push(run, recorded_run().pushes[0])
    run.refresh_from_db()
    assert run.status == Status.RUNNING
    assert [message["status"] for message in sent if message["t"] is None] == ["running"]


def test_two_web_processes_send_no_second_twice(
    alice: User, sent: list[LiveMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    for number, body in enumerate(recorded_run().pushes):
        if number % 3 == 0:
            feed._feeds.clear()  # what another process, or this one after a restart, knows: nothing
        at_its_time(monkeypatch, body)
        push(run, body)
    run.refresh_from_db()
    live.finish(run)
    assert seconds(sent) == list(range(len(seconds(sent))))
    assert sum(message["requests"] for message in sent) == recorded_run().exact["requests"]


def test_a_page_that_opens_late_reads_what_was_sent_before(
    alice: User, sent: list[LiveMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    for body in recorded_run().pushes[:6]:
        at_its_time(monkeypatch, body)
        push(run, body)
    run.refresh_from_db()
    found = timeseries(run)
    assert found["t"] == seconds(sent)
    assert found["requests"] == [message["requests"] for message in sent if message["t"] is not None]
    assert found["p95"] == [message["p95"] for message in sent if message["t"] is not None]


def test_a_wrong_token_is_refused_and_changes_nothing(alice: User, sent: list[LiveMessage]) -> None:
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    assert push(run, recorded_run().pushes[0], token="guess") == 401
    assert push(run, recorded_run().pushes[0], token="") == 401
    assert list(open_store().read(run.pk)) == []


def test_a_run_that_is_over_takes_no_more(alice: User, sent: list[LiveMessage]) -> None:
    run = recorded_rows(alice, Status.COMPLETED, pushes=0)
    assert push(run, recorded_run().pushes[0]) == 409
    assert list(open_store().read(run.pk)) == []


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\x00" * (2 * 1024 * 1024)])
def test_what_is_no_push_is_refused(alice: User, sent: list[LiveMessage], body: bytes) -> None:
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    assert push(run, body) in {400, 413}
    assert list(open_store().read(run.pk)) == []


TAG = "s01_product"


def snapshot(moment: float, count: int, instance: str = "1") -> Snapshot:
    key = RequestKey(TAG, "GET /products", "200", "", True)
    return Snapshot(instance, moment, {key: Histogram(count, 10.0 * count, 0, {-53: count})}, started=1000.0)


def test_what_came_too_late_for_one_process_is_counted_by_the_next(alice: User, sent: list[LiveMessage]) -> None:
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    store = open_store()
    store.write(run.pk, [snapshot(1001, 5, "2")])
    for t in range(1, 9):
        store.write(run.pk, [snapshot(1000 + t, 10 * t)])
        live.advance(run, 1000 + t)
    published = len(sent)
    store.write(run.pk, [snapshot(1009, 45, "2"), snapshot(1009, 90)])  # the silent one speaks, about seconds long sent
    feed._feeds.clear()  # and another process goes on
    run.refresh_from_db()
    live.advance(run, 1009)
    live.finish(run)
    assert published >= 5
    assert seconds(sent) == list(range(9))
    assert sum(message["requests"] for message in sent) == 90 + 45
    assert sum(part["requests"] for message in sent for part in message["scenarios"]) == 90 + 45
    assert sent[-1]["total_requests"] == 90 + 45
    assert [message["total_requests"] for message in sent] == sorted(message["total_requests"] for message in sent)


def test_a_run_that_an_older_version_began_goes_on(
    alice: User, sent: list[LiveMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only requests and failures were remembered then; what else is counted is told at once."""
    run = recorded_rows(alice, Status.RUNNING, 0, recorded_steps())
    TestHistory.objects.update(live_second=2, live_sent={"s01_journey": [100, 20], "s03_rows": [40, 4]})
    for body in recorded_steps().pushes:
        at_its_time(monkeypatch, body)
        assert push(run, body) == 204
    run.refresh_from_db()
    live.finish(run)
    exact = recorded_steps().exact
    assert seconds(sent)[0] == 2
    assert sum(message["requests"] for message in sent) == sum(exact["requests"].values()) - 140
    assert sum(message["iterations"] for message in sent) == sum(exact["iterations"].values())
    last = sent[-1]
    assert (last["total_dropped"], last["total_iterations"]) == tuple(
        sum(exact[what].values()) for what in ("dropped", "iterations")
    )
    assert last["total_checks_failed"] == sum(n for key, n in exact["checks"].items() if key.endswith("false"))


def test_a_database_that_fails_in_between_costs_no_second(
    alice: User, sent: list[LiveMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    claim, failing = feed._claim, [False]

    def claim_or_fail(run_id: int, message: LiveMessage) -> bool:
        if failing[0]:
            raise OperationalError("the database is away")
        return claim(run_id, message)

    monkeypatch.setattr(feed, "_claim", claim_or_fail)
    for number, body in enumerate(recorded_run().pushes):
        failing[0] = number in {4, 5, 6}
        at_its_time(monkeypatch, body)
        assert push(run, body) == 204
    run.refresh_from_db()
    live.finish(run)
    assert seconds(sent) == list(range(len(seconds(sent))))
    assert sum(message["requests"] for message in sent) == recorded_run().exact["requests"]


def test_a_push_without_a_database_is_to_be_sent_again(
    alice: User, sent: list[LiveMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded_rows(alice, Status.RUNNING, pushes=0)

    def away(*asked: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(CursorWrapper, "execute", away)
        assert push(run, recorded_run().pushes[0]) == 503
    assert push(run, recorded_run().pushes[0]) == 204
