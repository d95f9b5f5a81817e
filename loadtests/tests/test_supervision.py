"""Runs move on whatever happens to k6, to the worker or to the store. The runner here is a fake: it gives the answers
that a real k6 cannot be made to give at will; `tests/test_end_to_end.py` does the rest with the real one."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from history.live import feed
from history.metrics.stores import StoreError
from history.models import TestHistory
from history.states import Outcome, Status
from history.tests.recorded_history import recorded_rows
from loadtests import supervision
from loadtests.runners import LaunchSpec, Logs, Progress, RunnerError
from tests.recorded import recorded_run, recorded_steps

pytestmark = pytest.mark.django_db
RUNNING = Progress("running", None, 1, 1, 0, "")


class FakeRunner:
    """Says what it was told to say, and remembers what it was asked."""

    def __init__(self) -> None:
        self.progress = RUNNING
        self.output = recorded_run().output
        self.error: RunnerError | None = None
        self.launched: list[LaunchSpec] = []
        self.stopped: list[str] = []
        self.cleaned: list[str] = []

    def launch(self, spec: LaunchSpec) -> None:
        if self.error:
            raise self.error
        self.launched.append(spec)

    def poll(self, job_name: str) -> Progress:
        return self.progress

    def logs(self, job_name: str) -> Logs:
        return Logs(self.output, "level=info msg=hello")

    def stop(self, job_name: str) -> None:
        self.stopped.append(job_name)

    def cleanup(self, job_name: str) -> None:
        self.cleaned.append(job_name)

    def end(self, exit_code: int | None) -> None:
        self.progress = Progress("finished", exit_code, 1, 0, 0, "")


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, settings, tmp_path) -> FakeRunner:
    fake = FakeRunner()
    monkeypatch.setattr(supervision, "open_runner", lambda name="": fake)
    monkeypatch.setattr(supervision, "find_k6", lambda asked="": "")  # nor is there a k6 to look at scripts
    monkeypatch.setattr(feed, "publish", lambda message, readers: None)
    settings.K6_SCRIPT_FILE_FOLDER = tmp_path
    return fake


def collected(run: TestHistory) -> TestHistory:
    """Watches and collects until nothing is left to do."""
    now = timezone.now()
    supervision.watch(run.pk, now)
    for _attempt in range(5):
        if supervision.collect(run.pk, now):
            break
        now += timedelta(seconds=supervision._CLAIM.total_seconds() + 1)
    run.refresh_from_db()
    return run


def test_a_queued_run_is_launched_once(alice: User, runner: FakeRunner) -> None:
    run = recorded_rows(alice, Status.QUEUED)
    assert supervision.launch(run.pk, timezone.now())
    assert not supervision.launch(run.pk, timezone.now())
    assert [spec.job_name for spec in runner.launched] == [run.job_name]


def test_the_token_of_a_run_is_in_the_environment_only(alice: User, runner: FakeRunner) -> None:
    run = recorded_rows(alice, Status.QUEUED)
    supervision.launch(run.pk, timezone.now())
    spec = runner.launched[0]
    assert run.ingest_token in spec.environment.values()
    assert run.ingest_token not in " ".join(spec.arguments) + spec.script


@pytest.mark.parametrize(("permanent", "code"), [(True, "k6_missing"), (False, "launch_failed")])
def test_a_launch_that_fails_ends_the_run_in_words(alice: User, runner: FakeRunner, permanent: bool, code: str) -> None:
    run = recorded_rows(alice, Status.QUEUED, pushes=0)
    runner.error = RunnerError("k6 was not found.", permanent=permanent)
    supervision.launch(run.pk, timezone.now())
    run.refresh_from_db()
    assert (run.status, run.outcome) == (Status.FAILED, Outcome.ERROR)
    assert run.reasons[0]["code"] == code
    assert "k6 was not found." in run.message


@pytest.mark.parametrize(
    ("exit_code", "status", "code"),
    [
        (0, Status.COMPLETED, "p95_met"),
        (99, Status.COMPLETED, "p95_met"),
        (104, Status.FAILED, "script_error"),
        (107, Status.FAILED, "script_error"),
        (137, Status.FAILED, "k6_killed"),
        (None, Status.FAILED, "k6_vanished"),
        (42, Status.FAILED, "k6_failed"),
    ],
)
def test_each_exit_code_has_its_end(
    alice: User, runner: FakeRunner, exit_code: int | None, status: Status, code: str
) -> None:
    run = recorded_rows(alice, Status.RUNNING)
    runner.end(exit_code)
    collected(run)
    assert run.status == status
    assert run.reasons[0]["code"] == code
    assert run.total_requests == recorded_run().exact["requests"]
    assert run.log == "level=info msg=hello"


def test_failing_requests_are_kept_while_a_run_lasts_and_at_its_end(alice: User, runner: FakeRunner) -> None:
    run = recorded_rows(alice, Status.RUNNING, recorded=recorded_steps())
    tag = run.scenarios.all()[0].scenario_tag
    lines = [f'{{"scenario": "{tag}", "step": 1, "kind": "500", "t": {t}, "request": {{}}}}' for t in range(3)]
    runner.output = f"METRICVAULT-FAILED {lines[1]}\n"
    supervision.watch(run.pk, timezone.now())
    supervision.watch(run.pk, timezone.now())
    assert [row.t for row in run.failures.all()] == [1]
    runner.output = "".join(f"METRICVAULT-FAILED {one}\n" for one in lines) + recorded_steps().output
    runner.end(0)
    assert collected(run).status == Status.COMPLETED
    assert [row.t for row in run.failures.all()] == [0, 1, 2]


def test_a_run_that_was_asked_to_stop_keeps_what_was_measured(alice: User, runner: FakeRunner) -> None:
    run = recorded_rows(alice, Status.RUNNING)
    TestHistory.objects.filter(pk=run.pk).update(stop_requested_at=timezone.now(), stop_reason="user")
    supervision.watch(run.pk, timezone.now())
    assert runner.stopped == [run.job_name]
    runner.end(105)
    collected(run)
    assert (run.status, run.outcome) == (Status.STOPPED, "")
    assert run.total_requests == recorded_run().exact["requests"]


def test_a_run_that_takes_too_long_is_ended_and_keeps_its_result(alice: User, runner: FakeRunner, settings) -> None:
    run = recorded_rows(alice, Status.RUNNING)
    settings.SCHEDULER_JOB_TIMEOUT_HOURS = 1
    supervision.watch(run.pk, timezone.now() + timedelta(minutes=61))
    assert runner.stopped == [run.job_name]
    runner.end(105)
    collected(run)
    assert run.status == Status.TIMED_OUT
    assert run.total_requests == recorded_run().exact["requests"]


def test_collecting_waits_for_late_pushes_but_not_for_ever(alice: User, runner: FakeRunner, settings) -> None:
    run = recorded_rows(alice, Status.RUNNING, pushes=3)
    runner.end(0)
    now = timezone.now()
    supervision.watch(run.pk, now)
    assert not supervision.collect(run.pk, now)
    run.refresh_from_db()
    assert run.status == Status.COLLECTING
    assert supervision.collect(run.pk, now + timedelta(seconds=settings.SCHEDULER_METRICS_DELAY + 1))
    run.refresh_from_db()
    assert (run.status, run.outcome) == (Status.COMPLETED, Outcome.INVALID)


def test_of_two_workers_one_collects(alice: User, runner: FakeRunner) -> None:
    run = recorded_rows(alice, Status.COLLECTING)
    now = timezone.now()
    TestHistory.objects.filter(pk=run.pk).update(claimed_until=now + timedelta(seconds=30), collecting_since=now)
    assert not supervision.collect(run.pk, now)
    assert supervision.collect(run.pk, now + timedelta(seconds=31))


def test_a_store_that_fails_is_asked_again_and_then_given_up(
    alice: User, runner: FakeRunner, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(supervision, "record", broken)
    settings.SCHEDULER_MAX_RETRY = 3
    run = recorded_rows(alice, Status.RUNNING)
    runner.end(0)
    collected(run)
    assert run.attempts == 3
    assert run.status == Status.FAILED
    assert "the disk is gone" in run.message


def test_a_worker_that_died_before_launching_leaves_no_run_starting_for_ever(alice: User, runner: FakeRunner) -> None:
    run = recorded_rows(alice, Status.STARTING, pushes=0)
    runner.progress = replace(RUNNING, phase="absent")
    runner.output = ""
    assert supervision.watch(run.pk, timezone.now()) == Status.STARTING
    supervision.watch(run.pk, timezone.now() + timedelta(minutes=1))
    supervision.collect(run.pk, timezone.now() + timedelta(minutes=1))
    run.refresh_from_db()
    assert run.status == Status.FAILED


def test_the_sweep_finds_every_active_run(alice: User) -> None:
    runs = {status: recorded_rows(alice, status, pushes=0) for status in Status}
    found = {run_id: task for task, run_id in supervision.due(timezone.now())}
    assert found == {
        runs[Status.QUEUED].pk: "launch_run",
        runs[Status.STARTING].pk: "watch_run",
        runs[Status.RUNNING].pk: "watch_run",
        runs[Status.COLLECTING].pk: "collect_run",
    }


def test_a_completed_job_is_cleaned_up_only_if_asked(alice: User, runner: FakeRunner, settings) -> None:
    run = recorded_rows(alice, Status.RUNNING)
    runner.end(0)
    settings.AUTO_DELETE_COMPLETED_JOBS = True
    collected(run)
    assert runner.cleaned == [run.job_name]


def test_a_run_that_takes_long_is_said_so_once(
    alice: User, runner: FakeRunner, settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("loadtests"), "propagate", True)
    settings.SCHEDULER_JOB_WARNING_HOURS = 1
    run = recorded_rows(alice, Status.RUNNING)
    supervision.watch(run.pk, timezone.now() + timedelta(minutes=59))
    assert TestHistory.objects.get(pk=run.pk).warned_at is None
    for minutes in (61, 62):
        supervision.watch(run.pk, timezone.now() + timedelta(minutes=minutes))
    assert TestHistory.objects.get(pk=run.pk).warned_at is not None
    said = {id(record) for record in caplog.records if "has taken more than 1 h" in record.getMessage()}
    assert len(said) == 1


@pytest.mark.parametrize("status", [Status.QUEUED, Status.STARTING, Status.RUNNING, Status.COLLECTING])
def test_an_active_run_says_what_it_waits_for(alice: User, runner: FakeRunner, client, status: Status) -> None:
    run = recorded_rows(alice, status, pushes=0)
    client.force_login(alice)
    sentence = supervision.waits_for(run)
    assert sentence.endswith(".")
    (job,) = client.get("/scheduler/jobs").json()["items"]
    assert job["message"] == sentence
    assert sentence in client.get("/tests/active/", headers={"Accept": "text/html"}).content.decode()


def test_active_runs_of_strangers_are_not_shown(alice: User, charlie: User, runner: FakeRunner, client) -> None:
    recorded_rows(alice, Status.RUNNING, pushes=0)
    client.force_login(charlie)
    assert client.get("/scheduler/jobs").json()["items"] == []
    assert "Recorded run" not in client.get("/tests/active/", headers={"Accept": "text/html"}).content.decode()


def test_a_clock_that_jumps_ends_no_run(alice: User, runner: FakeRunner, settings) -> None:
    settings.SCHEDULER_JOB_TIMEOUT_HOURS = 4
    run = recorded_rows(alice, Status.RUNNING)
    TestHistory.objects.filter(pk=run.pk).update(live_second=30)
    assert supervision.watch(run.pk, timezone.now() + timedelta(hours=5)) == Status.RUNNING
    assert supervision.watch(run.pk, timezone.now() - timedelta(hours=5)) == Status.RUNNING
    assert runner.stopped == []
    supervision.watch(run.pk, timezone.now() + timedelta(hours=9))
    assert runner.stopped == [run.job_name]
