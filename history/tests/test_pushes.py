"""k6's pushes come in before Django, by the same rules."""

import asyncio
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.db import connection

from history.ingest import Pushes
from history.metrics.remote_write import MAX_PUSH
from history.metrics.stores import open_store
from history.models import TestHistory
from history.states import Status
from history.tests.asgi_client import Call
from history.tests.recorded_history import recorded_rows
from tests.recorded import of_run, recorded_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(alice: User) -> TestHistory:
    return recorded_rows(alice, Status.STARTING, pushes=0)


def answer(path: str, body: bytes, token: str, method: str = "POST") -> tuple[int, bytes]:
    with patch("history.ingest._THREADS", 1):  # so that the connection that is closed below is the one that was made
        pushes = Pushes(get_asgi_application())

    async def scene() -> tuple[int, bytes]:
        call = Call(pushes, path, method=method, authorization=f"Bearer {token}")
        await call.send(body)
        content = await call.body()
        await call.__aexit__()
        return call.status, content

    try:
        return asyncio.run(scene())
    finally:
        pushes._threads.submit(lambda: connection.close()).result()  # in its own thread
        pushes._threads.shutdown()


def test_a_push_is_kept_and_the_run_is_running(run: TestHistory) -> None:
    assert answer(f"/ingest/{run.pk}/write", of_run(recorded_run().pushes[0], run.pk), run.ingest_token) == (204, b"")
    run.refresh_from_db()
    assert run.status == Status.RUNNING
    assert len(list(open_store().read(run.pk))) == 1


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [("guess", b"", 401), ("\u00e9", b"", 401), ("", b"nonsense", 400), ("", b"\0" * (MAX_PUSH + 1), 413)],
)
def test_what_is_refused_says_why(run: TestHistory, token: str, body: bytes, status: int) -> None:
    found, content = answer(f"/ingest/{run.pk}/write", body, token or run.ingest_token)
    assert found == status
    assert content.endswith(b".\n")
    assert list(open_store().read(run.pk)) == []


def test_an_unknown_run_is_refused_like_a_wrong_token(run: TestHistory) -> None:
    assert answer("/ingest/4711/write", b"", run.ingest_token)[0] == 401


def test_everything_else_is_for_django(run: TestHistory) -> None:
    assert answer(f"/ingest/{run.pk}/write", b"", run.ingest_token, method="GET")[0] == 405
    assert answer("/ingest/x/write", b"", run.ingest_token)[0] in {403, 404}
