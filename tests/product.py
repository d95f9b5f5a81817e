"""The whole product as `make run` starts it, in a folder and on ports of its own: for end-to-end tests and benches."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.migrated import POSTGRES_TEMPLATE, fill_copy
from tests.servers import free_port, new_database, redis_server, running

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 90.0
FINISHED = {"completed", "failed", "stopped", "timed_out"}


class Product:
    """A running copy: `api` speaks to it, `demo` to the demo API beside it."""

    def __init__(self, process: "subprocess.Popen[str]", data_dir: Path, port: int, demo_port: int) -> None:
        self.process, self.data_dir, self.port = process, data_dir, port
        self.url, self.demo_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{demo_port}"
        self.api = httpx.Client(base_url=self.url, timeout=30)
        self.demo = httpx.Client(base_url=self.demo_url, timeout=30)
        self.listener: threading.Thread | None = None

    def processes(self, word: str) -> list[psutil.Process]:
        """The processes of this copy whose command line holds `word`."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("METRICVAULT_COPY") == str(self.data_dir)
                folder = any(str(self.data_dir) in part for part in process.cmdline())
                if (mine or folder) and any(word in part for part in process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def imported_demo(self, title: str, base_url: str = "") -> dict[str, dict[str, Any]]:
        """A new project with the demo's document; its endpoints by "METHOD /path". `base_url`: where load reaches the
        demo, if not at its own address."""
        project = self.api.post("/project", json={"title": title}).json()
        source: dict[str, Any] = {"openapi_url": f"{self.demo_url}/openapi.json"}
        if base_url:
            document = self.demo.get("/openapi.json").json()
            source = {"document": json.dumps({**document, "servers": [{"url": base_url}]})}
        answer = self.api.post("/openapi/analyze", json={"project_id": project["id"], **source})
        assert answer.status_code == 201, answer.text
        endpoints = self.api.get("/endpoint", params={"project_id": project["id"], "limit": 500}).json()["items"]
        return {f"{one['method']} {one['path']}": one for one in endpoints}

    def start(self, title: str, scenarios: list[dict[str, Any]], **more: Any) -> int:
        """Starts a load test; the id of its run."""
        answer = self.api.post("/load-testing", json={"title": title, "scenarios": scenarios, **more})
        assert answer.status_code == 202, answer.text
        return int(answer.json()["test_history_id"])

    def details(self, run: int) -> dict[str, Any]:
        """`GET /test-history/{id}/details`."""
        return dict(self.api.get(f"/test-history/{run}/details").json())

    def wait(
        self, run: int, ready: Callable[[dict[str, Any]], bool] | None = None, within: float = 60
    ) -> dict[str, Any]:
        """The details once `ready` says so; without it, once the run is over."""
        begin = time.monotonic()
        while (waited := time.monotonic() - begin) < within:
            found = self.details(run)
            if (ready or (lambda one: one["status"] in FINISHED))(found):
                return found
            time.sleep(0.2 if waited < 1 else 0.5)  # each look is 20 ms of a core that others need
        raise AssertionError(f"run {run} after {within} s: {found['status']}, {found['message']}")


@contextmanager
def running_product(data_dir: Path, first_run: bool = False, **environ: str) -> Iterator[Product]:
    """Starts a copy and ends it as Ctrl-C does; nothing may be left of it then."""
    port, demo_port = int(environ.get("PORT") or free_port()), free_port()
    own = {"PORT": str(port), "METRICVAULT_DATA_DIR": str(data_dir), "METRICVAULT_DEMO_PORT": str(demo_port)}
    data_dir.mkdir(parents=True, exist_ok=True)
    if not first_run:
        (data_dir / "demo-address").write_text(f"http://127.0.0.1:{demo_port}", encoding="utf-8")
    with ExitStack() as servers:
        outside = _on_servers(data_dir, servers) if os.environ.get("METRICVAULT_TEST_SERVERS") else {}
        if not first_run and "DATABASE_URL" not in {**outside, **environ}:
            fill_copy(data_dir)
        with _started(data_dir, (port, demo_port), {**_inherited(), **outside, **own, **environ}) as product:
            yield product


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("METRICVAULT_", "DJANGO_"))}


def _on_servers(data_dir: Path, servers: ExitStack) -> dict[str, str]:
    """tests/on_servers.py runs the tests: databases of this copy alone on its servers, and a Redis."""
    name = f"copy_{hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]}"
    store = os.environ.get("METRICVAULT_METRICS_STORE", "database")
    found = {"METRICVAULT_METRICS_STORE": store, "INFLUXDB_DATABASE": name}
    if url := os.environ.get("DATABASE_URL"):
        found["DATABASE_URL"] = new_database(url, name, os.environ.get(POSTGRES_TEMPLATE, "template1"))
    if os.environ.get("REDIS_URL"):  # not in the copy's folder: what runs there ends with the copy
        apart = Path(servers.enter_context(tempfile.TemporaryDirectory(prefix="metricvault-redis-")))
        found["REDIS_URL"] = servers.enter_context(running(redis_server(apart)))
    return found


@contextmanager
def _started(data_dir: Path, ports: tuple[int, int], environ: dict[str, str]) -> Iterator[Product]:
    process = subprocess.Popen(
        [sys.executable, "-m", "metricvault.supervise"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    product = Product(process, data_dir.resolve(), *ports)
    said: list[str] = []
    try:
        _until_ready(product, said)
        yield product
    finally:
        product.api.close()
        product.demo.close()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError("the product did not end:\n" + "".join(said)) from None
        finally:
            if product.listener:
                product.listener.join(5)
            if process.stdout:
                process.stdout.close()


def _until_ready(product: Product, said: list[str]) -> None:
    """Until it prints its address, which it does once it answers."""
    stdout = product.process.stdout
    assert stdout is not None
    address = threading.Event()

    def listen() -> None:
        for line in stdout:
            said.append(line)
            if product.url in line:
                address.set()

    product.listener = threading.Thread(target=listen, daemon=True)
    product.listener.start()
    end = time.monotonic() + READY_WITHIN
    while not address.wait(0.2):
        if product.process.poll() is not None or time.monotonic() > end:
            logs = "".join(path.read_text()[-2000:] for path in sorted((product.data_dir / "logs").glob("*")))
            raise AssertionError("the product did not start:\n" + "".join(said) + logs)
