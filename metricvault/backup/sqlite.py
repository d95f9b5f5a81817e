"""SQLite: the whole file by its own backup API, which is consistent while others write."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from django.db import connection

from metricvault.backup.archive import BadBackup, Reader, Writer

MEMBER = "metricvault.sqlite3"


def dump(writer: Writer, tables: list[str], left_empty: set[str], folder: Path) -> None:
    """Every row as it is at this moment; of `left_empty` none, not even in pages that are free. `folder` has room for a
    copy of the database."""
    copy = folder / MEMBER
    with closing(sqlite3.connect(copy)) as target:
        connection.ensure_connection()
        connection.connection.backup(target)
        for table in left_empty:
            target.execute(f'DELETE FROM "{table}"')  # noqa: S608  # nosec B608  # a table of ours
        target.commit()
        target.execute("PRAGMA journal_mode=DELETE")
        target.execute("VACUUM")
        for table in tables:
            writer.manifest.rows[table] = _count(target, table)
    with copy.open("rb") as source, writer.member(MEMBER) as member:
        shutil.copyfileobj(source, member, 1024 * 1024)


def restore(reader: Reader, migrate: Callable[[], None], folder: Path) -> None:
    """Puts the file's rows in place of all that is there, and brings them up to date; where that fails, all is put back
    as it was. `folder` has room for two copies. Raises `BadBackup`."""
    copy, before = folder / "restored.sqlite3", folder / "before.sqlite3"
    with copy.open("wb") as target, reader.open(MEMBER) as member:
        shutil.copyfileobj(member, target, 1024 * 1024)
    with closing(sqlite3.connect(copy)) as source:
        _check(source, reader.manifest.rows)
        with closing(sqlite3.connect(before)) as kept:
            connection.ensure_connection()
            connection.connection.backup(kept)
            try:
                source.backup(connection.connection)
                connection.close()
                migrate()
            except BaseException:
                connection.ensure_connection()
                kept.backup(connection.connection)
                raise
            finally:
                connection.close()


def _check(source: sqlite3.Connection, rows: dict[str, int]) -> None:
    try:
        sound = source.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        if sound and all(_count(source, table) == count for table, count in rows.items()):
            return
    except sqlite3.DatabaseError as error:
        raise BadBackup("This backup's database is no SQLite database.") from error
    raise BadBackup("This backup's database is damaged.")


def _count(source: sqlite3.Connection, table: str) -> int:
    return int(source.execute(f'SELECT count(*) FROM "{table.replace(chr(34), "")}"').fetchone()[0])  # noqa: S608  # nosec B608  # quotes are taken out
