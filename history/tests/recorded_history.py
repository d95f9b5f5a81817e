"""The recorded run as rows of the database, for tests of what comes after the measuring."""

import functools
from typing import Any

from django.contrib.auth.models import User

from history.metrics.remote_write import Snapshot, decode
from history.metrics.stores import open_store
from history.models import TestHistory
from history.replay import create_run
from history.states import Status
from projects.models import Project
from tests.recorded import RecordedRun, recorded_run


def recorded_rows(
    owner: User,
    status: Status = Status.COLLECTING,
    pushes: int | None = None,
    recorded: RecordedRun | None = None,
    plan: dict[str, Any] | None = None,
) -> TestHistory:
    """A run of `owner` with the recorded plan (or `plan`); the first `pushes` of the recorded ones are in the store."""
    recorded = recorded or recorded_run()
    project = Project.objects.create(title="Demo shop", owner=owner)
    run = create_run(plan or recorded.plan, project, status)
    open_store().write(run.pk, [snapshot for body in recorded.pushes[:pushes] if (snapshot := _decoded(body))])
    return run


@functools.cache
def _decoded(body: bytes) -> Snapshot | None:
    """Many tests write the same pushes."""
    return decode(body)
