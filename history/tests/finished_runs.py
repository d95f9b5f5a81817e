"""Recorded runs, recorded to the end: what the tests of files and of import look at."""

from django.contrib.auth.models import User

from history.models import FailedRequest, TestHistory
from history.recording import record
from history.states import Status, move
from history.tests.recorded_history import recorded_rows
from tests.recorded import RecordedRun, recorded_steps


def finished(owner: User, recorded: RecordedRun | None = None, **columns: object) -> TestHistory:
    """A recorded run of `owner` with its result; `columns` are changed afterwards."""
    recorded = recorded or recorded_steps()
    run = recorded_rows(owner, recorded=recorded)
    result = record(run, recorded.summaries)
    assert move(run, Status.COMPLETED, outcome=result.outcome, reasons=result.reasons)
    if columns:
        TestHistory.objects.filter(pk=run.pk).update(**columns)
    run.refresh_from_db()
    return run


def add_failure(run: TestHistory, **columns: object) -> FailedRequest:
    """A failing request of the run's first step."""
    step = run.scenarios.get(position=0).steps.first()
    about = {"kind": "500", "t": 2.5, "error": "", "checks": []}
    about["request"] = {"method": "GET", "url": "http://shop.example.com/", "headers": {"Accept": "*/*"}, "body": ""}
    about["response"] = {"status": 500, "status_text": "500", "headers": {}, "body": "broken"}
    return FailedRequest.objects.create(test_history=run, step=step, **{**about, **columns})
