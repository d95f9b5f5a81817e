"""Takes the failing requests that k6 tells of into the result, without secrets."""

import logging

from history import failures
from history.models import TestHistory
from loadtests.k6.masking import Masker
from loadtests.k6.plan_json import from_json
from loadtests.runners import Logs
from metricvault.lib.errors import ProductError
from projects.environments import secret_values
from projects.models import Environment

logger = logging.getLogger(__name__)


def keep_failures(run: TestHistory, logs: Logs) -> None:
    """May be called as often as there are logs. Where secrets cannot be read any more, k6's own masks have to do."""
    found = failures.read(logs.output)
    if not found:
        return
    new = failures.keep(run, found, Masker(_secrets(run)))
    if new:
        logger.info("run %s: %s failing requests are kept", run.pk, new)


def _secrets(run: TestHistory) -> list[str]:
    plan = from_json(run.plan_snapshot)
    environment = Environment.objects.filter(pk=plan.environment).first() if plan.environment else None
    try:
        return list(secret_values(environment).values()) if environment else []
    except ProductError as error:
        logger.warning("run %s: the secrets of its environment cannot be read: %s", run.pk, error.message)
        return []
