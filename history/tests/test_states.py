"""The life of a run: allowed moves only, each once, and none after the end."""

import itertools

import pytest
from django.contrib.auth.models import User

from history.models import TestHistory
from history.states import ACTIVE, FINISHED, MOVES, Status, move
from projects.models import Project

pytestmark = pytest.mark.django_db


def run_in(status: Status, owner: User) -> TestHistory:
    project = Project.objects.create(title="Shop", owner=owner)
    return TestHistory.objects.create(title="Run", project=project, status=status, job_name="k6-state")


@pytest.mark.parametrize(("start", "end"), list(itertools.product(Status, Status)))
def test_only_the_moves_of_the_table_are_made(alice: User, start: Status, end: Status) -> None:
    run = run_in(start, alice)
    assert move(run, end) == (end in MOVES.get(start, ()))
    assert run.status == (end if end in MOVES.get(start, ()) else start)


def test_a_finished_run_never_revives() -> None:
    assert not FINISHED & set(MOVES)
    assert set(MOVES) == ACTIVE


def test_of_two_workers_one_makes_the_move(alice: User) -> None:
    run = run_in(Status.QUEUED, alice)
    same = TestHistory.objects.get(pk=run.pk)
    assert (move(run, Status.STARTING), move(same, Status.STARTING)) == (True, False)


def test_the_end_is_written_with_its_time(alice: User) -> None:
    run = run_in(Status.COLLECTING, alice)
    move(run, Status.COMPLETED)
    assert run.is_completed
    assert run.completed_at is not None
