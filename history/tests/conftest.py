"""Both metric stores; InfluxDB is a real server, one for all tests here, with a database for each of them."""

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django.fixtures import Settings

from history import live
from history.metrics.stores import MetricStore, open_store
from tests.needs import skip_or_fail
from tests.servers import Server, find, influxdb_server

_number = itertools.count(1)


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not find("influxd"):
        skip_or_fail("influxd")
    server = influxdb_server(tmp_path_factory.mktemp("influxdb"))
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture
def influx_options(influx_server: Server) -> dict[str, Any]:
    """`settings.INFLUXDB` for a database that is not there yet. Seconds are kept for ever: the recording gets older."""
    at = urlsplit(influx_server.url)
    place = {"host": at.hostname, "port": at.port, "database": f"k6_{next(_number)}"}
    return {**place, "user": "", "password": "", "ssl": False, "snapshot_days": 14, "second_days": 0}


@pytest.fixture
def influx(influx_options: dict[str, Any], settings: Settings) -> MetricStore:
    """The product uses InfluxDB."""
    settings.METRICVAULT_METRICS_STORE = "influxdb"
    settings.INFLUXDB = influx_options
    live.feed._feeds.clear()
    return open_store()


@pytest.fixture(params=["database", pytest.param("influxdb", marks=pytest.mark.needs("influxd"))])
def store(request: pytest.FixtureRequest, db: None) -> MetricStore:
    """Each store in turn."""
    return request.getfixturevalue("influx") if request.param == "influxdb" else open_store()
