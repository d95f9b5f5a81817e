"""`manage.py prepare_store [--wait SECONDS]`: makes the database and retention policies of the metric store."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from history.metrics.stores import StoreError, open_store


class Command(BaseCommand):
    help = "Makes what the metric store needs: InfluxDB's database and retention policies. Once more changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How long to wait for the server."""
        parser.add_argument("--wait", type=float, default=0, help="seconds to wait for the server to come up")

    def handle(self, *args: Any, wait: float, **options: Any) -> None:
        """Tries until it works, the time is over, or trying again is of no use."""
        end = time.monotonic() + wait
        while True:
            try:
                open_store().prepare()
                break
            except StoreError as error:
                if error.permanent or time.monotonic() >= end:
                    raise CommandError(str(error)) from error
                time.sleep(0.5)
        self.stdout.write("The metric store is ready.")
