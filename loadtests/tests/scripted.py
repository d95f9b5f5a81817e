"""Runs the script of a plan with the real k6 against a small API that remembers what it received."""

import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from loadtests.k6.console import FAILED_MARK, told
from loadtests.k6.plan import RunPlan
from loadtests.k6.script import STEP_MARK, SUMMARY_MARK, build_script


@dataclass(frozen=True)
class Received:
    """A request as the API got it; `connection`: the number of its connection."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    connection: int


class Api(ThreadingHTTPServer):
    """Answers /login with JSON that `answers` holds by path, all else with {"ok": true}; /status/CODE with that, to
    where its `to=` says. `host`: an address of this machine; `port`: 0 for any."""

    daemon_threads = True

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), _Handler)
        self.received: list[Received] = []
        self.answers: dict[str, Any] = {}
        self.connections = 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def of(self, start: str) -> list[Received]:
        """What came for paths that begin so."""
        return [one for one in self.received if one.path.startswith(start)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, Api)
        self.server.connections += 1
        self.number = self.server.connections

    def do_GET(self) -> None:
        assert isinstance(self.server, Api)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        received = Received(self.command, self.path, dict(self.headers.items()), body, self.number)
        self.server.received.append(received)
        path = self.path.partition("?")[0]
        answer = self.server.answers.get(path, {"ok": True})
        answer = answer(received) if callable(answer) else answer
        text = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(int(path.removeprefix("/status/")) if path.startswith("/status/") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Request-Id", "r-1")
        if path.startswith("/status/30") and "to=" in self.path:
            self.send_header("Location", self.path.partition("to=")[2])
        self.send_header("Set-Cookie", "sid=s-1; Path=/")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Ran:
    """What k6 said: its log, its samples by metric, the steps of a try, its summary's metrics, what failed."""

    log: str
    points: Mapping[str, list[dict[str, Any]]]
    steps: list[dict[str, Any]]
    metrics: Mapping[str, Any]
    exit_code: int
    failed: tuple[dict[str, Any], ...] = ()

    def count(self, metric: str, **tags: str) -> float:
        """The sum of a counter's samples that have these tags."""
        points = self.points.get(metric, [])
        return sum(one["value"] for one in points if tags.items() <= (one["tags"] or {}).items())

    def tags(self, metric: str, name: str) -> Counter[str]:
        """How many samples of a metric have which value of a tag."""
        return Counter(one["tags"].get(name, "-") for one in self.points.get(metric, []))


def run(
    k6: str, folder: Path, plan: RunPlan, *,
    rows: Mapping[str, list[list[str]]] | None = None, environment: Mapping[str, str] | None = None,
    trying: bool = False, arguments: tuple[str, ...] = (), changed: Mapping[str, str] | None = None,
) -> Ran:  # fmt: skip
    """One k6 to its end. `rows` by the file of a table; `changed`: texts of the script, and those in their place."""
    folder.mkdir(exist_ok=True)
    script = build_script(plan, trying=trying)
    for text, instead in (changed or {}).items():
        assert text in script
        script = script.replace(text, instead)
    (folder / "script.js").write_text(script, encoding="utf-8")
    for name, table in (rows or {}).items():
        (folder / name).write_text(json.dumps(table), encoding="utf-8")
    samples = folder / "samples.json"
    shown = ("--log-output=stdout", "--log-format=raw") if trying else ()
    options = ("--quiet", "--no-usage-report", "--address", "", "--out", f"json={samples}", *shown, *arguments)
    done = subprocess.run(
        [k6, "run", *options, str(folder / "script.js")],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **(environment or {})},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    points: dict[str, list[dict[str, Any]]] = {}
    for line in samples.read_text(encoding="utf-8").splitlines() if samples.exists() else ():
        one = json.loads(line)
        if one["type"] == "Point":
            points.setdefault(one["metric"], []).append(one["data"])
    lines = done.stdout.splitlines()
    marked = [line.removeprefix(SUMMARY_MARK) for line in lines if line.startswith(SUMMARY_MARK)]
    said = [(line, told(line)) for line in done.stderr.splitlines(keepends=True)]
    log = "".join(line for line, marked in said if marked is None)
    return Ran(
        log=log + "\n".join(line for line in lines if not line.startswith((SUMMARY_MARK, STEP_MARK))),
        points=points,
        steps=[json.loads(line.removeprefix(STEP_MARK)) for line in lines if line.startswith(STEP_MARK)],
        metrics=json.loads(marked[0])["metrics"] if marked else {},
        exit_code=done.returncode,
        failed=tuple(json.loads(marked.removeprefix(FAILED_MARK)) for _line, marked in said if marked),
    )
