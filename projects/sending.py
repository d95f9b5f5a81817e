"""Hands work to a worker by the name of its task. Where Redis is away, `tasks.tend` finds the work later."""

import logging

from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def send(task: str, key: int) -> bool:
    """Sends `projects.tasks.<task>(key)`; False where it could not be sent."""
    from projects import tasks

    try:
        getattr(tasks, task).delay(key=key)  # by name: celery.py takes a first argument for a run
    except (OperationalError, OSError) as problem:
        logger.warning("document work %s %s could not be sent (%s); it is found later", task, key, problem)
        return False
    return True
