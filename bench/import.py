"""How fast a large document becomes endpoints: `python -m bench.import [DOCUMENT]` prints seconds, memory and pages.

The document is GitHub's description (13 MB of JSON, 1,223 operations) where it lies beside the checkout, else one of
that size made here. It is uploaded to one real uvicorn on SQLite, as JSON and as YAML; a real worker validates it
afterwards. "On the page" is from sending the upload to having the page of the document, endpoints and all. Memory is
that of the web process and everything it started, sampled each 20 ms; the page's time is the median of 20 requests.
Aims: 5 s as JSON, 20 s as YAML, 600 MB, 150 ms.
"""
# ruff: noqa: N999 - the command is called so

import json
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from bench.web_process import ROOT, Web, web_process
from metricvault.supervise.programs import worker_command
from projects.tests.documents import PUBLISHED

OPERATIONS = 1223
ROUNDS = 20


def document() -> tuple[str, bytes]:
    """Its name and its text, which is JSON."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PUBLISHED / "documents" / "github-api.json"
    if path.is_file():
        return path.name, path.read_bytes()
    return "made here, of the size of GitHub's", json.dumps(made_up(), indent=1).encode()


def made_up() -> dict[str, Any]:
    """1,223 operations with schemas and examples of their own, 13 MB."""
    fields = {f"field_{number}": {"type": "string", "description": "What it means. " * 6} for number in range(60)}
    schemas = {f"Thing{number}": {"type": "object", "properties": fields} for number in range(OPERATIONS)}
    paths = {}
    for number in range(OPERATIONS):
        schema = {"$ref": f"#/components/schemas/Thing{number}"}
        content = {"application/json": {"schema": schema}}
        own = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
        paths[f"/things-{number}/{{id}}"] = {
            "post": {
                "tags": [f"tag {number % 45}"],
                "summary": f"Thing {number}",
                "parameters": [own],
                "requestBody": {"content": content},
                "responses": {"200": {"description": "ok", "content": content}},
            }
        }
    head = {"openapi": "3.0.3", "info": {"title": "Things", "version": "1"}}
    return {**head, "servers": [{"url": "https://api.example.com"}], "paths": paths, "components": {"schemas": schemas}}


class Memory:
    """The peak of what a process and its children hold, in MB, while the block lasts."""

    def __init__(self, process: psutil.Process) -> None:
        self.process, self.peak, self.over = process, 0.0, threading.Event()

    def __enter__(self) -> "Memory":
        threading.Thread(target=self.watch, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.over.set()

    def watch(self) -> None:
        while not self.over.wait(0.02):
            held = 0
            for one in [self.process, *self.process.children(recursive=True)]:
                try:
                    held += one.memory_info().rss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, held / 1024 / 1024)


def upload(web: Web, client: httpx.Client, name: str, text: bytes) -> int:
    """Imports, prints a line of the table; answers the key of the document."""
    project = client.post("/project", json={"title": name}).json()["id"]
    with Memory(web.process) as memory:
        begin = time.perf_counter()
        answer = client.post(
            "/openapi/analyze", data={"project_id": project}, files={"file": (name, text)}, timeout=300
        )
        page = client.get(f"/projects/specs/{answer.json()['id']}/")
        took = time.perf_counter() - begin
    assert (answer.status_code, page.status_code) == (201, 200), answer.text[:500]
    count = answer.json()["endpoint_count"]
    print(f"{name:<24}{len(text) / 1e6:>8.1f} MB{count:>12}{took:>14.1f} s{memory.peak:>14.0f} MB", flush=True)
    return int(answer.json()["id"])


def look(web: Web, client: httpx.Client, key: int) -> None:
    """Times the pages of a document."""
    htmx = {"HX-Request": "true"}
    pages: list[tuple[str, str, dict[str, str]]] = [
        ("page of the document", f"/projects/specs/{key}/", {}),
        ("second page of the table", f"/projects/specs/{key}/?page=2", htmx),
        ("filter “pull”", f"/projects/specs/{key}/?q=pull", htmx),
        ("filter “zzz”", f"/projects/specs/{key}/?q=zzz", htmx),
        ("GET /endpoint?limit=500", f"/endpoint?openapi_spec_id={key}&limit=500", {}),
    ]
    print("\npage                       median     slowest         CPU       size")
    for name, path, headers in pages:
        waits, before = [], sum(web.process.cpu_times()[:2])
        for _round in range(ROUNDS):
            begin = time.perf_counter()
            answer = client.get(path, headers=headers)
            waits.append(1000 * (time.perf_counter() - begin))
            assert answer.status_code == 200, path
        size, cpu = len(answer.content) / 1000, 1000 * (sum(web.process.cpu_times()[:2]) - before) / ROUNDS
        print(
            f"{name:<24}{statistics.median(waits):>7.0f} ms{max(waits):>9.0f} ms{cpu:>9.0f} ms{size:>8.0f} kB",
            flush=True,
        )


def validated(web: Web, client: httpx.Client, key: int) -> str:
    """How long it takes until the findings are there."""
    worker = [*worker_command(sys.executable), "--beat", "--schedule", str(web.data_dir / "schedule")]
    begin = time.perf_counter()
    process = subprocess.Popen(worker, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - begin < 300:
            found = client.get(f"/openapi/{key}").json()["validation"]
            if found["state"] in ("done", "failed"):
                count = found["finding_count"]
                return f"{found['state']} after {time.perf_counter() - begin:.0f} s with {count} findings"
            time.sleep(0.5)
        return "not ended after 300 s"
    finally:
        process.terminate()
        process.wait(20)


def main() -> None:
    """Prints the tables."""
    name, as_json = document()
    content = json.loads(as_json)
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    as_yaml = yaml.dump(content, Dumper=dumper, sort_keys=False, allow_unicode=True).encode()
    print(name)
    with web_process(False) as web, httpx.Client(base_url=f"http://127.0.0.1:{web.port}", timeout=60) as client:
        client.get("/")
        print("document                    size   endpoints   on the page   peak memory")
        key = upload(web, client, "as JSON", as_json)
        upload(web, client, "as YAML", as_yaml)
        look(web, client, key)
        print(f"\nvalidation in the background, worker's start included: {validated(web, client, key)}")


if __name__ == "__main__":
    main()
