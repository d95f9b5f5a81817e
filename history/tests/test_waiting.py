"""Programs wait for the end of a run: GET /test-history/{id}/wait."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from history.models import TestHistory
from history.reasons import reason
from history.states import Outcome, Status, move
from history.tests.sample_runs import project_of, run_of
from history.verdict import exit_code_of

MISSED = reason("p95_missed", value=799.0, target=500.0, request="POST /orders")


def read(response: Any) -> Any:
    return json.loads(async_to_sync(_all)(response))


@pytest.mark.django_db
def test_a_run_that_is_over_is_told_at_once(client: Client, alice: User) -> None:
    client.force_login(alice)
    run = run_of(project_of(alice), Status.COMPLETED, Outcome.TARGETS_MISSED, reasons=[MISSED])
    found = read(client.get(f"/test-history/{run.pk}/wait?timeout=600"))
    assert (found["finished"], found["outcome"], found["exit_code"]) == (True, "targets_missed", 1)
    assert "799" in found["verdict"]
    assert found["reasons"][0]["code"] == "p95_missed"
    assert found["url"].endswith(f"/runs/{run.pk}/")


@pytest.mark.django_db
def test_after_the_timeout_it_says_that_the_run_goes_on(client: Client, alice: User) -> None:
    client.force_login(alice)
    run = run_of(project_of(alice), Status.RUNNING)
    found = read(client.get(f"/test-history/{run.pk}/wait?timeout=0"))
    assert (found["finished"], found["status"], found["exit_code"]) == (False, "running", None)


@pytest.mark.django_db(transaction=True)
def test_it_answers_as_soon_as_the_run_ends(alice: User) -> None:
    run = run_of(project_of(alice), Status.COLLECTING)
    found = async_to_sync(_ended_meanwhile)(alice, run)
    assert (found["finished"], found["exit_code"]) == (True, 0)


async def _ended_meanwhile(user: User, run: TestHistory) -> Any:
    caller = AsyncClient()
    await caller.aforce_login(user)
    response = await caller.get(f"/test-history/{run.pk}/wait?timeout=60")
    parts = asyncio.create_task(_all(response))
    await asyncio.sleep(0.1)
    assert not parts.done()
    await sync_to_async(move)(run, Status.COMPLETED, outcome=Outcome.PASSED)
    return json.loads(await asyncio.wait_for(parts, 30))


async def _all(response: Any) -> bytes:
    return b"".join([part async for part in response.streaming_content])


@pytest.mark.django_db
def test_a_stranger_learns_nothing(client: Client, alice: User, charlie: User) -> None:
    run = run_of(project_of(alice), Status.RUNNING)
    client.force_login(charlie)
    assert client.get(f"/test-history/{run.pk}/wait").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("timeout", ["-1", "601", "soon", "nan"])
def test_odd_timeouts_are_refused_by_name(client: Client, alice: User, timeout: str) -> None:
    client.force_login(alice)
    run = run_of(project_of(alice), Status.RUNNING)
    answer = client.get(f"/test-history/{run.pk}/wait?timeout={timeout}")
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == "timeout"


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (Status.RUNNING, "", None),
        (Status.COMPLETED, Outcome.PASSED, 0),
        (Status.COMPLETED, Outcome.TARGETS_MISSED, 1),
        (Status.COMPLETED, Outcome.INVALID, 2),
        (Status.FAILED, Outcome.ERROR, 3),
        (Status.FAILED, Outcome.INVALID, 3),
        (Status.STOPPED, "", 4),
        (Status.TIMED_OUT, "", 4),
    ],
)
def test_the_exit_code_tells_the_verdict(status: Status, outcome: str, code: int | None) -> None:
    assert exit_code_of(TestHistory(status=status, outcome=outcome)) == code
