"""`manage.py restore FILE [--replace]`: puts a backup back; `-` reads it from standard input."""

import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from metricvault.backup import BadBackup, Manifest, NotRestored, restore_backup
from metricvault.backup.making import working_folder
from metricvault.backup.restoring import unreadable_secrets
from projects import audit


class Command(BaseCommand):
    help = "Puts a backup back, all of it or nothing, while nothing of the product runs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """From where, and over what."""
        parser.add_argument("file", help="a file that `manage.py backup` made; - for standard input")
        parser.add_argument("--replace", action="store_true", help="give up all that this installation has")

    def handle(self, *args: Any, file: str, replace: bool, **options: Any) -> None:
        """Says what came back, and whether its secrets can be read here."""
        try:
            manifest = self._from_input(replace) if file == "-" else restore_backup(Path(file), replace=replace)
        except (BadBackup, NotRestored) as problem:
            raise CommandError(str(problem)) from None
        except OSError as error:
            raise CommandError(f"{file} could not be read ({error.strerror}).") from None
        rows = sum(manifest.rows.values())
        audit.record(audit.Action.RESTORED, detail=f"backup: {rows} rows, made {manifest.made_at}")
        self.stdout.write(f"Restored: {rows} rows, made {manifest.made_at} by version {manifest.version}.")
        if unreadable_secrets(manifest):
            self.stdout.write(
                f"The key {manifest.key}, which sealed its secrets, is not among the keys here. Put that "
                "installation's key into METRICVAULT_ENCRYPTION_KEY_FALLBACKS and run `manage.py reseal`, or type the "
                "secrets again."
            )

    def _from_input(self, replace: bool) -> Manifest:
        with working_folder() as folder:
            path = Path(folder) / "backup"
            with path.open("wb") as target:
                shutil.copyfileobj(sys.stdin.buffer, target, 1024 * 1024)
            return restore_backup(path, replace=replace)
