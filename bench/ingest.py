"""How many pushes one web process takes: `python -m bench.ingest [SECONDS] [DATABASE]` prints pushes a second and CPU.

Real HTTP pushes on loopback to one real uvicorn, on SQLite and on PostgreSQL (with fsync), with 1, 10 and 100 load
generators of one run. Each generator has a connection of its own and sends its next push, a second of the run later,
once the last one was taken. A push holds 20 series, all of them histograms of requests with 22 buckets: the heaviest
kind, as a test of 20 scenarios makes them. CPU is that of the web process. Aim: 300 pushes a second.
"""

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass, field

import cramjam

from bench.web_process import Web, backends, web_process

SERIES, BUCKETS = 20, 22
FIRST = -60  # the first bucket: 5.5 ms
PREPARED = 400  # different pushes a generator has; after them it goes on with new times only


def body(generator: int, push: int, start: float) -> bytes:
    """The push number `push` of a load generator, packed as k6 does."""
    from history.metrics.write_request import WRITE_REQUEST

    request, moment = WRITE_REQUEST(), int((start + push) * 1000)
    for number in range(SERIES):
        series = request.timeseries.add()
        tag = f"s{number + 1:02}_bench"
        labels = {"instance": str(generator), "scenario_tag": tag, "name": f"GET /things/{number}", "status": "200"}
        for name, value in {"__name__": "k6_http_req_duration_seconds", "expected_response": "true", **labels}.items():
            series.labels.add(name=name, value=value)
        counts = [(push + 1) * (bucket % 7 + 1) for bucket in range(BUCKETS)]
        # Each in the middle of its bucket, for a push that does not agree with itself is refused.
        total = sum(count * 2 ** ((FIRST + bucket - 0.5) / 8) for bucket, count in enumerate(counts))
        wire = series.histograms.add(count_int=sum(counts), sum=total, schema=3, timestamp=moment)
        wire.positive_spans.add(offset=FIRST, length=BUCKETS)
        wire.positive_deltas.extend(b - a for a, b in zip([0, *counts], counts, strict=False))
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


@dataclass
class Score:
    """What the generators saw."""

    until: float
    taken: int = 0
    refused: int = 0
    waits: list[float] = field(default_factory=list)


class Generator(asyncio.Protocol):
    """One load generator: one connection, one push after another."""

    def __init__(self, head: str, bodies: list[bytes], score: Score) -> None:
        self.head, self.bodies, self.score, self.sent = head, bodies, score, 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.push()

    def push(self) -> None:
        if time.perf_counter() > self.score.until or self.sent == len(self.bodies):
            self.transport.close()
            return
        content = self.bodies[self.sent]
        self.began = time.perf_counter()
        self.transport.write(f"{self.head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        self.sent += 1

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 "):
            return  # the rest of a refusal
        if data.startswith(b"HTTP/1.1 204"):
            self.score.taken += 1
        else:
            self.score.refused += 1
        self.score.waits.append(time.perf_counter() - self.began)
        self.push()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def new_run() -> tuple[int, str]:
    """A run of 20 scenarios that takes pushes: its id and token."""
    from history.models import ScenarioHistory, TestHistory
    from history.states import Status
    from projects.models import Project

    project = Project.objects.create(title="Bench")
    name = f"bench-{time.time_ns()}"
    run = TestHistory.objects.create(title=name, project=project, job_name=name, status=Status.RUNNING)
    ScenarioHistory.objects.bulk_create(
        ScenarioHistory(
            test_history=run,
            name=f"Scenario {number}",
            scenario_tag=f"s{number + 1:02}_bench",
            executor="constant-vus",
            request_name=f"GET /things/{number}",
            position=number,
        )
        for number in range(SERIES)
    )
    return run.pk, run.ingest_token


async def load(web: Web, generators: int, seconds: float) -> str:
    """The line of the table for so many generators."""
    run, token = await asyncio.to_thread(new_run)
    each, start = max(30, min(PREPARED * 10, int(1200 * seconds / generators))), time.time()
    bodies = [[body(number, push, start) for push in range(each)] for number in range(generators)]
    address = f"POST /ingest/{run}/write HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    head = f"{address}Content-Type: application/x-protobuf\r\n"
    loop = asyncio.get_running_loop()
    cpu, began = sum(web.process.cpu_times()[:2]), time.perf_counter()
    score = Score(began + seconds)
    made = [
        await loop.create_connection(lambda own=own: Generator(head, own, score), "127.0.0.1", web.port)
        for own in bodies
    ]
    await asyncio.gather(*(generator.done for _transport, generator in made))
    took = time.perf_counter() - began
    cpu = sum(web.process.cpu_times()[:2]) - cpu
    waits = sorted(score.waits)
    return (
        f"{generators:>11}{score.taken / took:>12.0f}{1000 * cpu / max(1, score.taken):>14.2f} ms"
        f"{1000 * waits[len(waits) // 2]:>12.1f} ms{1000 * waits[int(len(waits) * 0.95)]:>10.1f} ms"
        f"{score.refused:>9}{web.process.num_threads():>9}{web.database_connections():>13}"
    )


def main() -> None:
    """Prints one table a database, each measured by a process of its own: settings are read once."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    if len(sys.argv) < 3:
        for found in backends():
            again = [sys.executable, "-m", "bench.ingest", str(seconds), "postgres" if found else "sqlite"]
            subprocess.run(again, check=True)
        return
    with web_process(sys.argv[2] == "postgres") as web:
        print("PostgreSQL" if web.database_url else "SQLite")
        print(" generators  pushes/s  CPU a push  median answer  p95 answer  refused  threads  connections")
        for generators in (1, 10, 100):
            print(asyncio.run(load(web, generators, seconds)), flush=True)


if __name__ == "__main__":
    main()
