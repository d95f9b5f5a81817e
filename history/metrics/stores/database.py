"""The store for one machine: a table of the product's own database, one row a push."""

from collections.abc import Iterator

from django.db import DatabaseError

from history.metrics.remote_write import Snapshot, from_bytes, to_bytes
from history.metrics.stores.base import StoreError
from history.models import MetricSnapshot


class DatabaseStore:
    """Snapshots as compressed rows of `metric_snapshot`; the row's id is the cursor."""

    def write(self, run_id: int, snapshots: list[Snapshot]) -> None:
        """One INSERT."""
        rows = [MetricSnapshot(test_history_id=run_id, moment=one.moment, payload=to_bytes(one)) for one in snapshots]
        try:
            MetricSnapshot.objects.bulk_create(rows)
        except DatabaseError as error:
            raise StoreError(f"The database did not take the snapshot: {error}") from error

    def read(self, run_id: int, since: int = 0) -> Iterator[tuple[int, Snapshot]]:
        """By moment, or by arrival after the row `since`."""
        rows = MetricSnapshot.objects.filter(test_history_id=run_id, id__gt=since)
        rows = rows.order_by("id") if since else rows.order_by("moment", "id")
        try:
            for pk, payload in rows.values_list("id", "payload").iterator(chunk_size=500):
                yield pk, from_bytes(bytes(payload))
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
