"""Puts a backup back, or refuses to."""

import os
import sqlite3
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from metricvault.backup import postgres, sqlite
from metricvault.backup.archive import Manifest, Reader
from metricvault.backup.making import own_tables, working_folder
from metricvault.supervise.place import CannotStart, locked, read_place
from projects.sealing import key_prints

_SHOWS_USE = ("auth_user", "project", "test_history", "audit_entry")
_NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


class NotRestored(Exception):
    """Nothing was changed: a sentence that says why, and what to do."""


def restore_backup(path: Path, *, replace: bool) -> Manifest:
    """All or nothing. `replace`: also over an installation that is in use. Raises `BadBackup` and `NotRestored`."""
    with closing(Reader(path)) as reader:
        manifest = reader.manifest
        _check_origin(manifest)
        _check_nothing_runs()
        try:
            with locked(read_place({**os.environ, "METRICVAULT_DATA_DIR": str(settings.METRICVAULT_DATA_DIR)})):
                if not replace and (used := _in_use()):
                    raise NotRestored(
                        f"This installation is in use: {used}. With --replace all of it is given up for the backup."
                    )
                _restore(reader)
        except CannotStart as problem:
            raise NotRestored(str(problem)) from None
        except (DatabaseError, sqlite3.Error, psycopg.Error) as error:
            said = str(error).partition("\n")[0]
            raise NotRestored(f"The database refused it, and nothing was changed: {said}") from error
        return manifest


def unreadable_secrets(manifest: Manifest) -> bool:
    """Whether the key that sealed most of its secrets is not among the keys of this installation."""
    return manifest.key not in key_prints()


def _restore(reader: Reader) -> None:
    if connection.vendor == "postgresql":
        with transaction.atomic():
            postgres.restore(reader, own_tables(), _migrate_to)
            _migrate()
    else:
        with working_folder() as folder:
            sqlite.restore(reader, _migrate, Path(folder))
    ContentType.objects.clear_cache()


def _migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0, skip_checks=True)


def _migrate_to(migrations: list[tuple[str, str]]) -> None:
    """Makes tables as these migrations make them, in a database that has none."""
    executor = MigrationExecutor(connection)
    nodes, asked = executor.loader.graph.node_map, set(migrations)
    executor.migrate([one for one in migrations if not {child.key for child in nodes[one].children} & asked])


def _check_origin(manifest: Manifest) -> None:
    if manifest.engine != connection.vendor:
        made, here = (_NAMES.get(name, name) for name in (manifest.engine, connection.vendor))
        raise NotRestored(f"This backup was made on {made}, and this installation keeps its data in {here}.")
    known = MigrationLoader(None).disk_migrations or {}
    newer = [f"{app}.{name}" for app, name in manifest.migrations if (app, name) not in known]
    if newer:
        raise NotRestored(
            f"This backup was made by version {manifest.version}, which is newer than this program: it does not know "
            f"{', '.join(newer[:3])}. Install that version first."
        )


def _check_nothing_runs() -> None:
    """Pages, workers and pushes of a product that runs would write between the restored rows."""
    found = []
    if connection.vendor == "postgresql" and (count := postgres.others()):
        found.append(f"{count} connections of others to the database")
    if _web_answers():
        found.append(f"a web process at {settings.METRICVAULT_INGEST_URL}")
    if count := _workers():
        found.append(f"{count} workers")
    if found:
        raise NotRestored(f"The product is running: {', '.join(found)}. Stop web, worker and beat first.")


def _web_answers() -> bool:
    parts = urlsplit(settings.METRICVAULT_INGEST_URL)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with suppress(OSError, HTTPException), closing(kind(parts.netloc, timeout=2)) as asked:
        asked.request("GET", f"{parts.path.rstrip('/')}/healthz")
        return asked.getresponse().status == 200
    return False


def _workers() -> int:
    """How many answer; 0 where Redis is away, and with it every way to ask."""
    from metricvault.celery import app

    if not settings.REDIS_URL:
        return 0
    with suppress(Exception):
        return len(app.control.ping(timeout=1.0) or ())
    return 0


def _in_use() -> str:
    """What is there, in words; "" for an installation that nobody has used."""
    there = set(connection.introspection.table_names())
    found = []
    with connection.cursor() as cursor:
        for table in _SHOWS_USE:
            if table in there:
                cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  # nosec B608  # a table of ours
                count = cursor.fetchone()[0]
                found += [f"{count} rows in {table}"] if count else []
    return ", ".join(found)
