"""The store for one machine: a table of the product's own database, one row a push."""

from collections.abc import Iterator

from django.db import DatabaseError, connection

from history.metrics.remote_write import Snapshot, to_bytes
from history.metrics.stores.base import Published, StoreError
from history.metrics.stores.unpacked import unpacked
from history.models import MetricSnapshot

# Said in SQL, because both are asked with every push.
_SINCE = "SELECT id, payload FROM metric_snapshot WHERE test_history_id = %s AND id > %s ORDER BY id"
_INSERT = "INSERT INTO metric_snapshot (test_history_id, moment, payload) VALUES (%s, %s, %s)"
# PostgreSQL gives out ids before it commits: without turns a reader could see a row and, later, one with a smaller id,
# which it takes for one that it has read. So the writers of a run take turns; a turn ends with its transaction, which
# is the statement. SQLite has one writer.
_INSERT_IN_TURN = (
    "INSERT INTO metric_snapshot (test_history_id, moment, payload) "
    "SELECT %s, %s, %s FROM (SELECT pg_advisory_xact_lock(%s)) AS turn"
)
_TURNS = 0x4D56 << 48  # our range of PostgreSQL's advisory locks, apart from anybody else's


class DatabaseStore:
    """Snapshots as compressed rows of `metric_snapshot`; the row's id is the cursor."""

    outside = False

    def write(self, run_id: int, snapshots: list[Snapshot]) -> None:
        """One INSERT a snapshot: there is seldom more than one."""
        packed = [(one, to_bytes(one)) for one in snapshots]
        try:
            with connection.cursor() as cursor:
                for one, payload in packed:
                    values: list[int | float | bytes] = [run_id, one.moment, payload]
                    if connection.vendor == "postgresql":
                        cursor.execute(_INSERT_IN_TURN, [*values, _TURNS | run_id])
                    else:
                        cursor.execute(_INSERT, values)
        except DatabaseError as error:
            raise StoreError(f"The database did not take the snapshot: {error}") from error
        unpacked.remember(packed)

    def read(self, run_id: int, since: int = 0) -> Iterator[tuple[int, Snapshot]]:
        """By moment, or by arrival after the row `since`."""
        try:
            if since:
                with connection.cursor() as cursor:
                    cursor.execute(_SINCE, [run_id, since])
                    yield from [(pk, unpacked.of(bytes(payload))) for pk, payload in cursor.fetchall()]
                return
            rows = MetricSnapshot.objects.filter(test_history_id=run_id).order_by("moment", "id")
            for pk, payload in rows.values_list("id", "payload").iterator(chunk_size=500):
                yield pk, unpacked.of(bytes(payload))
        except DatabaseError as error:
            raise StoreError(f"The database did not give the snapshots: {error}") from error

    def delete(self, run_id: int) -> None:
        """One DELETE."""
        try:
            MetricSnapshot.objects.filter(test_history_id=run_id).delete()
        except DatabaseError as error:
            raise StoreError(f"The database did not delete the snapshots: {error}") from error

    def check(self) -> None:
        """One cheap query."""
        try:
            MetricSnapshot.objects.order_by("id").values("id").first()
        except DatabaseError as error:
            raise StoreError(f"The database does not answer: {error}") from error

    def prepare(self) -> None:
        """Migrations made the table."""

    def publish(self, shown: Published) -> None:
        """Nobody else reads this store."""

    def unpublish(self, run_id: int) -> None:
        """Nothing was published."""
