"""Many live pages on one run: `python -m bench.viewers [STREAMS] [SECONDS]` prints how fast messages reach them.

One web process and one Redis on loopback. STREAMS clients (1,000) listen to one run while its messages are published
once a second, as a worker publishes them. Delivery is from just before publishing to the arrival at the client; the
clients share the machine with the server. Aim: p95 below 500 ms, fewer than 20 threads and 10 database connections.
"""

import asyncio
import re
import statistics
import sys
import time
from dataclasses import dataclass, field

from bench.web_process import Web, backends, web_process

_SECOND = re.compile(rb'"t": (\d+)')


@dataclass
class Viewers:
    """The clients together: when each second reached each of them."""

    arrived: dict[int, list[float]] = field(default_factory=dict)
    opened: int = 0
    ended: int = 0


class Viewer(asyncio.Protocol):
    """One client."""

    def __init__(self, viewers: Viewers, path: str) -> None:
        self.viewers, self.path, self.rest, self.open = viewers, path, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        *events, self.rest = (self.rest + data).split(b"\n\n")
        for event in events:
            if not self.open and b"stream-open" in event:
                self.open = True
                self.viewers.opened += 1
            elif found := _SECOND.search(event):
                self.viewers.arrived.setdefault(int(found[1]), []).append(now)

    def connection_lost(self, exc: Exception | None) -> None:
        self.viewers.ended += 1


def prepare() -> tuple[int, list[dict[str, object]]]:
    """A run, and the messages of the recorded run for it."""
    from django.conf import settings

    from history.live.events import second_message
    from history.metrics.timeline import Cell, Timeline
    from history.replay import create_run, read_recording
    from history.states import Status
    from projects.models import Project

    recording = read_recording(settings.BASE_DIR / "tests" / "recorded_run.json")
    run = create_run(recording["plan"], Project.objects.create(title="Bench"), Status.RUNNING)
    labels = {one["tag"]: (one["name"], one["request"]["name"]) for one in recording["plan"]["scenarios"]}
    timeline, so_far = Timeline(), {tag: Cell() for tag in labels}
    for snapshot in recording["snapshots"]:
        timeline.feed(snapshot)
    messages = []
    for second in timeline.take_all():
        for tag, cell in second.cells.items():
            so_far[tag].add(cell)
        messages.append(dict(second_message(run.pk, "running", second, so_far, labels)))
    return run.pk, messages


async def watch(web: Web, streams: int, seconds: int) -> dict[str, str]:
    """Opens the streams, publishes, and answers the row of the table."""
    from history.live.eventstream import publish

    run, messages = await asyncio.to_thread(prepare)
    viewers, loop = Viewers(), asyncio.get_running_loop()
    before, began, most = web.process.memory_info().rss, time.perf_counter(), 0
    path = f"/sse/k6-data?test_history_id={run}"
    opening = [loop.create_connection(lambda: Viewer(viewers, path), "127.0.0.1", web.port) for _ in range(streams)]
    opened = asyncio.gather(*opening)
    while viewers.opened < streams and time.perf_counter() - began < 120:
        await asyncio.sleep(0.2)
        most = max(most, web.database_connections())
    took, pairs = time.perf_counter() - began, await opened
    sent: dict[int, float] = {}
    cpu = sum(web.process.cpu_times()[:2])
    for t in range(seconds):
        sent[t] = time.perf_counter()
        await asyncio.to_thread(publish, {**messages[t % len(messages)], "t": t}, ())  # type: ignore[typeddict-item]
        await asyncio.sleep(max(0.0, sent[t] + 1 - time.perf_counter()))
    cpu = (sum(web.process.cpu_times()[:2]) - cpu) / seconds
    most = max(most, web.database_connections())
    delays = sorted(1000 * (at - sent[t]) for t, arrivals in viewers.arrived.items() for at in arrivals)
    row = {
        "streams": str(viewers.opened),
        "opened in": f"{took:.1f} s",
        "median": f"{statistics.median(delays):.0f} ms",
        "p95": f"{delays[int(len(delays) * 0.95)]:.0f} ms",
        "lost": f"{streams * seconds - len(delays)}",
        "CPU a second": f"{1000 * cpu:.0f} ms",
        "threads": str(web.process.num_threads()),
        "memory a stream": f"{(web.process.memory_info().rss - before) / streams / 1024:.0f} kB",
        "memory": f"{web.process.memory_info().rss / 2**20:.0f} MB",
        "connections": str(most),
    }
    for transport, _protocol in pairs:
        transport.abort()
    return row


def main() -> None:
    """Prints one line a database."""
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    on_postgres = backends()[-1]
    with web_process(on_postgres) as web:
        row = {"database": "PostgreSQL" if on_postgres else "SQLite", **asyncio.run(watch(web, streams, seconds))}
    widths = [max(len(name), len(value)) + 2 for name, value in row.items()]
    print("".join(name.rjust(width) for name, width in zip(row, widths, strict=True)))
    print("".join(value.rjust(width) for value, width in zip(row.values(), widths, strict=True)))


if __name__ == "__main__":
    main()
