"""The recorded run as rows of the database, for tests of what comes after the measuring."""

from django.contrib.auth.models import User

from history.metrics.remote_write import decode
from history.metrics.stores import open_store
from history.models import TestHistory
from history.replay import create_run
from history.states import Status
from projects.models import Project
from tests.recorded import recorded_run


def recorded_rows(owner: User, status: Status = Status.COLLECTING, pushes: int | None = None) -> TestHistory:
    """A run of `owner` with the recorded plan, and the first `pushes` of the recorded pushes in the store."""
    project = Project.objects.create(title="Demo shop", owner=owner)
    run = create_run(recorded_run().plan, project, status)
    bodies = recorded_run().pushes[:pushes]
    open_store().write(run.pk, [snapshot for body in bodies if (snapshot := decode(body))])
    return run
