"""Both metric stores for contract tests; InfluxDB is a real server, one for the test session."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from history.metrics.stores.influx import InfluxOptions, InfluxStore

BOTH = ["database", pytest.param("influxdb", marks=pytest.mark.needs("influxd"))]


def options(url: str, **more: Any) -> dict[str, Any]:
    """`settings.INFLUXDB` for the server at `url`."""
    parts = urlsplit(url)
    plain = {"host": parts.hostname, "port": parts.port, "database": "k6", "user": "", "password": "", "ssl": False}
    return {**plain, "snapshot_days": 14, "second_days": 730, **more}


@contextmanager
def influx_store(url: str, **more: Any) -> Iterator[InfluxStore]:
    """A store of its own, which closes its connections."""
    store = InfluxStore(InfluxOptions(**options(url, **more)))
    try:
        yield store
    finally:
        store.close()
