"""A recorded run can be played without k6, and ends as it was recorded."""

import itertools

import pytest
from django.contrib.auth.models import User

from history import replay
from history.live import LiveMessage, feed
from history.replay import create_run, play, read_recording
from history.states import Outcome, Status
from projects.models import Project
from tests.recorded import FILE, recorded_run

pytestmark = pytest.mark.django_db


def test_it_plays_every_second_and_keeps_the_result(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[LiveMessage] = []
    monkeypatch.setattr(feed, "publish", lambda message, readers: sent.append(message))
    monkeypatch.setattr(replay, "at_their_pace", lambda snapshots: iter(snapshots))
    recording = read_recording(FILE)
    run = create_run(recording["plan"], Project.objects.create(title="Shop", owner=alice), Status.STARTING)
    play(run, recording)
    run.refresh_from_db()
    assert (run.status, run.outcome) == (Status.COMPLETED, Outcome.PASSED)
    assert run.total_requests == recorded_run().exact["requests"]
    assert sum(message["requests"] for message in sent) == run.total_requests


def test_the_pace_is_that_of_the_recording() -> None:
    snapshots = read_recording(FILE)["snapshots"]
    waits: list[float] = []
    shifted = list(replay.at_their_pace(snapshots, waits.append))
    assert len(waits) == len(snapshots)
    steps = [later.moment - earlier.moment for earlier, later in itertools.pairwise(shifted)]
    recorded = [later.moment - earlier.moment for earlier, later in itertools.pairwise(snapshots)]
    assert steps == pytest.approx(recorded)
