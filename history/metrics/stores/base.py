"""The seam behind which the snapshots of a run are kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from history.metrics.remote_write import Snapshot


class StoreError(Exception):
    """The store did not take or give the snapshots; `permanent` tells whether trying again is of no use."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Strand:
    """The seconds of one scenario, or of the whole run where `scenario` is "".

    `columns` holds equally long lists: `t` (seconds since the start of the load) and any of requests, failures, tps
    (req/s), error_rate (percent), avg, p50, p90, p95, p99 (ms), vus, iterations, dropped, checks_passed, checks_failed,
    sent, received (bytes). None: not measured.
    """

    scenario: str  # scenario_tag
    name: str
    endpoint: str  # METHOD /path/{template}
    columns: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Published:
    """Numbers of a run for other programs to chart. `origin`: when the load began, in seconds since the epoch."""

    run_id: int
    project: str
    title: str
    origin: float
    strands: tuple[Strand, ...] = ()
    summary: Mapping[str, float | str | None] | None = None


class MetricStore(Protocol):
    """Keeps what k6 pushed, whole and unchanged, for as long as the run needs it.

    All calls may be repeated. `write` may be called twice with the same snapshot: snapshots are cumulative, and
    the timeline takes the second one as nothing new. Errors of the store itself are raised as `StoreError`.

    `outside`: it stands outside the product's own database. Then it is told of runs that are deleted, and it shows
    other programs what is published.
    """

    outside: bool

    def write(self, run_id: int, snapshots: list[Snapshot]) -> None:
        """Keeps the snapshots; returns when they will survive the death of this process."""

    def read(self, run_id: int, since: int = 0) -> Iterator[tuple[int, Snapshot]]:
        """(cursor, snapshot) pairs. `since` 0: all of them, by moment. Else those that its reader has not read yet,
        in the order of arrival; `since` is the greatest cursor it got, the very object: it may know more than it
        shows. One that arrives behind that cursor is found too, within a second or once nothing else is new."""

    def delete(self, run_id: int) -> None:
        """Forgets the run's snapshots."""

    def check(self) -> None:
        """Raises `StoreError` where the store cannot be reached or used."""

    def prepare(self) -> None:
        """Makes what the store needs to be there. Every other call does so by itself where it is missing."""

    def publish(self, shown: Published) -> None:
        """Shows numbers to other programs; the same second or summary again takes the place of the one before."""

    def unpublish(self, run_id: int) -> None:
        """Takes back everything that was published of the run."""
