"""Tries a plan once: one iteration of each scenario, through the same script and the same runner as a run.

    start ──► launch ──► follow (until k6 has ended, for a minute at most) ──► passed or failed

`Try.state` is moved by conditional UPDATEs alone, so that no two workers do the same. Time comes in as `now`.
"""

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from history.reasons import Reason, reason
from loadtests import planning, run_audit, tried
from loadtests.k6.exit_codes import EXIT_CODES, UNKNOWN
from loadtests.k6.plan import RunPlan, to_json
from loadtests.k6.plan_json import from_json
from loadtests.k6.script import build_script
from loadtests.k6.steps_seen import read_output
from loadtests.k6.try_command import try_command
from loadtests.load_spec import data_of
from loadtests.models import GeneratorSettings, Plan, Try
from loadtests.runners import KUBERNETES, LaunchSpec, Progress, Runner, RunnerError, open_runner
from loadtests.secrets import environment_of
from metricvault.lib.errors import ProductError, TooMany
from projects.environments import secret_values
from projects.models import Environment

logger = logging.getLogger(__name__)
ACTIVE = (Try.State.WAITING, Try.State.RUNNING)
UNTAKEN = timedelta(seconds=15)  # within which a worker must have taken a try
PATIENCE = timedelta(seconds=60)  # from the wish to the end
_LOST = timedelta(seconds=90)  # after which nobody looks after a try any more
_AT_ONCE = 4.0  # seconds that a worker stays with a try; after that it only looks in now and then
_LOOK, _LOOK_AT_CLUSTER = 0.05, 0.3
_KEPT = 5  # tries of one plan, and as many times as that of a project without a plan
_MOST_ACTIVE = 5  # of one person
_LONGEST_LOG = 64 * 1024
_STAYS = 120.0  # seconds after which the cluster itself ends the Job of a try


def start(payload: dict[str, Any], user: User, plan: Plan | None = None) -> Try:
    """Hands one iteration of `payload` (the body of `POST /load-testing`) to a worker and answers its row; where the
    same is being tried already, that one's.

    Raises `Refused` with every problem found, `TooLarge`, `Missing`, `NotAllowed`, or `TooMany`.
    """
    asked = planning.read(payload)
    with run_audit.refusals_noted(plan):
        built = planning.build(asked, user)
    run_plan = replace(built.plan, run="", generators=1, k6_dashboard=False)
    mark = fingerprint(run_plan)
    active = Try.objects.filter(created_by=user, state__in=ACTIVE, created_at__gt=timezone.now() - _LOST)
    same = active.filter(plan=plan, fingerprint=mark).first() if plan else None
    if same is not None and look(same, timezone.now()).state in ACTIVE:
        return same
    if active.count() >= _MOST_ACTIVE:
        raise TooMany(_("%(count)s tries of yours are under way. Wait for one to end.") % {"count": _MOST_ACTIVE})
    with transaction.atomic():
        row = Try.objects.create(
            project=built.project,
            plan=plan,
            created_by=user,
            fingerprint=mark,
            plan_snapshot=to_json(run_plan),
            result=tried.blank(run_plan, _keys(plan)),
        )
        _forget_old(row)
        run_audit.record_try(row, run_plan)
        transaction.on_commit(lambda: _send(row))
    return row


def fingerprint(plan: RunPlan) -> str:
    """The hash of all that makes the requests of a plan, and of nothing else: neither load nor targets."""
    kept = {
        "steps": [[scenario.load.batch, *(asdict(step) for step in scenario.steps)] for scenario in plan.scenarios],
        "options": asdict(plan.options),
        "tables": [asdict(one) for one in plan.tables],
        "tokens": [asdict(one) for one in plan.tokens],
        "secrets": [asdict(one) for one in plan.secrets],
        "environment": plan.environment,
    }
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _keys(plan: Plan | None) -> Sequence[Sequence[int]]:
    return [[step.pk for step in one.steps.all()] for one in plan.scenarios.all()] if plan else ()


def _forget_old(row: Try) -> None:
    """The last few are kept, of each plan and of what was never saved."""
    same = Try.objects.filter(project=row.project_id, plan=row.plan_id).exclude(state__in=ACTIVE)
    kept = _KEPT if row.plan_id else _KEPT * _KEPT
    Try.objects.filter(pk__in=list(same.order_by("-pk").values_list("pk", flat=True)[kept - 1 :])).delete()


def _send(row: Try) -> None:
    from loadtests import tasks

    try:
        tasks.try_plan.delay(row.pk)
    except (OperationalError, OSError) as problem:
        logger.warning("try %s could not be sent: %s", row.pk, problem)
        _end(row.pk, Try.State.WAITING, _no_worker())


def look(row: Try, now: datetime) -> Try:
    """The try as it is now: one that nobody took, or that everybody has left, has failed."""
    if row.state == Try.State.WAITING and now - row.created_at > UNTAKEN:
        _end(row.pk, Try.State.WAITING, _no_worker())
    elif row.state == Try.State.RUNNING and now - row.created_at > _LOST:
        _end(row.pk, Try.State.RUNNING, reason("try_lost"))
    else:
        return row
    row.refresh_from_db()
    return row


def _no_worker() -> Reason:
    return reason("try_no_worker", seconds=round(UNTAKEN.total_seconds()))


def run(try_id: int, now: datetime) -> bool:
    """Takes a try that waits, starts k6 and follows it; True once nothing is left to do."""
    if not Try.objects.filter(pk=try_id, state=Try.State.WAITING).update(state=Try.State.RUNNING):
        return True
    row = Try.objects.get(pk=try_id)
    try:
        known = frozenset(_secrets(from_json(row.plan_snapshot)).values())
        open_runner().launch(_launch_spec(row))
    except RunnerError as error:
        missing = error.permanent and settings.METRICVAULT_RUNNER != KUBERNETES
        _end(try_id, Try.State.RUNNING, reason("k6_missing" if missing else "launch_failed", detail=error.detail))
        return True
    except ProductError as error:  # secrets or data that the plan was made with are gone
        _end(try_id, Try.State.RUNNING, reason("launch_failed", detail=str(error.message)))
        return True
    return follow(try_id, now, known)


def _launch_spec(row: Try) -> LaunchSpec:
    plan = from_json(row.plan_snapshot)
    at_once = tuple(replace(scenario, think_time=0.0) for scenario in plan.scenarios)  # nobody waits for a try
    arguments, environment = try_command(plan, pod=settings.METRICVAULT_RUNNER == KUBERNETES)
    return LaunchSpec(
        job_name(row),
        "try.js",
        build_script(replace(plan, scenarios=at_once), trying=True),
        arguments,
        {**environment, **environment_of(plan)},
        run=f"try-{row.pk}",
        longest=_STAYS,
        placement=GeneratorSettings.placement_of(row.project_id),
        files=data_of(plan),
    )


def _secrets(plan: RunPlan) -> dict[str, str]:
    """Every secret of the plan's environment by its reference, those that it does not use, too. Raises `Conflict` where
    they cannot be read."""
    environment_of(plan)
    environment = Environment.objects.filter(pk=plan.environment).first() if plan.environment else None
    return secret_values(environment) if environment else {}


def job_name(row: Try) -> str:
    """The same for whoever asks, and no other copy's, whose first try has the same number."""
    mark = hashlib.sha256(f"{row.created_at.isoformat()} {row.fingerprint}".encode()).hexdigest()
    return f"try-{row.pk}-{mark[:12]}"


def follow(try_id: int, now: datetime, known: frozenset[str] = frozenset()) -> bool:
    """Looks after a try for some seconds; True once it is over. `known`: secrets as they were when k6 was started."""
    row = Try.objects.filter(pk=try_id, state=Try.State.RUNNING).first()
    if row is None:
        return True
    runner, began = open_runner(), time.monotonic()
    pause = _LOOK_AT_CLUSTER if settings.METRICVAULT_RUNNER == KUBERNETES else _LOOK
    while True:
        spent = time.monotonic() - began
        late = now + timedelta(seconds=spent) - row.created_at > PATIENCE
        try:
            progress = runner.poll(job_name(row))
            if progress.phase == "ready":
                runner.begin(job_name(row))
            if late or progress.phase in ("finished", "absent"):
                _conclude(row, runner, progress, known)
                return True
        except RunnerError as error:
            if late or error.permanent:
                _end(try_id, Try.State.RUNNING, reason("launch_failed", detail=error.detail))
                _clean_up(row, runner)
                return True
        if spent > _AT_ONCE:
            return False
        time.sleep(pause)


def _conclude(row: Try, runner: Runner, progress: Progress, known: frozenset[str]) -> None:
    plan = from_json(row.plan_snapshot)
    logs = runner.logs(job_name(row))
    try:
        seen = read_output(f"{logs.output}\n{logs.log}", known | set(_secrets(plan).values()))
    except ProductError as error:  # nothing is shown of which nobody knows what would have to be hidden
        _end(row.pk, Try.State.RUNNING, reason("launch_failed", detail=str(error.message)))
    else:
        rows = tried.filled(row.result, plan, seen.steps, over=True)
        why = tried.first_problem(rows) or (None if tried.well(rows) else _unfinished(progress))
        _end(row.pk, Try.State.RUNNING, why, result=rows, log=seen.log[-_LONGEST_LOG:])
    _clean_up(row, runner)


def _unfinished(progress: Progress) -> Reason:
    """Why not every step was sent, where no step says it."""
    if progress.trouble is not None:
        return progress.trouble
    if progress.phase not in ("finished", "absent"):
        return reason("try_too_long", seconds=round(PATIENCE.total_seconds()))
    end = EXIT_CODES.get(progress.exit_code, UNKNOWN)
    if end.finished:
        return reason("try_not_all_sent")
    if end.reason == "script_error":
        return reason("script_error")
    return reason("try_ended", exit_code="-" if progress.exit_code is None else progress.exit_code)


def _end(try_id: int, state: str, why: Reason | None, **columns: Any) -> None:
    """From `state` to passed, or to failed with the reason."""
    after = Try.State.FAILED if why else Try.State.PASSED
    if Try.objects.filter(pk=try_id, state=state).update(state=after, message=why, **columns):
        logger.info("try %s: %s %s", try_id, after, why["code"] if why else "")


def _clean_up(row: Try, runner: Runner) -> None:
    try:
        runner.cleanup(job_name(row))
    except RunnerError as error:
        logger.warning("try %s: its job is not deleted yet: %s", row.pk, error)


def steps(row: Try) -> list[tried.Row]:
    """The steps as they are shown: what still waits when all is over was not sent."""
    over = row.state not in ACTIVE
    return [{**one, "state": tried.NOT_SENT} if over and one["state"] == tried.WAITING else one for one in row.result]


def tidy(now: datetime) -> None:
    """Ends the tries that everybody has left, and what may still run of them."""
    for row in Try.objects.filter(state__in=ACTIVE, created_at__lt=now - _LOST):
        look(row, now)
        try:
            _clean_up(row, open_runner())
        except RunnerError as error:
            logger.warning("try %s: %s", row.pk, error)


def last(plan: Plan) -> Try | None:
    """The newest try of a plan that is over; its state says how."""
    return Try.objects.filter(plan=plan).exclude(state__in=ACTIVE).defer("result", "log", "plan_snapshot").first()
