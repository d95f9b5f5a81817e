"""Moves runs on: launch, watch, stop, collect. Every step may be repeated and may be interrupted anywhere.

Who acts is decided by conditional UPDATEs, so that two workers never do the same step. Time comes in as `now`.
"""

import logging
import os
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_

from history.live import announce, finish
from history.metrics import summary as k6_summary
from history.metrics.stores import StoreError
from history.models import TestHistory
from history.publishing import show_verdict
from history.reasons import Reason, reason
from history.recording import Recorded, agreement, record
from history.states import ACTIVE, Outcome, Status, move
from history.verdict import TARGET
from loadtests import fleet, run_audit
from loadtests.failed_requests import keep_failures
from loadtests.k6.exit_codes import EXIT_CODES, PLANNED, UNKNOWN
from loadtests.k6_reports import keep_reports
from loadtests.load_spec import run_spec
from loadtests.runners import KUBERNETES, LaunchSpec, Progress, Runner, RunnerError, find_k6, open_runner
from loadtests.runners.inspection import ScriptRefused, inspect
from metricvault.lib.errors import ProductError

logger = logging.getLogger(__name__)
_CLAIM = timedelta(seconds=60)
_WHY_STOPPED = {
    "lost": N_("a load generator was lost"),
    "timeout": N_("it took longer than a run may take"),
}
_LAUNCHING = timedelta(seconds=30)  # within which the worker that took a run must have started its load


def launch(run_id: int, now: datetime) -> bool:
    """Starts the load of a queued run; True where this call did it (or failed it)."""
    run = TestHistory.objects.filter(pk=run_id).first()
    # The run's own time begins here: what it waited in the queue is no time of its pods.
    if run is None or not move(run, Status.STARTING, tested_at=now):
        return False
    announce(run)
    try:
        _keep_script(run)
        spec = run_spec(run)
        _inspect(spec)
        open_runner(run.runner).launch(spec)
    except RunnerError as error:
        missing = error.permanent and run.runner != KUBERNETES and not isinstance(error, ScriptRefused)
        code = "k6_missing" if missing else "launch_failed"
        _fail(run, reason(code, detail=error.detail))
    except ProductError as error:  # secrets or data that the plan was made with are gone
        _fail(run, reason("launch_failed", detail=str(error.message)))
    except OSError as error:
        _fail(run, reason("launch_failed", detail=error.strerror or type(error).__name__))
    return True


def _inspect(spec: LaunchSpec) -> None:
    """Whether k6 takes the script, before anything is sent. A worker of a cluster may have no k6 to ask."""
    k6 = find_k6(settings.METRICVAULT_K6_BINARY)
    if os.access(k6, os.X_OK):
        inspect(k6, spec.script, spec.files)


def _keep_script(run: TestHistory) -> None:
    folder = settings.K6_SCRIPT_FILE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / run.k6_script_file_name).write_text(run.script, encoding="utf-8")


def watch(run_id: int, now: datetime) -> str:
    """Looks after a run that starts or runs; answers its status afterwards ("" for an unknown one).

    Ends the load that was asked to stop or takes too long; begins collecting once k6 has ended.
    """
    run = TestHistory.objects.filter(pk=run_id).first()
    if run is None or run.status not in {Status.STARTING, Status.RUNNING}:
        return run.status if run else ""
    try:
        _watch(run, open_runner(run.runner), now)
    except RunnerError as error:
        logger.warning("run %s: %s", run.pk, error)
        fleet.note_error(run, error)
    return run.status


def _watch(run: TestHistory, runner: Runner, now: datetime) -> None:
    progress = runner.poll(run.job_name)
    if progress.phase == "absent" and now - run.tested_at < _LAUNCHING:
        return  # another worker is about to start it
    fleet.note(run, progress)
    if progress.phase in {"finished", "absent"}:
        begin_collecting(run, runner, progress, now)
        return
    if run.stop_requested_at is None and progress.lost:
        _ask_to_stop(run, now, "lost")
    if run.stop_requested_at is None and _takes_too_long(run, now):
        _ask_to_stop(run, now, "timeout")
    _warn(run, now)
    if run.stop_requested_at is not None:
        runner.stop(run.job_name)
    elif progress.phase == "ready":
        runner.begin(run.job_name)
    elif progress.phase == "waiting" and _never_ready(run, now):
        _give_up(run, runner, progress)
        return
    if progress.phase == "running":
        _keep_log(run, runner)


def _ask_to_stop(run: TestHistory, now: datetime, why: str) -> None:
    ask = TestHistory.objects.filter(pk=run.pk, stop_requested_at=None)
    if ask.update(stop_requested_at=now, stop_reason=why):
        words = _WHY_STOPPED[why]
        run_audit.record_stop(run.pk, _(words))
    run.refresh_from_db()


def _never_ready(run: TestHistory, now: datetime) -> bool:
    patience = timedelta(seconds=settings.METRICVAULT_POD_READY_SECONDS)
    return run.runner == KUBERNETES and now - run.tested_at > patience


def _give_up(run: TestHistory, runner: Runner, progress: Progress) -> None:
    """Not all generators came up in time: no load is sent by the others either."""
    runner.stop(run.job_name)
    why = progress.trouble
    event = str(why["params"].get("event", "")) if why else ""
    patience = settings.METRICVAULT_POD_READY_SECONDS
    params = {"ready": progress.ready, "wanted": progress.wanted, "seconds": patience, "why": why or "", "event": event}
    _fail(run, Reason(code="pods_not_ready", good=False, params=params))


def _takes_too_long(run: TestHistory, now: datetime) -> bool:
    """Over the longest time a run may take, by this machine's clock and by the seconds that k6 reported: a clock that
    jumps ends no run that has measured less than half of it, unless it jumps further than that time again."""
    longest = timedelta(hours=settings.SCHEDULER_JOB_TIMEOUT_HOURS)
    elapsed, measured = now - run.tested_at, timedelta(seconds=run.live_second)
    return elapsed > longest and (not measured or measured > longest / 2 or elapsed > 2 * longest)


def _warn(run: TestHistory, now: datetime) -> None:
    """Says once, in the log and on the run's page, that a run takes long."""
    hours = settings.SCHEDULER_JOB_WARNING_HOURS
    if run.warned_at is not None or now - run.tested_at <= timedelta(hours=hours):
        return
    if TestHistory.objects.filter(pk=run.pk, warned_at=None).update(warned_at=now):
        logger.warning("run %s has taken more than %g h", run.pk, hours)


def waits_for(run: TestHistory) -> str:
    """What an active run does or waits for, as a sentence; "" for one that is over."""
    sentences = {
        Status.QUEUED: _("Waits for a worker."),
        Status.STARTING: _("k6 is being started.") if run.runner != KUBERNETES else _pods_up(run),
        Status.RUNNING: _("Sends load."),
        Status.COLLECTING: _("Waits for the last numbers, %(seconds)s s at most.")
        % {"seconds": f"{settings.SCHEDULER_METRICS_DELAY:g}"},
    }
    if run.is_active and run.stop_requested_at is not None and run.status != Status.COLLECTING:
        return _("Was asked to stop and ends within 10 s.")
    return sentences.get(Status(run.status), "")


def _pods_up(run: TestHistory) -> str:
    ready = sum(row["phase"] in ("ready", "running") for row in run.generators)
    wanted = run.plan_snapshot.get("generators", 1)
    return _("%(ready)s of %(wanted)s pods are ready.") % {"ready": ready, "wanted": wanted}


def _keep_log(run: TestHistory, runner: Runner) -> None:
    """So that the page shows it while the run lasts, and what failed so far."""
    logs = runner.logs(run.job_name)
    if logs.log != run.log:
        TestHistory.objects.filter(pk=run.pk).update(log=logs.log)
    keep_failures(run, logs)


def begin_collecting(run: TestHistory, runner: Runner, progress: Progress, now: datetime) -> None:
    """k6 has ended: keeps its log and exit code and lets the collecting begin."""
    logs = runner.logs(run.job_name)
    keep_reports(run, logs.reports)
    keep_failures(run, logs)
    columns = {"exit_code": progress.exit_code, "log": logs.log, "summary": k6_summary.find(logs.output)}
    if move(run, Status.COLLECTING, collecting_since=now, **columns):
        announce(run)


def collect(run_id: int, now: datetime) -> bool:
    """Makes the result of a run whose load has ended; True once nothing is left to do.

    Waits for pushes still on their way, `SCHEDULER_METRICS_DELAY` seconds at most, unless the stored count agrees
    with k6's summary already. A store that fails is asked again `SCHEDULER_MAX_RETRY` times.
    """
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    mine = TestHistory.objects.filter(free, pk=run_id, status=Status.COLLECTING)
    if not mine.update(claimed_until=now + _CLAIM):
        return not TestHistory.objects.filter(pk=run_id, status=Status.COLLECTING).exists()
    run = TestHistory.objects.get(pk=run_id)
    waited = now - (run.collecting_since or now)
    try:
        if waited < timedelta(seconds=settings.SCHEDULER_METRICS_DELAY) and _worth_waiting(run):
            TestHistory.objects.filter(pk=run_id).update(claimed_until=None)
            return False
        recorded = record(run, run.summary or [])
    except StoreError as error:
        return _try_again_or_fail(run, error)
    _end(run, recorded)
    _clean_up(run)
    return True


def _worth_waiting(run: TestHistory) -> bool:
    """Without the summary of each generator nothing tells whether a push is still missing; a k6 that is gone sends
    none."""
    summaries = run.summary or []
    all_said = len(summaries) >= int(run.plan_snapshot.get("generators", 1))
    return run.exit_code in {0, 99, 103, 105} and (all_said or not summaries) and not agreement(run, summaries)


def _clean_up(run: TestHistory) -> None:
    """A job that did its work is forgotten. On a cluster one that did not is left for those who look after it."""
    if not settings.AUTO_DELETE_COMPLETED_JOBS or (run.runner == KUBERNETES and run.status == Status.FAILED):
        return
    try:
        open_runner(run.runner).cleanup(run.job_name)
    except RunnerError as error:
        logger.warning("run %s: its job is not deleted yet: %s", run.pk, error)


def tidy(now: datetime) -> int:
    """Forgets the jobs of runs that are over: what a dead worker left, and failed ones after
    METRICVAULT_KEEP_FAILED_HOURS. Jobs of other copies, whose names no run here has, stay. Answers how many."""
    runner = open_runner()
    try:
        names = _over(runner.jobs(), now)
        for name in names:
            runner.cleanup(name)
    except RunnerError as error:
        logger.warning("jobs of runs that are over stay for now: %s", error)
        return 0
    return len(names)


def _over(names: list[str], now: datetime) -> list[str]:
    if not settings.AUTO_DELETE_COMPLETED_JOBS:
        return []
    kept_since = now - timedelta(hours=settings.METRICVAULT_KEEP_FAILED_HOURS)
    over = TestHistory.objects.filter(job_name__in=names, runner=settings.METRICVAULT_RUNNER, is_completed=True)
    if settings.METRICVAULT_RUNNER == KUBERNETES:
        over = over.exclude(status=Status.FAILED, completed_at__gte=kept_since)
    return list(over.values_list("job_name", flat=True))


def _end(run: TestHistory, recorded: Recorded) -> None:
    status, outcome, reasons = _conclusion(run, recorded)
    finish(run)
    if move(run, status, outcome=outcome, reasons=reasons, claimed_until=None, trouble=None):
        logger.info("run %s: %s, %s", run.pk, status, outcome or "no verdict")
        announce(run)
        show_verdict(run)


def _conclusion(run: TestHistory, recorded: Recorded) -> tuple[Status, str, list[Reason]]:
    lost = fleet.loss(run)
    if lost is not None:
        outcome = Outcome.INVALID if recorded.stored_requests else Outcome.ERROR
        return Status.FAILED, outcome, [lost, *(recorded.reasons if recorded.stored_requests else [])]
    if run.stop_requested_at is not None and run.exit_code != 0 and run.stop_reason != TARGET:
        if run.stop_reason == "timeout":
            ended = reason("timed_out", hours=settings.SCHEDULER_JOB_TIMEOUT_HOURS)
            return Status.TIMED_OUT, "", [ended, *recorded.reasons]
        ended = reason("stopped", seconds=round(run.test_duration or 0, 1))
        return Status.STOPPED, "", [ended, *recorded.reasons]
    # To be ended for a missed target is what the plan asked for.
    end = PLANNED if run.stop_reason == TARGET else EXIT_CODES.get(run.exit_code, UNKNOWN)
    if end.finished and recorded.outcome != Outcome.ERROR and (doubts := fleet.doubts(run)):
        return Status.COMPLETED, Outcome.INVALID, [*doubts, *recorded.reasons]
    if end.finished:
        return Status.COMPLETED, recorded.outcome, recorded.reasons
    failure = reason(end.reason, exit_code=run.exit_code if run.exit_code is not None else "-")
    rest = recorded.reasons if recorded.stored_requests else []
    return Status.FAILED, Outcome.ERROR, [failure, *rest]


def _try_again_or_fail(run: TestHistory, error: StoreError) -> bool:
    attempts = run.attempts + 1
    TestHistory.objects.filter(pk=run.pk).update(attempts=attempts, claimed_until=None)
    if attempts < settings.SCHEDULER_MAX_RETRY and not error.permanent:
        return False
    _fail(run, reason("store_failed", detail=str(error)))
    return True


def _fail(run: TestHistory, why: Reason) -> None:
    logger.warning("run %s failed: %s %s", run.pk, why["code"], why["params"])
    if move(run, Status.FAILED, outcome=Outcome.ERROR, reasons=[why], claimed_until=None, trouble=None):
        announce(run)


def stop(run_id: int) -> None:
    """Ends the load of a run that was asked to stop."""
    run = TestHistory.objects.filter(pk=run_id, status__in=[Status.STARTING, Status.RUNNING]).first()
    if run is None:
        return
    try:
        open_runner(run.runner).stop(run.job_name)
    except RunnerError as error:
        logger.warning("run %s: could not be told to stop yet: %s", run.pk, error)


def due(now: datetime) -> Iterable[tuple[str, int]]:
    """(task, run id) for every active run: what a message that got lost would have done."""
    steps = {
        Status.QUEUED: "launch_run",
        Status.STARTING: "watch_run",
        Status.RUNNING: "watch_run",
        Status.COLLECTING: "collect_run",
    }
    for run_id, status in TestHistory.objects.filter(status__in=ACTIVE).values_list("pk", "status"):
        yield steps[Status(status)], run_id
