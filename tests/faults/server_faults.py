"""Faults of the servers of production: PostgreSQL, Redis and InfluxDB, frozen or killed and started again."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.faults import Break, Fault
from tests.product import Product, running_product
from tests.servers import Server, influxdb_server, postgres_server, redis_server

Servers = dict[str, Server]


def frozen(server: Server) -> Break:
    """It holds its connections and answers nobody."""

    def strike(product: Product, lasts: float) -> None:
        server.pause()
        time.sleep(lasts)
        server.go_on()

    return strike


def killed(server: Server) -> Break:
    """SIGKILL, and started again after `lasts` seconds in the same place."""

    def strike(product: Product, lasts: float) -> None:
        server.kill()
        time.sleep(lasts)
        server.start()

    return strike


def server_faults(servers: Servers) -> tuple[Fault, ...]:
    """Three faults for each server: killed for 10 and for 60 seconds, frozen for 60."""
    found = []
    for name, server in servers.items():
        found.append(Fault(f"{name} killed, 10 s", killed(server), load=24, lasts=10))
        found.append(Fault(f"{name} killed, 60 s", killed(server), load=80, lasts=60, quick=False))
        found.append(Fault(f"{name} frozen 60 s", frozen(server), load=80, lasts=60, quick=False))
    return tuple(found)


@contextmanager
def product_on_servers(folder: Path) -> Iterator[tuple[Product, Servers]]:
    """The product on PostgreSQL, Redis and InfluxDB of its own."""
    with ExitStack() as stack:
        servers = {
            "PostgreSQL": postgres_server(folder / "postgres", safe=True),
            "Redis": redis_server(folder / "redis"),
            "InfluxDB": influxdb_server(folder / "influxdb"),
        }
        for server in servers.values():
            stack.callback(server.end)
            server.start()
        influx = urlsplit(servers["InfluxDB"].url)
        environ = {
            "DATABASE_URL": servers["PostgreSQL"].url,
            "REDIS_URL": servers["Redis"].url,
            "METRICVAULT_METRICS_STORE": "influxdb",
            "INFLUXDB_HOST": influx.hostname or "",
            "INFLUXDB_PORT": str(influx.port),
        }
        yield stack.enter_context(running_product(folder / "copy", **environ)), servers
