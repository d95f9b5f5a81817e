"""From what was asked for to a run that waits for a worker; and the wish to stop one."""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from history.baselines import endpoint_set
from history.labelling import keep_labels
from history.live import announce
from history.models import ScenarioHistory, StageHistory, StepHistory, TestHistory
from history.reasons import reason
from history.states import FINISHED, Status, move
from history.verdict import TARGET
from loadtests import crowding, plan_audit, planning, run_audit
from loadtests.k6.plan import StepPlan, to_json
from loadtests.k6.script import build_script
from loadtests.models import Plan
from metricvault.lib.errors import Conflict
from projects import audit

logger = logging.getLogger(__name__)


def start(payload: dict[str, Any], user: User, plan: Plan | None = None) -> TestHistory:
    """Queues a run of `payload` (the body of `POST /load-testing`) and answers its row.

    Raises `Refused` with every problem found, `TooLarge`, `Missing`, `NotAllowed` or `TooMany`; nothing is left behind
    then.
    """
    asked = planning.read(payload)
    with run_audit.refusals_noted(plan):
        built = planning.build(asked, user, plan)
    if plan is not None:
        plan_audit.close(plan)  # what was changed stands before what it was changed for
    return queue(built, user, plan, asked.description or "", asked.labels, asked.release or "")


def queue(
    built: planning.BuiltPlan,
    user: User,
    plan: Plan | None = None,
    description: str = "",
    labels: Sequence[str] = (),
    release: str = "",
    again: TestHistory | None = None,
) -> TestHistory:
    """Queues a run of what was built, by value. `again`: the run that it repeats. Raises `TooMany` where enough runs
    are under way."""
    job_name = f"k6-{secrets.token_hex(8)}"
    targets = built.plan.targets
    with run_audit.refusals_noted(plan, built.project), transaction.atomic():
        crowding.require_room(built.plan, built.project, user, timezone.now())
        run = TestHistory.objects.create(
            title=built.plan.title,
            description=description,
            target_tps=targets.tps,
            response_time_target=targets.response_time,
            response_time_percentile=targets.response_time_percentile,
            error_rate_target=targets.error_rate,
            project=built.project,
            plan=plan,
            asked=built.asked,
            job_name=job_name,
            k6_script_file_name=f"{job_name}.js",
            runner=settings.METRICVAULT_RUNNER,
            started_by=user,
            release=release,
            endpoint_set=endpoint_set(step.request.name for one in built.plan.scenarios for step in one.steps),
        )
        run_plan = replace(built.plan, run=str(run.pk))
        run.plan_snapshot = to_json(run_plan)
        run.script = build_script(run_plan)
        run.save(update_fields=["plan_snapshot", "script"])
        _keep_scenarios(run, built)
        keep_labels(run, labels)
        run_audit.record_start(run, built, labels, again)
        transaction.on_commit(lambda: _send("launch_run", run.pk))
    return run


def _keep_scenarios(run: TestHistory, built: planning.BuiltPlan) -> None:
    pairs = zip(built.plan.scenarios, built.endpoints, strict=True)
    for position, (scenario, endpoints) in enumerate(pairs):
        row = ScenarioHistory.objects.create(
            test_history=run,
            position=position,
            name=scenario.name,
            scenario_tag=scenario.tag,
            endpoint=endpoints[0],
            request_name=scenario.steps[0].request.name if len(scenario.steps) == 1 else scenario.name,
            think_time=scenario.think_time,
            executor=scenario.executor,
            response_time_target=scenario.response_time_target,
            response_time_percentile=scenario.response_time_percentile,
            error_rate_target=scenario.error_rate_target,
            tps_target=scenario.tps_target,
        )
        StageHistory.objects.bulk_create(
            StageHistory(scenario=row, position=at, duration=stage.duration, target=stage.target)
            for at, stage in enumerate(scenario.stages)
        )
        StepHistory.objects.bulk_create(
            StepHistory(
                scenario=row,
                position=at,
                name=step.name,
                request_name=step.request.name,
                endpoint=endpoint,
                checks=_checks(step),
            )
            for at, (step, endpoint) in enumerate(zip(scenario.steps, endpoints, strict=True))
        )


def _checks(step: StepPlan) -> list[dict[str, str]]:
    """The checks and extractions of a step, before anything is known of them."""
    checks = [{"key": f"c{at}", "kind": one.kind, "text": one.text} for at, one in enumerate(step.checks, 1)]
    taken = [
        {"key": f"x{at}", "kind": "extract", "text": f"{one.name} = {one.expression}"}
        for at, one in enumerate(step.extracts, 1)
    ]
    return checks + taken


def request_stop(run: TestHistory) -> None:
    """Asks for the end of a run; raises `Conflict` where it is over already. A second wish changes nothing."""
    if run.status in FINISHED:
        raise Conflict(_("This run is over; there is nothing to stop."))
    stopped = [reason("stopped_in_queue")]
    if run.status == Status.QUEUED and move(run, Status.STOPPED, reasons=stopped):
        audit.record(audit.Action.STOPPED, run, detail=_("before it began"))
        announce(run)
        return
    waiting = TestHistory.objects.filter(pk=run.pk, stop_requested_at=None)
    if waiting.update(stop_requested_at=timezone.now(), stop_reason="user"):
        audit.record(audit.Action.STOPPED, run)
    _send("stop_run", run.pk)


def end_for_target(sender: object, run_id: int, **kwargs: object) -> None:
    """Asks for the end of a run that missed a target for as long as its plan allows."""
    active = TestHistory.objects.filter(pk=run_id, status__in=[Status.STARTING, Status.RUNNING], stop_requested_at=None)
    if active.update(stop_requested_at=timezone.now(), stop_reason=TARGET):
        with audit.by_product():  # whose push it was that told of it, says nothing
            run_audit.record_stop(run_id, _("a target was missed for as long as its plan allows"))
        _send("stop_run", run_id)


def _send(task: str, run_id: int) -> None:
    """Hands the run to a worker. Where Redis is away, the sweep does it later."""
    from loadtests import tasks

    try:
        getattr(tasks, task).delay(run_id)
    except (OperationalError, OSError) as problem:
        logger.warning("run %s: %s could not be sent (%s); the sweep will find it", run_id, task, problem)
