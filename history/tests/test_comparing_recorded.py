"""A recorded real run compared with itself: every step is found with its seconds, and nothing differs."""

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import DjangoAssertNumQueries

from history import blocks, comparing_blocks
from history.comparing import compare
from history.comparing_blocks import of_steps
from history.comparing_seconds import of_runs
from history.models import StepHistory, TestHistory
from history.recording import record
from history.states import Outcome, Status, move
from history.tests.recorded_history import recorded_rows
from history.tracks import place
from tests.recorded import recorded_steps


def recorded(owner: User) -> TestHistory:
    run = recorded_rows(owner, recorded=recorded_steps())
    record(run, recorded_steps().summaries)
    move(run, Status.COMPLETED, outcome=Outcome.PASSED)
    return run


@pytest.fixture
def run(alice: User) -> TestHistory:
    return recorded(alice)


def of_several(run: TestHistory) -> list[tuple[tuple[str, str], StepHistory]]:
    """The steps of scenarios with several, by their places."""
    rows = StepHistory.objects.filter(scenario__test_history=run).select_related("scenario")
    several = [row for row in rows if row.scenario.steps.count() > 1]
    assert several
    return [(place(row.scenario, row, several=True), row) for row in several]


def test_the_seconds_of_a_step_hold_its_requests(run: TestHistory) -> None:
    found = of_steps([run])
    for where, step in of_several(run):
        columns = found[run.pk, where].columns
        assert sum(columns["requests"]) == step.total_requests
        assert sum(columns["failures"]) == step.failed_requests


def test_so_do_the_minutes_of_a_long_run(run: TestHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing_blocks, "FINE", 1)
    found = of_steps([run])
    for where, step in of_several(run):
        seconds = found[run.pk, where]
        assert seconds.step == blocks.LENGTH
        assert sum(seconds.columns["requests"]) == step.total_requests


def test_the_seconds_of_the_run_hold_its_requests(run: TestHistory) -> None:
    seconds = of_runs([run])
    assert sum(seconds[run.pk, None].columns["requests"]) == run.total_requests
    assert {key[1] for key in seconds} == {None, *run.scenarios.values_list("pk", flat=True)}


def test_a_run_does_not_differ_from_itself(run: TestHistory, alice: User) -> None:
    found = compare([run, recorded(alice)])
    for row in (found.total, *found.rows):
        base, other = row.parts
        assert base
        assert other
        assert base.numbers == other.numbers
        assert {change.mark for change in other.changes.values()} <= {"noise", "few"}
        assert {change.difference for change in other.changes.values()} == {0.0}


def test_it_asks_the_database_as_often_for_five_runs_as_for_two(
    run: TestHistory, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    runs = [run, *(recorded(alice) for _ in range(4))]
    for some in (runs[:2], runs):
        with django_assert_num_queries(6):  # seconds of short and of long runs, scenarios, steps, minutes (2)
            compare(some)
