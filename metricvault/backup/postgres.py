"""PostgreSQL: each table by COPY, all seen at one moment. No program of PostgreSQL's own is needed."""

from collections.abc import Callable

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.sql import SQL, Identifier

from metricvault.backup.archive import Reader, Writer

_BLOCK = 256 * 1024
_MIGRATIONS = "django_migrations"  # kept by Django itself
_COLUMNS = """SELECT column_name FROM information_schema.columns
 WHERE table_schema = current_schema() AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position"""


def dump(writer: Writer, tables: list[str], left_empty: set[str]) -> None:
    """Every row as it is at this moment, whatever is written meanwhile; of `left_empty` none. In one transaction, which
    must not have begun."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for table in tables:
            columns = _columns(cursor, table)
            writer.manifest.tables[table] = columns
            writer.manifest.sequences += _sequences(cursor, table, columns)
            if table in left_empty:
                writer.manifest.rows[table] = 0
                continue
            with writer.member(f"tables/{table}") as member, cursor.copy(_copy(table, columns, "TO STDOUT")) as rows:
                for block in rows:
                    member.write(bytes(block))
            writer.manifest.rows[table] = cursor.rowcount


def restore(reader: Reader, tables: list[str], migrate_to: Callable[[list[tuple[str, str]]], None]) -> None:
    """Drops `tables`, makes them as they were by `migrate_to`, and fills them. In one transaction: all or nothing."""
    manifest = reader.manifest
    with connection.cursor() as cursor:
        for table in {*tables, *manifest.tables, _MIGRATIONS}:
            cursor.execute(SQL("DROP TABLE IF EXISTS {} CASCADE").format(Identifier(table)))
        migrate_to(manifest.migrations)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")  # migrations leave some that look at each row at once
        for table, columns in manifest.tables.items():
            cursor.execute(SQL("DELETE FROM {}").format(Identifier(table)))  # what migrations made
            if f"tables/{table}" not in manifest.members:
                continue
            with (
                reader.open(f"tables/{table}") as member,
                cursor.copy(_copy(table, columns, "FROM STDIN")) as rows,
            ):
                while block := member.read(_BLOCK):
                    rows.write(block)
        for table, column, value, given_out in manifest.sequences:
            where = (f'"{table}"', column, value, given_out)
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)", where)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a row that names one that is not there is found now


def others() -> int:
    """How many others are connected to this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def _columns(cursor: CursorWrapper, table: str) -> list[str]:
    cursor.execute(_COLUMNS, [table])
    return [str(name) for (name,) in cursor.fetchall()]


def _sequences(cursor: CursorWrapper, table: str, columns: list[str]) -> list[tuple[str, str, int, bool]]:
    """Numbers that were given out are never given out again, also those of rows that are gone."""
    found = []
    for column in columns:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{table}"', column])
        if sequence := cursor.fetchone()[0]:
            schema, name = (part.strip('"') for part in sequence.split("."))
            cursor.execute(SQL("SELECT last_value, is_called FROM {}").format(Identifier(schema, name)))
            value, given_out = cursor.fetchone()
            found.append((table, column, int(value), bool(given_out)))
    return found


def _copy(table: str, columns: list[str], way: str) -> SQL:
    names = SQL(", ").join(Identifier(name) for name in columns)
    return SQL("COPY {} ({}) " + way).format(Identifier(table), names)  # type: ignore[return-value]
