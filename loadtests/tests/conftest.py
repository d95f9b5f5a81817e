"""What the tests of load need: a real k6, a small server to aim at, a plan, and the cast."""

import threading
import time
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from loadtests.k6.plan import RequestPlan, RunPlan, ScenarioPlan, StagePlan, StepPlan, scenario_tag
from loadtests.runners import find_k6
from tests.needs import skip_or_fail


@pytest.fixture(scope="session")
def k6() -> str:
    """The path of the k6 binary that the tests run."""
    path = find_k6()
    if not path:
        skip_or_fail("k6")
    return path


class Target(ThreadingHTTPServer):
    """Counts what it is asked and keeps the last request; /slow answers after 0.15 s, /fail with 500.

    Anything else takes 20 ms: users who do not think would keep k6 and this server busy with thousands of requests."""

    daemon_threads = True
    count = 0
    last: tuple[str, str, Message, bytes]  # method, path, headers, body

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        assert isinstance(self.server, Target)
        self.server.count += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.last = (self.command, self.path, self.headers, body)
        time.sleep(0.15 if self.path == "/slow" else 0.02)
        self.send_response(500 if self.path == "/fail" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def target() -> Iterator[Target]:
    """A server of this test."""
    server = Target(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def scenario(position: int = 0, name: str = "Browse", **changed: Any) -> ScenarioPlan:
    """A scenario of 2 users for a second; `changed` are its fields, and those of its request."""
    request = {key: changed.pop(key) for key in ("method", "url", "headers", "body") if key in changed}
    fields: dict[str, Any] = {
        "tag": scenario_tag(position, name),
        "name": name,
        "executor": "constant-vus",
        "stages": (StagePlan(1, 2),),
        "think_time": 0.0,
        "response_time_target": None,
        "error_rate_target": None,
    }
    defaults: dict[str, Any] = {"method": "GET", "url": "http://127.0.0.1:9/", "headers": (), "body": None}
    wanted = RequestPlan(name="GET /things/{id}", **{**defaults, **request})
    return ScenarioPlan(**{**fields, "steps": (StepPlan("", wanted),), **changed})


def run_plan(*scenarios: ScenarioPlan) -> RunPlan:
    """A plan of these scenarios, or of one."""
    return RunPlan(run="7", title="Evening peak", scenarios=scenarios or (scenario(),))


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Looks again every 50 ms; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)
