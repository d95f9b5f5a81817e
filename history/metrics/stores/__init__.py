"""Where snapshots are kept. `open_store()` is the only door."""

import functools
import os
from typing import Any

from django.conf import settings

from history.metrics.stores.base import MetricStore, Published, StoreError, Strand

__all__ = ["MetricStore", "Published", "StoreError", "Strand", "open_store"]


def open_store() -> MetricStore:
    """The store that the settings name."""
    if settings.METRICVAULT_METRICS_STORE == "influxdb":
        # A process that forks must not share its parent's connections.
        return _influx(os.getpid(), tuple(settings.INFLUXDB.items()))
    from history.metrics.stores.database import DatabaseStore

    return DatabaseStore()


@functools.lru_cache(maxsize=2)
def _influx(process: int, options: tuple[tuple[str, Any], ...]) -> MetricStore:
    from history.metrics.stores.influx import InfluxOptions, InfluxStore

    return InfluxStore(InfluxOptions(**dict(options)))
