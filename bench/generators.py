"""What many load generators cost: `python -m bench.generators [SECONDS]` (15) prints what 100 and 1,000 of them do to
the product, and where it breaks first.

No k6 and no cluster: each generator replays a push of the recorded run (tests/recorded_run.json; 51 series, 31 of them
histograms), its counts growing as they did there, over a connection of its own, and spread over the second as pods are.
Like k6 it leaves a push out while the one before is not answered, and gives up on one after 5 s. The closing push, with
everything in it, comes from all of them within the same second, as at the end of a real run.

live behind: how long after its end a second is on the live page; a push may come a second after what it tells of, so
1 to 2 s is as good as it gets. late: pushes left out because the one before took longer than the interval.
recording: `history.recording.record` on what N generators push in 60 s. Clients, server, database and Redis share the
machine, so a machine of its own takes more. Noise of a busy machine is in every figure.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

import cramjam
import psutil

from bench.viewers import Viewer, Viewers
from bench.web_process import ROOT, Web, web_process
from tests.installed import find
from tests.recorded import recorded_run
from tests.servers import influxdb_server, running

BASE = 3  # the recorded push that is replayed: it names every series, and when k6 began
PATIENCE = 5.0  # seconds that k6 waits for the answer to a push
HOUR, MINUTE = 3600, 60
_INSTANCE, _MOMENT = "000000", 1_700_000_000_123  # stand in the template for what differs


@dataclass(frozen=True)
class Case:
    """One line of the table. `interval`: seconds between two pushes of a generator."""

    generators: int
    interval: int = 1
    processes: int = 1
    influxdb: bool = False

    @property
    def name(self) -> str:
        more = [f"every {self.interval} s"] if self.interval > 1 else []
        more += [f"{self.processes} web processes"] if self.processes > 1 else []
        return ", ".join([f"{self.generators:,}", *more, "InfluxDB" if self.influxdb else "PostgreSQL"])


CASES = (
    Case(100),
    Case(1000),
    Case(1000, interval=5),
    Case(1000, processes=2),
    Case(1000, influxdb=True),
)


def varint(number: int) -> bytes:
    """As protobuf writes it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


class Replay:
    """The recorded push at any second of any generator."""

    def __init__(self, start: float) -> None:
        self.start = start
        self._made: dict[tuple[int, bool], bytes] = {}

    def body(self, generator: int, second: float, closing: bool = False) -> bytes:
        """The push at `second` of the run, packed as k6 does."""
        raw = self._template(ceil(second) if not closing else int(second), closing)
        moment = int((self.start + second) * 1000)
        raw = raw.replace(varint(_MOMENT), varint(moment)).replace(_INSTANCE.encode(), f"{generator:06}".encode())
        return bytes(cramjam.snappy.compress_raw(raw))

    def _template(self, grown: int, closing: bool) -> bytes:
        """`grown`: how many times the recorded counts."""
        if (grown, closing) not in self._made:
            from history.metrics.write_request import WRITE_REQUEST, unpacked

            request = WRITE_REQUEST.FromString(unpacked(recorded_run().pushes[BASE]))
            for series in request.timeseries:
                labels = {label.name: label for label in series.labels}
                labels["instance"].value = _INSTANCE
                labels["run"].value = ""  # of whichever run the token is
                started = labels["__name__"].value == "k6_mv_started"
                for sample in series.samples:
                    grew = 1000 * self.start if started else sample.value * grown
                    sample.value, sample.timestamp = float("nan") if closing else grew, _MOMENT
                for histogram in series.histograms:
                    _grow(histogram, grown)
            self._made[grown, closing] = bytes(request.SerializeToString())
        return self._made[grown, closing]


def _grow(histogram: Any, grown: int) -> None:
    histogram.count_int *= grown
    histogram.zero_count_int *= grown
    histogram.sum *= grown
    histogram.positive_deltas[:] = [delta * grown for delta in histogram.positive_deltas]
    histogram.timestamp = _MOMENT


def requests_of(seconds: int) -> int:
    """What one generator has sent after so many seconds."""
    from history.metrics.remote_write import decode

    snapshot = decode(recorded_run().pushes[BASE])
    assert snapshot
    return seconds * int(sum(one.count for one in snapshot.requests.values()))


@dataclass
class Score:
    """What all generators together saw. `waits`, `took` in seconds; `web` and `servers`: seconds of CPU."""

    wanted: int = 0
    taken: int = 0
    refused: int = 0
    late: int = 0
    waits: list[float] = field(default_factory=list)
    took: float = 0.0
    web: float = 0.0
    servers: float = 0.0


class Connection(asyncio.Protocol):
    """One HTTP connection; `ask` answers the status."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.answer and not self.answer.done() and data.startswith(b"HTTP/1.1 "):
            self.answer.set_result(int(data[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_result(0)

    async def ask(self, head: str, body: bytes) -> int:
        """0 where no answer came in time."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        try:
            return await asyncio.wait_for(self.answer, PATIENCE)
        except TimeoutError:
            return 0


async def push(port: int, head: str, bodies: list[tuple[float, bytes]], score: Score) -> None:
    """One generator: `bodies` with the time at which each is due, the last one the closing push."""
    loop = asyncio.get_running_loop()
    _transport, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    for number, (due, body) in enumerate(bodies):
        closing, now = number == len(bodies) - 1, time.time()
        following = bodies[number + 1][0] if not closing else now
        if now > following and not closing:
            score.late += 1
            continue
        await asyncio.sleep(max(0.0, due - now))
        began = time.perf_counter()
        status = await connection.ask(head, body)
        score.waits.append(time.perf_counter() - began)
        score.taken += status == 204
        score.refused += status != 204
        if status == 0:
            _transport.close()
            _transport, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    _transport.close()


def cpu(process: psutil.Process) -> float:
    """Seconds that a process and its children have computed."""
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def preparing(case: Case, pushes: int) -> float:
    """Seconds that `prepared` will take, with some to spare."""
    began = time.perf_counter()
    prepared(Case(50, case.interval), pushes, pushes * case.interval, 0.0)
    return 3 + 2 * (time.perf_counter() - began) * case.generators / 50


def prepared(case: Case, pushes: int, seconds: int, start: float) -> list[list[tuple[float, bytes]]]:
    """What each generator sends and when, the closing push last."""
    replay, found = Replay(start), []
    for number in range(case.generators):
        share = number / case.generators
        moments = [case.interval * (share + 1 + at) for at in range(pushes)]
        own = [(start + at, replay.body(number, at)) for at in moments if at <= seconds + 1]
        end = seconds + 2 + share
        found.append([*own, (start + end, replay.body(number, end, closing=True))])
    return found


async def load(web: Web, case: Case, seconds: int) -> tuple[int, str]:
    """The run, and its line of the table."""
    run, token = await asyncio.to_thread(new_run)
    pushes = seconds // case.interval
    start = time.time() + preparing(case, pushes)
    bodies = prepared(case, pushes, seconds, start)
    address = f"POST /ingest/{run}/write HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    head, score = f"{address}Content-Type: application/x-protobuf\r\n", Score()
    viewers, loop, clock = Viewers(), asyncio.get_running_loop(), time.time() - time.perf_counter()
    path = f"/sse/k6-data?test_history_id={run}"
    await loop.create_connection(lambda: Viewer(viewers, path), "127.0.0.1", web.port)
    score.wanted = sum(len(own) for own in bodies)
    before, everybody = cpu(web.process), cpu(psutil.Process())
    await asyncio.sleep(max(0.0, start - time.time()))
    began, mine = time.time(), time.process_time()
    await asyncio.gather(*(push(web.port, head, own, score) for own in bodies))
    score.took, score.web = time.time() - began, cpu(web.process) - before
    score.servers = cpu(psutil.Process()) - everybody - score.web - (time.process_time() - mine)
    await asyncio.sleep(2)
    behind = sorted(clock + at[0] - (start + t + 1) for t, at in viewers.arrived.items() if t < seconds)
    return run, line(case, score, behind, await asyncio.to_thread(stored, run), seconds)


HEAD = (
    f"{'generators':<36}{'wanted/s':>9}{'taken/s':>9}{'late':>6}{'refused':>9}{'median':>9}{'p95':>9}"
    f"{'cores of web':>14}{'CPU of a push (servers)':>25}{'live behind (last)':>20}{'stored':>8}{'lost':>7}"
)


def line(case: Case, score: Score, behind: list[float], rows: tuple[int, float, int], seconds: int) -> str:
    """One line; `rows`: snapshots, bytes of one, requests in the store. CPU is by stored push, answered or not."""
    waits, (count, _size, requests) = sorted(score.waits), rows
    late = f"{behind[len(behind) // 2]:.1f} s ({behind[-1]:.1f} s)" if behind else "never"
    each = f"{1000 * score.web / count:.1f} ms ({1000 * score.servers / count:.1f} ms)"
    sent = case.generators * requests_of(seconds + 2)
    return (
        f"{case.name:<36}{score.wanted / (seconds + 2):>9.0f}{score.taken / score.took:>9.0f}"
        f"{100 * score.late / score.wanted:>5.0f}%{100 * score.refused / score.wanted:>8.1f}%"
        f"{1000 * waits[len(waits) // 2]:>6.0f} ms{1000 * waits[int(len(waits) * 0.95)]:>6.0f} ms"
        f"{score.web / score.took:>14.2f}{each:>25}{late:>20}{count:>8}{100 * (sent - requests) / sent:>6.1f}%"
    )


def new_run() -> tuple[int, str]:
    """A run of the recorded plan that takes pushes: its id and token."""
    from history.replay import create_run
    from history.states import Status
    from projects.models import Project

    run = create_run(recorded_run().plan, Project.objects.create(title="Bench"), Status.RUNNING)
    return run.pk, run.ingest_token


def stored(run: int) -> tuple[int, float, int]:
    """Snapshots in the store, their bytes, and the requests that they hold."""
    from history.metrics.remote_write import to_bytes
    from history.metrics.stores import open_store
    from history.metrics.timeline import Timeline

    timeline, count, size = Timeline(), 0, 0
    for _cursor, snapshot in open_store().read(run):
        timeline.feed(snapshot)
        size += len(to_bytes(snapshot)) if count < 200 else 0
        count += 1
    requests = sum(cell.requests for cell in timeline.totals().values())
    return count, size / min(200, max(1, count)), requests


def fill(generators: int, seconds: int) -> int:
    """A run with the pushes of so many generators in the store."""
    from history.metrics.remote_write import Snapshot, decode, to_bytes
    from history.models import MetricSnapshot

    run, _token = new_run()
    replay = Replay(time.time() - seconds - 10)
    for second in range(1, seconds + 1):
        first = decode(replay.body(0, second))
        assert first
        rows = []
        for number in range(generators):
            moment = first.moment + number / generators
            own = Snapshot(f"{number:06}", moment, first.requests, first.vus, first.started, first.counters)
            rows.append(MetricSnapshot(test_history_id=run, moment=moment, payload=to_bytes(own)))
        MetricSnapshot.objects.bulk_create(rows, batch_size=1000)
    return run


def recording(run: int) -> None:
    """Records a run in this process, which does nothing else, and prints what it took."""
    import django

    django.setup()
    from history.models import TestHistory
    from history.recording import record

    row, before = TestHistory.objects.get(pk=run), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, computed = time.perf_counter(), time.process_time()
    record(row, [])
    took, computed = time.perf_counter() - began, time.process_time() - computed
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    row.refresh_from_db()
    found = {"seconds": took, "cpu": computed, "before": before / 1024, "most": most, "requests": row.total_requests}
    print(json.dumps(found))


def recordings(generators: int) -> str:
    """What recording a minute of so many generators takes, in words."""
    run = fill(generators, MINUTE)
    again = [sys.executable, "-m", "bench.generators", "--record", str(run)]
    found = json.loads(subprocess.run(again, check=True, capture_output=True, text=True).stdout)
    _count, size, _requests = stored(run)
    assert found["requests"] == generators * requests_of(MINUTE), found
    return (
        f"{generators:>5} generators x {MINUTE} s: recorded in {found['seconds']:.1f} s ({found['cpu']:.1f} s of CPU), "
        f"{found['most']:.0f} MB of memory ({found['before']:.0f} MB before); 1 h at the same rate: "
        f"{found['cpu'] * HOUR / MINUTE / 60:.0f} min of CPU, {generators * HOUR * size / 1e9:.1f} GB of snapshots"
    )


def one(case: Case, seconds: int) -> None:
    """One line, by a process of its own: settings are read once."""
    with ExitStack() as stack:
        os.environ["WEB_CONCURRENCY"] = str(case.processes)
        if case.influxdb:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metricvault-bench-")))
            url = stack.enter_context(running(influxdb_server(folder)))
            os.environ.update(METRICVAULT_METRICS_STORE="influxdb", INFLUXDB_PORT=url.rpartition(":")[2])
        web = stack.enter_context(web_process(bool(find("postgres"))))
        subprocess.run([sys.executable, "manage.py", "prepare_store"], cwd=ROOT, check=True, capture_output=True)
        print(asyncio.run(load(web, case, seconds))[1], flush=True)


def main() -> None:
    """Prints the table, then what recording takes."""
    if sys.argv[1:2] == ["--record"]:
        recording(int(sys.argv[2]))
        return
    if sys.argv[1:2] == ["--case"]:
        one(CASES[int(sys.argv[2])], int(sys.argv[3]))
        return
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(HEAD)
    for number in range(len(CASES)):
        again = [sys.executable, "-m", "bench.generators", "--case", str(number), str(seconds)]
        done = subprocess.run(again, stderr=subprocess.PIPE, text=True, check=False)  # what is unanswered in the end
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
    print()
    with web_process(bool(find("postgres"))):
        for generators in (100, 1000):
            print(recordings(generators), flush=True)


if __name__ == "__main__":
    main()
