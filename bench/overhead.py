"""What measuring costs: `python -m bench.overhead [ROUNDS] [SECONDS]` prints requests/s as shares of bare k6.

Interleaved rounds of the same script against the same target on loopback, 20 virtual users:

- bare: k6 without any output
- product: k6 as the product runs it, with web process, worker, beat, Redis, store and a live page listening
- dashboard: the same, with k6's own dashboard as a plan may ask for it (`bench.dashboard` for longer runs)
- influxdb: k6 with `--out influxdb`, one point a sample, where InfluxDB 1.x is installed

"lost" compares k6's own count with what is stored afterwards. The target is nginx where it is installed, else the
demo API; with the latter the target's own work hides a part of the differences.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.k6_runs import K6, demo
from history.metrics import summary
from tests.listening import Listener
from tests.product import Product, free_port, running_product
from tests.servers import influxdb

USERS = 20
Result = tuple[float, int, int]  # requests/s, counted by k6, stored


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """nginx on loopback that answers 200 with a few bytes."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;\n"
        "events { worker_connections 512; }\n"
        f"http {{ access_log off; keepalive_requests 1000000;\n"
        f"client_body_temp_path {folder}; proxy_temp_path {folder};\n"
        f"fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ default_type text/plain; return 200 'ok'; }} }} }}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(["nginx", "-c", str(config), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def k6_result(script: Path, outputs: list[str], stored: Callable[[], int]) -> Result:
    """One run of k6 with the given `--out`s."""
    command = [K6, "run", "--quiet", "--no-usage-report", "--address", "", *outputs, str(script)]
    quiet = {"PATH": os.environ["PATH"], "HOME": str(script.parent), "K6_INFLUXDB_PUSH_INTERVAL": "1s"}
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
    (found,) = summary.find(done.stdout)
    count = int(found["metrics"]["http_reqs"]["values"]["count"])
    return count / (found["state"]["testRunDurationMs"] / 1000), count, stored()


def influx_result(address: str, script: Path) -> Result:
    """`--out influxdb`; every sample is one point of `http_reqs`."""
    httpx.post(f"{address}/query", params={"q": 'DROP DATABASE "k6"; CREATE DATABASE "k6"'})

    def stored() -> int:
        answer = httpx.get(
            f"{address}/query", params={"db": "k6", "q": 'SELECT sum("value") FROM "http_reqs"'}, timeout=60
        )
        series = answer.json()["results"][0].get("series")
        return int(series[0]["values"][0][1]) if series else 0

    return k6_result(script, ["--out", f"influxdb={address}/k6"], stored)


def product_result(product: Product, payload: dict) -> Result:
    """A run through the product's API, watched by a live page."""
    listener = Listener(product.url)
    run = product.start("Overhead", payload["scenarios"], k6_dashboard=payload.get("k6_dashboard", False))
    found = product.wait(run, within=600)
    listener.close()
    live = sum(one["requests"] for one in listener.seconds(run))
    return found["avg_tps"], found["total_requests"], live


def prepare(product: Product, target: str, seconds: int) -> tuple[dict, str]:
    """A project with one endpoint at `target`: the payload of a run, and its script."""
    document = {
        "openapi": "3.0.0",
        "info": {"title": "Target", "version": "1"},
        "servers": [{"url": target}],
        "paths": {"/health": {"get": {"responses": {"200": {"description": "ok"}}}}},
    }
    project = product.api.post("/project", json={"title": "Overhead"}).json()["id"]
    product.api.post("/openapi/analyze", json={"project_id": project, "document": json.dumps(document)})
    (endpoint,) = product.api.get("/endpoint", params={"project_id": project}).json()["items"]
    stages = [{"duration": seconds, "target": USERS}]
    one = {"name": "Load", "endpoint_id": endpoint["id"], "executor": "constant-vus", "stages": stages}
    payload = {"title": "Overhead", "scenarios": [one]}
    return payload, product.api.post("/load-testing/preview", json=payload).json()["script"]


def main() -> None:
    """Runs the rounds and prints the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with_influx = bool(shutil.which("influxd"))
        target = nginx(folder) if shutil.which("nginx") else demo(free_port())
        with target as address, running_product(folder / "copy") as product:
            payload, script = prepare(product, address, seconds)
            file = folder / "script.js"
            file.write_text(script, encoding="utf-8")
            ways: dict[str, Callable[[], Result]] = {
                "bare": lambda: k6_result(file, [], lambda: 0),
                "product": lambda: product_result(product, payload),
                "dashboard": lambda: product_result(product, {**payload, "k6_dashboard": True}),
            }
            if with_influx:
                with influxdb(folder / "influxdb") as influx:
                    show(measure({**ways, "influxdb": lambda: influx_result(influx, file)}, rounds))
            else:
                show(measure(ways, rounds))
                print("influxdb: not installed here, so not measured")


def measure(ways: dict[str, Callable[[], Result]], rounds: int) -> dict[str, list[Result]]:
    """Every way once a round, so that what else the machine does falls on all of them."""
    results: dict[str, list[Result]] = {way: [] for way in ways}
    for number in range(rounds):
        for way, run in ways.items():
            results[way].append(run())
            rate, count, stored = results[way][-1]
            print(
                f"round {number + 1} {way:<9} {rate:>9.0f} requests/s {count:>9} counted {stored:>9} stored", flush=True
            )
    return results


def show(results: dict[str, list[Result]]) -> None:
    """Medians as shares of bare, and what was lost."""
    bare = [rate for rate, _, _ in results["bare"]]
    print(f"\n{'':<9} {'share of bare':>14} {'median req/s':>13} {'lost':>9}")
    for way, found in results.items():
        share = statistics.median(rate / base for (rate, _, _), base in zip(found, bare, strict=True))
        median = statistics.median(rate for rate, _, _ in found)
        lost = "-" if way == "bare" else str(sum(count - stored for _, count, stored in found))
        print(f"{way:<9} {share:>14.3f} {median:>13.0f} {lost:>9}")


if __name__ == "__main__":
    main()
