"""`manage.py publish_runs [ID …]`: shows finished runs in InfluxDB again, for Grafana."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from history.metrics.stores import open_store
from history.models import TestHistory
from history.publishing import show_result
from history.states import FINISHED


class Command(BaseCommand):
    help = (
        "Shows the results of finished runs in InfluxDB, where Grafana finds them; those named, or all that it keeps."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which runs."""
        parser.add_argument("runs", nargs="*", type=int, metavar="ID", help="numbers of runs; all if left out")

    def handle(self, *args: Any, runs: list[int], **options: Any) -> None:
        """One after another; ends at the first that fails."""
        if not open_store().outside:
            raise CommandError("METRICVAULT_METRICS_STORE is not influxdb, so there is nowhere to show runs.")
        found = TestHistory.objects.filter(status__in=FINISHED, timelines__isnull=False, deleted_at=None).distinct()
        found = found.filter(pk__in=runs) if runs else found
        if settings.METRICVAULT_SECOND_DAYS:  # InfluxDB refuses what it would have forgotten already
            found = found.filter(tested_at__gt=timezone.now() - timedelta(days=settings.METRICVAULT_SECOND_DAYS))
        shown = 0
        for run in found.select_related("project").order_by("pk").iterator(chunk_size=20):
            if not show_result(run):
                raise CommandError(f"Run {run.pk} could not be shown; {shown} were.")
            shown += 1
        self.stdout.write(f"{shown} runs are shown.")
