"""The main job with the real InfluxDB: nothing but environment variables is different."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from influxdb import InfluxDBClient

from tests.product import FINISHED, Product, running_product
from tests.servers import influxdb_server, running
from tests.test_end_to_end import counted, scenario

pytestmark = [pytest.mark.needs("k6", "redis-server", "influxd")]


@pytest.fixture
def on_influxdb(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Product, InfluxDBClient]]:
    """A copy and its database. Where all copies are on InfluxDB (tests/on_servers.py), the one that all tests share."""
    if os.environ.get("METRICVAULT_TEST_SERVERS") and os.environ.get("METRICVAULT_METRICS_STORE") == "influxdb":
        product: Product = request.getfixturevalue("product")
        database = product.processes("uvicorn")[0].environ()["INFLUXDB_DATABASE"]
        client = InfluxDBClient("127.0.0.1", int(os.environ["INFLUXDB_PORT"]), None, None, database)
        yield product, client
        client.close()
        return
    server = influxdb_server(tmp_path / "influxdb")
    influxdb = {
        "METRICVAULT_METRICS_STORE": "influxdb",
        "INFLUXDB_HOST": "127.0.0.1",
        "INFLUXDB_PORT": str(server.port),
    }
    with running(server), running_product(tmp_path / "copy", **influxdb) as product:
        client = InfluxDBClient("127.0.0.1", server.port, None, None, "k6")
        yield product, client
        client.close()


def test_every_request_is_counted_by_the_target_the_result_and_grafana(
    on_influxdb: tuple[Product, InfluxDBClient],
) -> None:
    product, client = on_influxdb
    endpoints = product.imported_demo("On InfluxDB")
    product.demo.post("/__counts/reset")
    run = product.start(
        "On InfluxDB",
        [
            scenario(endpoints["GET /products/{product_id}"], 3, 4),
            scenario(endpoints["POST /payments"], 2, 4, name="결제", think_time=0.02),
        ],
    )
    of_run = f"WHERE \"run\" = '{run}'"
    second = f'SELECT * FROM "metricvault_results"."metricvault_second" {of_run}'
    # The first push makes the database, and makes the run running.
    product.wait(run, lambda found: found["status"] in {"running", *FINISHED})
    live = product.wait(run, lambda found: found["status"] in FINISHED or list(client.query(second).get_points()))
    assert live["status"] == "running"
    found = product.wait(run)
    at_target = counted(product)
    assert found["status"] == "completed", found["message"]
    assert (found["total_requests"], found["failed_requests"]) == (at_target["total"], at_target["failed"])
    rows = list(client.query(second).get_points())
    assert sum(row["requests"] for row in rows) == at_target["total"]
    assert sum(row["failures"] for row in rows) == at_target["failed"]
    assert {row["name"] for row in rows} == {"GET /products/{product_id}", "결제"}
    (point,) = client.query(f'SELECT * FROM "metricvault_results"."metricvault_run" {of_run}').get_points()
    assert (point["status"], point["p95_response_time"]) == ("completed", found["p95_response_time"])
