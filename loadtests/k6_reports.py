"""Keeps what k6's own web dashboard wrote with the result of its run."""

import logging
import zlib
from collections.abc import Mapping

from history.models import K6Report, TestHistory
from loadtests.k6.dashboard import shown_report

logger = logging.getLogger(__name__)


def keep_reports(run: TestHistory, reports: Mapping[str, str]) -> None:
    """Keeps the report of each load generator by its instance; again, it replaces them. Half a report is not kept."""
    for instance, report in reports.items():
        html = shown_report(report)
        if not html:
            logger.warning("run %s: the report of k6's dashboard of generator %s is not whole", run.pk, instance)
            continue
        packed = zlib.compress(html.encode())
        K6Report.objects.update_or_create(test_history=run, instance=instance, defaults={"packed": packed})
