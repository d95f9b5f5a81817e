"""The snapshots that this process has just written: it reads most of them a moment later, for the live pages, and
unpacking is most of what reading costs."""

import threading
from collections import OrderedDict

from history.metrics.remote_write import Snapshot, from_bytes

_KEPT = 300


class Unpacked:
    """Snapshots by their packed form."""

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


unpacked = Unpacked()
