"""Real runs of the real k6 that something spoils: pushes that do not arrive, a k6 that stands still, too few users or
cores. Each k6 is run by the product's own runner; what it pushed is kept, and judged by the product's supervision."""

import http.server
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from history.metrics.remote_write import Snapshot, decode
from history.metrics.stores import open_store
from history.metrics.summary import find
from history.models import TestHistory
from history.replay import create_run
from history.states import Status
from loadtests import fleet, supervision
from loadtests.k6.command import local_command
from loadtests.k6.plan import RunPlan, to_json
from loadtests.k6.script import build_script
from loadtests.runners import LaunchSpec, LocalRunner, Progress
from projects.models import Project

# k6 tries half a million ways to find this in nineteen x, which takes it 0.1 s.
COSTLY = "(?=x)(x+x+)+y"


class Quick(http.server.ThreadingHTTPServer):
    """Answers at once; /slow after 0.15 s, all else with nineteen x."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        time.sleep(0.15 if self.path == "/slow" else 0)
        body = b"x" * 19
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@dataclass
class Spoilt:
    """One run: its `plan`; `arrives`: whether a push does, by the seconds since the first one; `touch`: what is done to
    k6's process while it runs; `core`: k6 has this one for itself, and no other. What came of it: the bodies that
    arrived, what the runner said of k6 from time to time, and its output."""

    plan: RunPlan
    arrives: Callable[[float], bool] = lambda seconds: True
    touch: Callable[[int], None] | None = None
    core: int | None = None
    bodies: list[bytes] = field(default_factory=list)
    said: list[Progress] = field(default_factory=list)
    output: str = ""

    def run(self, k6: str, folder: Path) -> None:
        """To its end."""
        runner, name = LocalRunner(folder, k6), "k6-spoilt"
        with self._network() as url:
            arguments, environment = local_command("7", "1", url, "token", self.plan)
            spec = LaunchSpec(name, "script.js", build_script(self.plan), arguments, environment)
            self._launch(runner, spec, folder / "runs" / name / "pids")
            until, touched = time.monotonic() + 60, self.touch is None
            while not self.said or self.said[-1].phase != "finished":
                assert time.monotonic() < until
                time.sleep(0.2)
                self.said.append(runner.poll(name))
                if not touched and self.bodies and self.touch:
                    touched = True
                    self.touch(int(_pid(folder / "runs" / name / "pids")))
        self.output = runner.logs(name).output

    def _launch(self, runner: LocalRunner, spec: LaunchSpec, pids: Path) -> None:
        """In this thread, whose children have its core, and come first on it: as threads, and as a session."""
        if self.core is not None:
            os.sched_setaffinity(0, {self.core})
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -20)
        runner.launch(spec)
        if self.core is not None:
            group = Path(f"/proc/{_pid(pids)}/autogroup")
            if group.exists():
                group.write_text("-20", encoding="ascii")

    @contextmanager
    def _network(self) -> Iterator[str]:
        spoilt, first = self, [0.0]

        class Handler(_Answers):
            def do_POST(self) -> None:
                body, now = self.rfile.read(int(self.headers["Content-Length"])), time.monotonic()
                first[0] = first[0] or now
                arrives = spoilt.arrives(now - first[0])
                if arrives:
                    spoilt.bodies.append(body)
                self.send_response(204 if arrives else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/write"
        finally:
            server.shutdown()
            server.server_close()

    def judged(self, project: Project, seen: Callable[[Snapshot], Snapshot] = lambda one: one) -> TestHistory:
        """The run as the product has it when all is over; `seen` changes what was pushed."""
        run = create_run(to_json(self.plan), project, Status.COLLECTING)
        snapshots = (one for body in self.bodies if (one := decode(body)))
        open_store().write(run.pk, [seen(one) for one in snapshots])
        for progress in self.said:
            fleet.note(run, progress)
        now = timezone.now()
        run.summary, run.exit_code = find(self.output), self.said[-1].exit_code
        run.collecting_since = now - timedelta(hours=1)  # nothing more is waited for
        run.save()
        assert supervision.collect(run.pk, now)
        run.refresh_from_db()
        assert run.status == Status.COMPLETED, run.message
        return run


def _pid(file: Path) -> str:
    until = time.monotonic() + 10
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.02)
    return file.read_text().split()[0]


def standing_still(seconds: float) -> Callable[[int], None]:
    """SIGSTOP, and SIGCONT so much later."""

    def touch(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    return touch


def clock_set(by: float, after: float) -> Callable[[Snapshot], Snapshot]:
    """A fake of a machine whose clock somebody sets while k6 runs, as no test may: from so many seconds after the start
    on, all times that k6 pushes are shifted."""
    started: list[float] = []

    def seen(snapshot: Snapshot) -> Snapshot:
        if snapshot.started:
            started.append(snapshot.started)
        is_late = bool(started) and snapshot.moment > started[0] + after
        return replace(snapshot, moment=snapshot.moment + by) if is_late else snapshot

    return seen
