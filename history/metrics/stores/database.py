"""The store for one machine: a table of the product's own database, one row a push."""

import threading
from collections import OrderedDict
from collections.abc import Iterator

from django.db import DatabaseError, connection, transaction

from history.metrics.remote_write import Snapshot, from_bytes, to_bytes
from history.metrics.stores.base import StoreError
from history.models import MetricSnapshot

_TURNS = 0x4D56 << 48  # our range of PostgreSQL's advisory locks, apart from anybody else's
_KEPT = 300  # snapshots a process remembers: it reads most of what it wrote a moment later, for the live pages


class DatabaseStore:
    """Snapshots as compressed rows of `metric_snapshot`; the row's id is the cursor."""

    def write(self, run_id: int, snapshots: list[Snapshot]) -> None:
        """One INSERT."""
        packed = [(one, to_bytes(one)) for one in snapshots]
        rows = [MetricSnapshot(test_history_id=run_id, moment=one.moment, payload=payload) for one, payload in packed]
        try:
            with transaction.atomic():
                _take_turn(run_id)
                MetricSnapshot.objects.bulk_create(rows)
        except DatabaseError as error:
            raise StoreError(f"The database did not take the snapshot: {error}") from error
        _unpacked.remember(packed)

    def read(self, run_id: int, since: int = 0) -> Iterator[tuple[int, Snapshot]]:
        """By moment, or by arrival after the row `since`."""
        rows = MetricSnapshot.objects.filter(test_history_id=run_id, id__gt=since)
        rows = rows.order_by("id") if since else rows.order_by("moment", "id")
        try:
            for pk, payload in rows.values_list("id", "payload").iterator(chunk_size=500):
                yield pk, _unpacked.of(bytes(payload))
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


def _take_turn(run_id: int) -> None:
    """PostgreSQL gives out ids before it commits: without turns a reader could see a row and, later, one with a
    smaller id, which it takes for one that it has read. The turn ends with the transaction. SQLite has one writer."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURNS | run_id])


class _Unpacked:
    """The snapshots that this process has just written, by their packed form: unpacking is most of what reading costs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, Snapshot] = OrderedDict()

    def remember(self, packed: list[tuple[Snapshot, bytes]]) -> None:
        """Forgets the oldest ones for it."""
        with self._lock:
            self._kept.update((payload, snapshot) for snapshot, payload in packed)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def of(self, payload: bytes) -> Snapshot:
        """From memory, else unpacked."""
        with self._lock:
            found = self._kept.get(payload)
        return found or from_bytes(payload)


_unpacked = _Unpacked()
