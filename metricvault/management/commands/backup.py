"""`manage.py backup FILE`: all that cannot be made again, in one file; `-` writes it to standard output."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from metricvault.backup import BadBackup, Manifest, make_backup
from projects import audit


class Command(BaseCommand):
    help = "Writes all that cannot be made again into one file, also while the product runs. Keys are not in it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument("file", help="a new file, readable by its owner only; - for standard output")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        """Says on standard error what is in it and what is not."""
        try:
            manifest = self._to_output() if file == "-" else self._to_file(Path(file))
        except BadBackup as problem:
            raise CommandError(str(problem)) from None
        except OSError as error:
            raise CommandError(f"{file} could not be written ({error.strerror}).") from None
        rows = sum(manifest.rows.values())
        audit.record(audit.Action.EXPORTED, detail=f"backup: {rows} rows")  # whoever has it has all that it holds
        self.stderr.write(
            f"{rows} rows of {len(manifest.rows)} tables. Not in it: the keys, without which nobody reads its secrets; "
            "settings; sessions, so everybody logs in again; what InfluxDB keeps."
        )

    def _to_output(self) -> Manifest:
        if sys.stdout.isatty():
            raise CommandError("A backup is no text. Send it into a file: manage.py backup - > FILE")
        return make_backup(sys.stdout.buffer)

    def _to_file(self, path: Path) -> Manifest:
        if path.exists():
            raise CommandError(f"{path} is there already.")
        part = path.with_name(f"{path.name}.part")
        try:
            with open(part, "xb", opener=_private) as target:
                manifest = make_backup(target)
                _keep(target)
            part.rename(path)
        except FileExistsError:
            raise CommandError(f"{part} is there: another backup runs, or one was cut short.") from None
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return manifest


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _keep(target: IO[bytes]) -> None:
    target.flush()
    os.fsync(target.fileno())
