"""Schemathesis against the API's own document: no crash, no undocumented status, answers as described.

By HTTP, to a web process as `make run` starts it, alone: nobody takes what it starts, so no load is made.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.document import document
from metricvault.supervise.place import HOST, Place
from metricvault.supervise.programs import environment, web_command
from metricvault.supervise.watch import answers
from tests.migrated import fill_copy
from tests.product import READY_WITHIN, ROOT
from tests.servers import free_port, redis

pytestmark = pytest.mark.needs("redis-server")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Live streams do not end; an import reads addresses, and 502 is its honest answer where one does not exist.
LEFT_OUT = ("--exclude-path", "/sse/k6-data", "--exclude-path", "/openapi/analyze")
# How long it takes to make them up says nothing, least of all on a busy machine.
HOW = ("--checks", CHECKS, "--max-examples", "8", "--seed", "7", "--generation-database", "none",
       "--suppress-health-check", "too_slow")  # fmt: skip


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    """A web process of its own with the demo shop imported."""
    place = Place(free_port(), tmp_path / "copy")
    place.make_folders()
    fill_copy(place.data_dir)
    with redis(tmp_path / "redis") as broker, (place.logs / "web.log").open("wb") as log:
        small = {"REDIS_URL": broker, "METRICVAULT_MAX_VUS": "2", "PATH": os.environ["PATH"]}
        command = web_command(sys.executable, HOST, place.port)
        process = subprocess.Popen(command, cwd=ROOT, env=environment(place, small), stdout=log, stderr=log)
        try:
            client = httpx.Client(base_url=place.url, timeout=30)
            end = time.monotonic() + READY_WITHIN
            while not answers(place.port, "/healthz"):
                said = (place.logs / "web.log").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < end, said
                time.sleep(0.1)
            yield client
            client.close()
        finally:
            process.terminate()
            process.wait(20)


def same_again(described: dict[str, Any]) -> list[tuple[str, str]]:
    """(method, path) of the operations that take nothing but a body that an operation before them takes, too."""
    seen, found = set(), []
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            body = json.dumps(operation.get("requestBody"), sort_keys=True)
            if "requestBody" not in operation or operation.get("parameters"):
                continue
            if body in seen:
                found.append((method.upper(), path))
            seen.add(body)
    return found


def test_nothing_crashes_and_every_answer_is_as_described(api: httpx.Client, tmp_path: Path) -> None:
    project = api.post("/project", json={"title": "Fuzz"}).json()
    shop = {**document(), "servers": [{"url": "http://127.0.0.1:9"}]}
    imported = api.post("/openapi/analyze", json={"project_id": project["id"], "document": json.dumps(shop)})
    assert imported.status_code == 201, imported.text
    # The limits of every field, hundreds of requests, once for each kind of body; what is random for every operation.
    config = ["phases.examples.enabled = false", "phases.stateful.enabled = false"]
    for method, path in same_again(api.get("/api/openapi.json").json()):
        config += ["[[operations]]", f'include-name = "{method} {path}"', "phases.coverage.enabled = false"]
    (tmp_path / "st.toml").write_text("\n".join(config), encoding="utf-8")
    st = Path(sys.executable).with_name("st")
    command = [st, "--config-file", "st.toml", "run", *HOW, *LEFT_OUT, "--url", str(api.base_url)]
    done = subprocess.run(
        [*command, f"{api.base_url}/api/openapi.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert "passed" in done.stdout
