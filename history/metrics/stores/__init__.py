"""Where snapshots are kept. `open_store()` is the only door."""

from history.metrics.stores.base import MetricStore, StoreError

__all__ = ["MetricStore", "StoreError", "open_store"]


def open_store() -> MetricStore:
    """The store that the settings name."""
    from history.metrics.stores.database import DatabaseStore

    return DatabaseStore()
