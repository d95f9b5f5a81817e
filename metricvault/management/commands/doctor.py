"""`manage.py doctor`: tries every part and says what to do about each failure."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from metricvault.doctor import examine


class Command(BaseCommand):
    help = "Tries every part the product stands on and says what to do about each that fails."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints a line a part; exit code 1 where one fails."""
        ill = 0
        for finding in examine():
            mark = "FAILED" if finding.cure else "ok"
            self.stdout.write(f"{mark:<7} {finding.part:<14} {finding.found}")
            if finding.cure:
                ill += 1
                self.stdout.write(f"{'':<22} → {finding.cure}")
        self.stdout.write("Everything works." if not ill else f"{ill} parts need attention.")
        if ill:
            sys.exit(1)
