"""What is active, since when, and what it waits for: for `GET /scheduler/jobs` and its page alike."""

from dataclasses import dataclass
from datetime import datetime

from history.models import TestHistory
from loadtests.runners import RunnerError, open_runner
from loadtests.supervision import waits_for


@dataclass(frozen=True, slots=True)
class Job:
    """An active run as its runner sees it. `elapsed` in seconds; `message` is a sentence."""

    run: TestHistory
    wanted: int
    ready: int
    failed: int
    elapsed: float
    message: str


def look(run: TestHistory, now: datetime) -> Job:
    """Asks the runner; one that does not answer is told as it says."""
    wanted, ready, failed, message = int(run.plan_snapshot.get("generators", 1)), 0, 0, ""
    try:
        progress = open_runner(run.runner).poll(run.job_name)
        if progress.phase != "absent":
            wanted, ready, failed, message = progress.wanted, progress.ready, progress.failed, progress.message
    except RunnerError as error:
        message = str(error)
    elapsed = round((now - run.tested_at).total_seconds(), 1)
    troubled = run.troubled["message"] if run.troubled else ""
    return Job(run, wanted, ready, failed, elapsed, troubled or message or waits_for(run))
