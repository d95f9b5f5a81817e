"""The recorded run as rows of the database, for tests of what comes after the measuring."""

from django.contrib.auth.models import User

from history.metrics.remote_write import decode
from history.metrics.stores import open_store
from history.models import ScenarioHistory, StageHistory, TestHistory
from history.states import Status
from projects.models import Project
from tests.recorded import recorded_run


def recorded_rows(owner: User, status: Status = Status.COLLECTING, pushes: int | None = None) -> TestHistory:
    """A run of `owner` with the recorded plan, and the first `pushes` of the recorded pushes in the store."""
    project = Project.objects.create(title="Demo shop", owner=owner)
    plan = recorded_run().plan
    run = TestHistory.objects.create(
        title=plan["title"], project=project, status=status, plan_snapshot=plan, job_name="k6-recorded", exit_code=0
    )
    for position, asked in enumerate(plan["scenarios"]):
        row = ScenarioHistory.objects.create(
            test_history=run,
            position=position,
            name=asked["name"],
            scenario_tag=asked["tag"],
            executor=asked["executor"],
            think_time=asked["think_time"],
            request_name=asked["request"]["name"],
            response_time_target=asked["response_time_target"],
            error_rate_target=asked["error_rate_target"],
        )
        StageHistory.objects.bulk_create(
            StageHistory(scenario=row, position=at, **stage) for at, stage in enumerate(asked["stages"])
        )
    bodies = recorded_run().pushes[:pushes]
    open_store().write(run.pk, [snapshot for body in bodies if (snapshot := decode(body))])
    return run
