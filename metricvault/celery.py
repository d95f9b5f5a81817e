"""The Celery application: `celery -A metricvault worker`; for beat, which needs less of it, `metricvault.beat`."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from inspect import signature
from pathlib import Path

from celery import Celery, Task
from celery.signals import heartbeat_sent, task_postrun, task_prerun

from metricvault.lib.telemetry import about

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")
# Celery would make Django's checks and drop what they find, a second of each start; `migrate` has made them before.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("metricvault")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_about: dict[str, AbstractContextManager[None]] = {}  # what the log lines of a task name, by the task's id


@task_prerun.connect
def name_run(task: Task, task_id: str = "", args: Sequence[object] = (), **kwargs: object) -> None:
    """Log lines of a task name its run, which tasks about one take first, as `run_id`."""
    if args and next(iter(signature(task.run).parameters), "") == "run_id":
        _about[task_id] = about(run=args[0])
        _about[task_id].__enter__()


@task_postrun.connect
def forget_run(task_id: str = "", **kwargs: object) -> None:
    """The next task of this process may be about another run."""
    if context := _about.pop(task_id, None):
        context.__exit__(None, None, None)


@heartbeat_sent.connect
def show_life(**kwargs: object) -> None:
    """Touches the file that METRICVAULT_HEARTBEAT names, every 2 s while the worker has its broker: a container's
    health check looks at it, for a fraction of what `celery inspect ping` costs beside a load test."""
    if path := os.environ.get("METRICVAULT_HEARTBEAT"):
        Path(path).touch()
