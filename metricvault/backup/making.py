"""Makes a backup."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from metricvault import __version__
from metricvault.backup import postgres, sqlite
from metricvault.backup.archive import BadBackup, Manifest, Writer
from projects.sealing import key_prints

# Whoever was logged out since must not be logged in again by a restore.
LOGINS = {"django_session", "login_session"}


def make_backup(target: IO[bytes]) -> Manifest:
    """Writes one to `target`, while the product runs or not. Raises `BadBackup` where tables are not up to date."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise BadBackup(
            "The database is of an older version than this program. Make the backup with the version it belongs to, or "
            "run `manage.py migrate` first."
        )
    done = sorted(executor.loader.applied_migrations)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(__version__, connection.vendor, now, done, key_prints()[0])
    writer = Writer(target, manifest)
    tables = own_tables()
    if connection.vendor == "postgresql":
        with transaction.atomic():
            postgres.dump(writer, tables, LOGINS)
    else:
        with working_folder() as folder:
            sqlite.dump(writer, tables, LOGINS & set(tables), Path(folder))
    writer.close()
    return manifest


def own_tables() -> list[str]:
    """The tables of the product and of what it stands on."""
    return sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed})


def working_folder() -> "tempfile.TemporaryDirectory[str]":
    """Beside the data, where there is room: a container's /tmp is memory."""
    folder = Path(settings.METRICVAULT_DATA_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return tempfile.TemporaryDirectory(dir=folder, prefix="backup-")
