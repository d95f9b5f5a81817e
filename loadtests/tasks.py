"""Celery tasks: each takes an id and calls one function. docs/architecture.md shows which calls which."""

import logging

from celery import Task, shared_task
from celery.signals import worker_ready
from django.utils import timezone
from kombu.exceptions import OperationalError

from history.states import Status
from loadtests import plan_audit, supervision, trying, watching
from metricvault.lib.heartbeat import note_sweep

logger = logging.getLogger(__name__)
_EXPIRES = 60


@shared_task(expires=600)
def launch_run(run_id: int) -> None:
    """Starts a queued run, then looks closely until its first numbers are in."""
    if supervision.launch(run_id, timezone.now()):
        watch_run.apply_async((run_id, 60), countdown=0.5, expires=_EXPIRES)


@shared_task
def watch_run(run_id: int, again: int = 0) -> None:
    """Looks after a run once; and `again` more times, a second apart, while k6 starts."""
    _watch(watch_run, run_id, again, {Status.STARTING})


@shared_task
def watch_end(run_id: int, again: int) -> None:
    """Looks after a run whose load is about to end, up to `again` more times."""
    _watch(watch_end, run_id, again, {Status.STARTING, Status.RUNNING})


def _watch(task: Task, run_id: int, again: int, while_in: set[Status]) -> None:
    status = supervision.watch(run_id, timezone.now())
    if status == Status.COLLECTING:
        collect_run.apply_async((run_id,), expires=_EXPIRES)
    elif again and status in while_in:
        task.apply_async((run_id, again - 1), countdown=1, expires=_EXPIRES)


@shared_task
def stop_run(run_id: int) -> None:
    """Ends the load of a run, then looks closely until it has ended."""
    supervision.stop(run_id)
    watch_end.apply_async((run_id, 15), countdown=0.5, expires=_EXPIRES)


@shared_task
def collect_run(run_id: int) -> None:
    """Makes the result, or comes back in a second where pushes are still missing."""
    if not supervision.collect(run_id, timezone.now()):
        collect_run.apply_async((run_id,), countdown=1, expires=_EXPIRES)


@shared_task(expires=trying.UNTAKEN.total_seconds())
def try_plan(try_id: int) -> None:
    """Sends one iteration of a plan; where that takes long, it is looked after again."""
    if not trying.run(try_id, timezone.now()):
        follow_try.apply_async((try_id,), countdown=1, expires=_EXPIRES)


@shared_task
def follow_try(try_id: int) -> None:
    """Looks after a try that takes long, so that no worker waits for it."""
    if not trying.follow(try_id, timezone.now()):
        follow_try.apply_async((try_id,), countdown=1, expires=_EXPIRES)


@shared_task
def tidy() -> None:
    """Forgets the jobs of runs and tries that are over; tells the audit what was changed of plans."""
    supervision.tidy(timezone.now())
    trying.tidy(timezone.now())
    plan_audit.close_old(timezone.now())


@shared_task
def sweep() -> None:
    """Picks up every active run, whatever message about it was lost."""
    note_sweep()
    for task, run_id in supervision.due(timezone.now()):
        globals()[task].apply_async((run_id,), expires=_EXPIRES)


@worker_ready.connect
def hear_the_cluster(**kwargs: object) -> None:
    """A worker hears of changes to pods as they happen. Whatever it misses, the sweep finds."""
    watching.start(watch_now)


def watch_now(run_id: int, wait: float) -> None:
    """A pod of the run changed: look in `wait` seconds."""
    try:
        watch_run.apply_async((run_id,), countdown=wait, expires=_EXPIRES)
    except (OperationalError, OSError):
        logger.warning("run %s: Redis is away; the sweep will find it", run_id)


def watch_soon(sender: object, run_id: int, **kwargs: object) -> None:
    """k6 made its closing push: it ends within moments."""
    try:
        watch_end.apply_async((run_id, 15), countdown=0.2, expires=_EXPIRES)
    except (OperationalError, OSError):
        logger.warning("run %s: Redis is away; the sweep will find it", run_id)
