"""Pieces the benches share: a place for k6's pushes, and exact numbers from k6's raw samples."""

import http.server
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from loadtests.k6.command import local_command

K6 = str(Path(sys.executable).with_name("k6"))


@contextmanager
def demo(port: int) -> Iterator[str]:
    """The demo API on loopback: its address."""
    process = subprocess.Popen([sys.executable, "-m", "demo", "--port", str(port)])
    base = f"http://127.0.0.1:{port}"
    try:
        for _attempt in range(100):
            try:
                httpx.get(f"{base}/openapi.json")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            raise SystemExit("The demo API did not start.")
        yield base
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True)
class Run:
    """What one run of k6 pushed, printed, and measured sample by sample."""

    caught: list[tuple[float, bytes]]
    output: str
    exit_code: int
    exact: dict[str, Any]


def run_beside_samples(script: str, folder: Path) -> Run:
    """Runs `script` with our pushes caught and k6's raw samples kept beside them."""
    file, samples = folder / "script.js", folder / "samples.json"
    file.write_text(script, encoding="utf-8")
    with push_catcher() as (url, caught):
        arguments, environment = local_command("1", "1", url, "token")
        command = [K6, *arguments, "--out", f"json={samples}", str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return Run(caught, done.stdout, done.returncode, exact(samples))


@contextmanager
def push_catcher() -> Iterator[tuple[str, list[tuple[float, bytes]]]]:
    """A server on loopback that keeps what is pushed to it: (its address, [(time, body), …])."""
    caught: list[tuple[float, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            caught.append((time.time(), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/write", caught
    finally:
        server.shutdown()
        server.server_close()


def exact(samples: Path) -> dict[str, Any]:
    """Counts and response times (ms) from k6's `--out json` file, whole and by scenario_tag.

    Percentiles are of the sorted values, linearly interpolated between neighbours, as k6's own summary does.
    """
    times: dict[str, list[float]] = {}
    failures: dict[str, int] = {}
    with samples.open(encoding="utf-8") as lines:
        for line in lines:
            if '"http_req_duration"' not in line or '"type":"Point"' not in line:
                continue
            data = json.loads(line)["data"]
            tag = data["tags"].get("scenario_tag", "")
            times.setdefault(tag, []).append(data["value"])
            failures[tag] = failures.get(tag, 0) + (data["tags"].get("expected_response") == "false")
    everything = [value for values in times.values() for value in values]
    scenarios = {tag: _numbers(values, failures[tag]) for tag, values in sorted(times.items())}
    return {**_numbers(everything, sum(failures.values())), "scenarios": scenarios}


def _numbers(values: list[float], failures: int) -> dict[str, float]:
    ordered = sorted(values)
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
    return {
        "requests": len(ordered),
        "failures": failures,
        "avg": sum(ordered) / len(ordered),
        "min": ordered[0],
        "max": ordered[-1],
        **{name: percentile(ordered, share) for name, share in shares.items()},
    }


def percentile(ordered: list[float], share: float) -> float:
    """k6's definition (metrics.TrendSink.P): linear between the two neighbours of rank share·(n-1)."""
    rank = share * (len(ordered) - 1)
    low, high = math.floor(rank), math.ceil(rank)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)
