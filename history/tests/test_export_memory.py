"""A file of any length takes little memory: what is held at any moment is counted. `bench/exports.py` measures it."""

import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history.exports import document
from history.exports.tables import Timeline
from history.models import ScenarioHistory, TestHistory, TimelineHistory
from history.states import Outcome, Status
from history.tests.sample_runs import project_of, run_of
from metricvault.lib import cells
from metricvault.lib.downloads import IN_MEMORY, PIECE, Download, spooled

SCENARIOS, SECONDS = 6, 50


@pytest.fixture
def run(alice: User) -> TestHistory:
    """A run with a timeline of its own and one for each of its scenarios."""
    run = run_of(project_of(alice), Status.COMPLETED, Outcome.PASSED)
    columns = {"t": list(range(SECONDS)), "requests": [1] * SECONDS}
    TimelineHistory.objects.create(test_history=run, columns=columns)
    for number in range(SCENARIOS):
        row = ScenarioHistory.objects.create(test_history=run, position=number + 1, name="x", scenario_tag=f"s{number}")
        TimelineHistory.objects.create(test_history=run, scenario=row, columns=columns)
    return run


def test_no_more_than_some_rows_of_a_table_are_held() -> None:
    made = 0

    def rows() -> Iterator[list[Any]]:
        nonlocal made
        for made in range(1, 5001):
            yield [made, "text", 1.5]

    sent = 0
    for piece in cells.written(["a", "b", "c"], rows()):
        sent += piece.count(b"\r\n")
        assert made - sent < 500
    assert sent == 5001  # with the head


@pytest.mark.django_db
def test_one_timeline_is_in_memory_at_a_time(run: TestHistory) -> None:
    with CaptureQueriesContext(connection) as queries:
        for number, _row in enumerate(Timeline(run).rows()):
            assert len(queries) == 1 + 1 + number // SECONDS  # their list, and one for each that was begun
    assert len(queries) == 1 + 1 + SCENARIOS


@pytest.mark.django_db
def test_the_document_is_made_a_timeline_at_a_time(run: TestHistory) -> None:
    with CaptureQueriesContext(connection) as queries:
        pieces = document.pieces(run)
        begun = [len(queries) for piece in pieces if b'"scenario_tag"' in piece and b'"columns"' in piece]
    assert len(begun) == 1 + SCENARIOS
    assert begun == list(range(begun[0], begun[0] + len(begun)))


def test_what_is_long_lies_on_disk() -> None:
    short, long = (spooled([b"x" * size]) for size in (10, IN_MEMORY + 1))
    assert not short._rolled  # type: ignore[attr-defined]
    assert long._rolled  # type: ignore[attr-defined]
    short.close()
    long.close()


def test_what_fails_while_it_is_made_leaves_no_file_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    make = tempfile.SpooledTemporaryFile
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda **words: opened.append(make(**words)) or opened[-1])

    def broken() -> Iterator[bytes]:
        yield b"x"
        raise ValueError

    with pytest.raises(ValueError):
        spooled(broken())
    assert opened[0].closed


def test_an_answer_is_sent_a_piece_at_a_time_under_asgi_too() -> None:
    """Django's own way would take all of a plain iterator first."""
    file = spooled([b"x" * PIECE for _ in range(20)])
    answer = Download(file, "a.csv", "text/csv")
    assert answer.headers["Content-Length"] == str(20 * PIECE)

    async def read() -> int:
        number = 0
        async for piece in answer:
            number += 1
            assert len(piece) == PIECE
            assert file.tell() <= (number + 1) * PIECE
        return number

    assert async_to_sync(read)() == 20
    for close in answer._resource_closers:  # type: ignore[attr-defined]
        close()
    assert file.closed
