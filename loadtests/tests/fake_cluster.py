"""A cluster of two pods that says what it was told to say, and runs of two generators. A fake; the real one is in
tests/cluster."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from history.live import feed
from history.metrics.remote_write import decode
from history.metrics.stores import open_store
from history.models import TestHistory
from history.states import Status
from history.tests.recorded_history import recorded_rows
from loadtests import supervision
from loadtests.runners import Generator, Progress, RunnerError
from loadtests.tests.test_supervision import FakeRunner
from tests.recorded import recorded_run


class FakeCluster(FakeRunner):
    """Two pods, `k6-0` and `k6-1`; `away` is raised by whatever is asked while it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.away: RunnerError | None = None
        self.begun: list[str] = []
        self.names: list[str] = []
        self.pods("waiting")

    def pods(self, *phases: str, **changed: Any) -> None:
        """All in one phase, or one phase each; `changed` are fields of the second."""
        first, second = phases if len(phases) == 2 else phases * 2
        found = (
            Generator("0", "k6-0", first, cpu_limit=1.0),
            replace(Generator("1", "k6-1", second, cpu_limit=1.0), **changed),
        )
        ready = sum(one.phase in ("ready", "running") for one in found)
        failed = sum(one.phase == "lost" for one in found)
        ended = all(one.phase in ("finished", "lost") for one in found)
        phase = "finished" if ended else "running" if "running" in phases or failed else min(phases, key=_age)
        trouble = next((one.trouble for one in found if one.trouble), None)
        self.progress = Progress(phase, 0 if ended else None, 2, ready, failed, "", trouble, found)

    def ended(self, code: int | None, **changed: Any) -> None:
        self.pods("finished", **{"exit_code": code, **changed})
        self.progress = replace(self.progress, exit_code=code)

    def poll(self, job_name: str) -> Progress:
        self._reached()
        return self.progress

    def begin(self, job_name: str) -> None:
        self._reached()
        self.begun.append(job_name)
        self.pods("running")

    def stop(self, job_name: str) -> None:
        self._reached()
        super().stop(job_name)

    def cleanup(self, job_name: str) -> None:
        self._reached()
        super().cleanup(job_name)

    def jobs(self) -> list[str]:
        self._reached()
        return self.names

    def _reached(self) -> None:
        if self.away:
            raise self.away


def _age(phase: str) -> int:
    return ("waiting", "ready", "running", "finished").index(phase)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, settings, tmp_path) -> FakeCluster:
    fake = FakeCluster()
    monkeypatch.setattr(supervision, "open_runner", lambda name="": fake)
    monkeypatch.setattr(supervision, "find_k6", lambda asked="": "")  # nor is there a k6 to look at scripts
    monkeypatch.setattr(feed, "publish", lambda message, readers: None)
    settings.K6_SCRIPT_FILE_FOLDER = tmp_path
    settings.METRICVAULT_RUNNER = "kubernetes"
    settings.METRICVAULT_POD_READY_SECONDS = 60
    fake.output = recorded_run().output * 2
    return fake


def run_on(owner: User, status: Status = Status.STARTING, **columns: Any) -> TestHistory:
    """A run of two generators, each of which pushed what was recorded."""
    run = recorded_rows(owner, status, pushes=0)
    plan = {**run.plan_snapshot, "generators": 2}
    TestHistory.objects.filter(pk=run.pk).update(runner="kubernetes", plan_snapshot=plan, **columns)
    run.refresh_from_db()
    snapshots = [one for body in recorded_run().pushes if (one := decode(body))]
    for instance in ("0", "1"):
        open_store().write(run.pk, [replace(one, instance=instance) for one in snapshots])
    return run


def watched(run: TestHistory, seconds: float = 0, since: datetime | None = None) -> TestHistory:
    """The run after a look, `seconds` after it was started."""
    supervision.watch(run.pk, (since or run.tested_at) + timedelta(seconds=seconds))
    run.refresh_from_db()
    return run


def collected(run: TestHistory) -> TestHistory:
    """Watched, then collected to the end."""
    now = timezone.now()
    supervision.watch(run.pk, now)
    for attempt in range(3):
        if supervision.collect(run.pk, now + timedelta(seconds=100 * attempt)):
            break
    run.refresh_from_db()
    return run
