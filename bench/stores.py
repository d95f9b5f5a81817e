"""What keeping a run costs: `python -m bench.stores [MINUTES [RATE]]` prints one table (60 minutes, 200 requests/s).

One generator, 20 scenarios, a push a second. Written as it happens: one call a second, each waited for. Read as a
whole run is read (median of three): every second of every scenario with requests, failures, average, p50, p95, p99.
Compared are the database store (SQLite; PostgreSQL where METRICVAULT_BENCH_POSTGRES=1), the InfluxDB store, and, on the
same InfluxDB, the usual layout of one point a sample with InfluxQL for the same columns: with the two samples of each
request that the columns need, and with the nine that k6's own InfluxDB output writes. MB: not for PostgreSQL.
"""

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import Server, influxdb_server, new_database, postgres_server, running

SCENARIOS = 20
TAGS = [f"s{number:02}_scenario" for number in range(1, SCENARIOS + 1)]
FAILED = 0.01
START = 1_700_000_000
RUN = 1
DURATION, FAILED_SAMPLE = "http_req_duration", "http_req_failed"
LEAST = (DURATION, FAILED_SAMPLE)
PARTS = ("blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving")
K6S = (*LEAST, "http_reqs", *(f"http_req_{part}" for part in PARTS))  # k6 1.1.0, lib/netext/httpext/tracer.go


@dataclass(frozen=True)
class Row:
    """One layout: seconds for the whole run."""

    name: str
    points: int
    write: float
    read: float
    megabytes: float
    requests: int


def response_times(seconds: int, rate: int) -> Iterator[list[tuple[int, float, bool]]]:
    """The requests of each second: (scenario, milliseconds, failed). The same at every call."""
    source = random.Random(1)
    for _second in range(seconds):
        yield [(n % SCENARIOS, source.lognormvariate(3.5, 0.6), source.random() < FAILED) for n in range(rate)]


def snapshots(seconds: int, rate: int) -> Iterator[Any]:
    """What k6 would push of them, each second."""
    import math

    from history.metrics.native_histogram import SCHEMA, Histogram
    from history.metrics.remote_write import RequestKey, Snapshot

    grown: dict[RequestKey, Histogram] = {}
    for second, requests in enumerate(response_times(seconds, rate)):
        touched = set()
        for scenario, took, failed in requests:
            status = "500" if failed else "200"
            key = RequestKey(TAGS[scenario], f"GET /endpoint/{scenario}", status, "", not failed)
            histogram = grown.setdefault(key, Histogram())
            bucket = math.ceil(math.log2(took / 1000) * 2**SCHEMA)
            histogram.add(Histogram(1, took, 0, {bucket: 1}))
            touched.add(key)
        shown = {key: Histogram(h.count, h.total, h.zero, h.buckets) for key in touched for h in [grown[key]]}
        started = float(START) if second == 0 else None
        yield Snapshot("1", START + second + 1.0, shown, 50.0, started, {}, second == seconds - 1)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what it answered."""
    begin = time.perf_counter()
    found = work()
    return time.perf_counter() - begin, found


def median_of_three(work: Callable[[], Any]) -> tuple[float, Any]:
    """Like `timed`, three times."""
    found = [timed(work) for _ in range(3)]
    return statistics.median(seconds for seconds, _answer in found), found[0][1]


def whole_run(store: Any) -> int:
    """Reads the run as recording does; its requests."""
    from history.tracks import follow

    _timeline, tracks = follow((snapshot for _cursor, snapshot in store.read(RUN)), TAGS, [])
    return sum(tracks.whole.columns["requests"])


def measure_store(name: str, store: Any, pushes: list[Any], size: Callable[[], float]) -> Row:
    """Writes push by push, reads the whole."""
    from history.metrics.stores import unpacked

    before = size()
    write, _none = timed(lambda: [store.write(RUN, [one]) for one in pushes])
    unpacked.unpacked._kept.clear()  # the reader is another process
    read, requests = median_of_three(lambda: whole_run(store))
    return Row(name, len(pushes), write, read, size() - before, requests)


def measure_usual(name: str, samples: tuple[str, ...], server: Server, seconds: int, rate: int, size: Callable) -> Row:
    """A point for each of `samples` of each request, and the queries that make seconds of them."""
    from influxdb import InfluxDBClient

    client = InfluxDBClient("127.0.0.1", server.port, None, None, f"usual{len(samples)}", timeout=600)
    client.create_database(client._database)
    before, write, points, target = size(), 0.0, 0, {"db": client._database, "precision": "ns"}
    for second, requests in enumerate(response_times(seconds, rate)):
        lines = [line for at, one in enumerate(requests) for line in sample_lines(samples, one, second, at / rate)]
        waited, _none = timed(lambda lines=lines: client.write(lines, target, protocol="line"))
        write, points = write + waited, points + len(lines)
    rest = f'WHERE time >= {START}s AND time < {START + seconds}s GROUP BY time(1s), "scenario_tag" fill(none)'
    columns = 'count("value"),mean("value")' + "".join(f',percentile("value",{n})' for n in (50, 95, 99))
    query = f'SELECT {columns} FROM "{DURATION}" {rest}; SELECT sum("value") FROM "{FAILED_SAMPLE}" {rest}'
    read, (found, _failed) = median_of_three(lambda: client.query(query, epoch="s"))
    counted = sum(row[1] for series in found.raw["series"] for row in series["values"])
    client.close()
    return Row(name, points, write, read, size() - before, counted)


def sample_lines(samples: tuple[str, ...], request: tuple[int, float, bool], second: int, at: float) -> Iterator[str]:
    """Line protocol of one request, with the tags that k6 gives it."""
    scenario, took, failed = request
    tags = f"scenario_tag={TAGS[scenario]},name=GET\\ /endpoint/{scenario},method=GET,status={500 if failed else 200}"
    for sample in samples:
        value = int(failed) if sample == FAILED_SAMPLE else 1 if sample == "http_reqs" else took
        yield f"{sample},{tags} value={float(value)!r} {(START + second) * 1_000_000_000 + int(at * 1e9)}"


def measure_shown(store: Any, seconds: int) -> tuple[float, int]:
    """Writing the per-second results of the whole run for Grafana: seconds, points."""
    from history.metrics.stores import Published, Strand
    from history.tracks import follow

    _timeline, tracks = follow((snapshot for _cursor, snapshot in store.read(RUN)), TAGS, [])
    strands = [Strand("", "", "", tracks.whole.columns)]
    strands += [Strand(tag, tag, f"GET /{tag}", track.columns) for tag, track in tracks.scenarios.items()]
    shown = Published(RUN, "Shop", "Bench", float(START), tuple(strands), {"avg_tps": 1.0})
    return timed(lambda: store.publish(shown))[0], seconds * len(strands)


def disk(folder: Path) -> float:
    """Megabytes that the folder takes, logs that are not compacted yet included."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


def set_up_django(folder: Path, stack: ExitStack) -> str:
    """An empty database with one run; its name for the table."""
    name, url = "SQLite", f"sqlite:///{folder}/bench.sqlite3"
    if os.environ.get("METRICVAULT_BENCH_POSTGRES") == "1":
        server = stack.enter_context(running(postgres_server(folder / "postgres", safe=True)))
        name, url = "PostgreSQL", new_database(server, "bench")
    os.environ.update(DJANGO_SETTINGS_MODULE="metricvault.settings", DATABASE_URL=url, METRICVAULT_DATA_DIR=str(folder))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from history.models import TestHistory
    from projects.models import Project

    project = Project.objects.create(title="Bench")
    TestHistory.objects.create(pk=RUN, title="Bench", project=project, job_name="bench")
    return f"database store ({name})"


def print_table(rows: list[Row], seconds: int) -> None:
    """Figures, and their ratios to the usual layout."""
    usual = rows[-1]
    print(
        f"{'layout':<32} {'points':>8} {'write s':>8} {'ms a push':>9} {'read s':>7} {'MB':>7} {'write':>7} {'read':>7}"
    )
    for row in rows:
        ratios = f"{row.write / usual.write:>6.2f}x {row.read / usual.read:>6.2f}x"
        each = f"{1000 * row.write / seconds:>9.2f}"
        print(
            f"{row.name:<32} {row.points:>8} {row.write:>8.1f} {each} {row.read:>7.2f} {row.megabytes:>7.1f} {ratios}"
        )
    print("requests read back:", ", ".join(f"{row.requests:,}" for row in rows))


def main() -> None:
    """Measures one layout after another."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    seconds = int(minutes * 60)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metricvault-bench-")))
        database = set_up_django(folder, stack)
        server = influxdb_server(folder / "influxdb")
        stack.enter_context(running(server))
        from history.metrics.stores.database import DatabaseStore
        from history.metrics.stores.influx import InfluxOptions, InfluxStore

        influx = InfluxStore(InfluxOptions("127.0.0.1", server.port, "k6", second_days=0))
        influx.prepare()
        pushes = list(snapshots(seconds, rate))
        print(f"{minutes:g} minutes, {SCENARIOS} scenarios, {rate} requests/s, a push a second; ratios to the last row")
        rows = [
            measure_store(database, DatabaseStore(), pushes, lambda: disk(folder) - disk(folder / "influxdb")),
            measure_store("InfluxDB store", influx, pushes, lambda: disk(folder / "influxdb")),
        ]
        shown, points = measure_shown(influx, seconds)
        for name, samples in (("InfluxDB, 2 points a request", LEAST), ("InfluxDB, 9 points a request", K6S)):
            rows.append(measure_usual(name, samples, server, seconds, rate, lambda: disk(folder / "influxdb")))
        print_table(rows, seconds)
        print(f"shown to Grafana at the end of the run: {points} points in {shown:.1f} s")
        influx.close()


if __name__ == "__main__":
    main()
