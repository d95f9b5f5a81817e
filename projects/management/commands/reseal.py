"""`manage.py reseal`: after METRICVAULT_ENCRYPTION_KEY (or SECRET_KEY, where there is none) was replaced, and the one
before put into its _FALLBACKS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from projects.resealing import reseal


class Command(BaseCommand):
    help = "Seals every secret with the newest key, so that the older ones can be taken out of the settings."

    def handle(self, *args: Any, **options: Any) -> None:
        """Says how many, and fails where one cannot be read."""
        done = reseal()
        self.stdout.write(f"{done.count} sealed by the newest key.")
        if done.unreadable:
            names = ", ".join(done.unreadable)
            raise CommandError(f"Sealed by a key that is not in the settings any more, to be typed again: {names}.")
