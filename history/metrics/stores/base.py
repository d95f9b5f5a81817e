"""The seam behind which the snapshots of a run are kept."""

from collections.abc import Iterator
from typing import Protocol

from history.metrics.remote_write import Snapshot


class StoreError(Exception):
    """The store did not take or give the snapshots; `permanent` tells whether trying again is of no use."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class MetricStore(Protocol):
    """Keeps what k6 pushed, whole and unchanged, for as long as the run needs it.

    All calls may be repeated. `write` may be called twice with the same snapshot: snapshots are cumulative, and
    the timeline takes the second one as nothing new. Errors of the store itself are raised as `StoreError`.
    """

    def write(self, run_id: int, snapshots: list[Snapshot]) -> None:
        """Keeps the snapshots; returns when they will survive the death of this process."""

    def read(self, run_id: int, since: int = 0) -> Iterator[tuple[int, Snapshot]]:
        """(cursor, snapshot) pairs. `since` 0: all of them, by moment. Else those that arrived after the
        one with that cursor, in the order of arrival."""

    def delete(self, run_id: int) -> None:
        """Forgets the run's snapshots."""

    def check(self) -> None:
        """Raises `StoreError` where the store cannot be reached."""
