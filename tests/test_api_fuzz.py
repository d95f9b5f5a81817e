"""Schemathesis against the API's own document, with tokens of each scope: no crash, no undocumented status, answers as
described, and nothing beyond the scope.

By HTTP, to a web process as `make run` starts it, alone: nobody takes what it starts, so no load is made.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from demo.document import document
from metricvault.supervise.place import HOST, Place
from metricvault.supervise.programs import environment, web_command
from metricvault.supervise.watch import answers
from projects.api_tokens import RUN_ROUTES
from tests.migrated import fill_copy
from tests.product import READY_WITHIN, ROOT
from tests.servers import free_port, redis

pytestmark = [pytest.mark.needs("redis-server"), pytest.mark.thorough]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,each_scope"
# Live streams do not end; an import reads addresses, and 502 is its honest answer where one does not exist.
LEFT_OUT = ("--exclude-path", "/sse/k6-data", "--exclude-path", "/openapi/analyze")
# METRICVAULT_LONG=1 (`make test-long`): the limits of every field besides, and more at random.
LONG = os.environ.get("METRICVAULT_LONG") == "1"
# How long it takes to make them up says nothing, least of all on a busy machine.
HOW = ("--checks", CHECKS, "--max-examples", "6" if LONG else "2", "--seed", "7", "--generation-database", "none",
       "--suppress-health-check", "too_slow")  # fmt: skip


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    """A web process of its own with the demo shop imported."""
    place = Place(free_port(), tmp_path / "copy")
    place.make_folders()
    fill_copy(place.data_dir)
    with redis(tmp_path / "redis") as broker, (place.logs / "web.log").open("wb") as log:
        small = {"REDIS_URL": broker, "METRICVAULT_MAX_VUS": "2", "PATH": os.environ["PATH"]}
        small |= {f"METRICVAULT_RATE_{what.upper()}": "off" for what in settings.METRICVAULT_RATES}  # else 429 hides it
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


def token(api: httpx.Client, scope: str, project: str = "") -> str:
    """A new API token, made on its page."""
    page = "/accounts/tokens/"
    secret = re.search(r'"X-CSRFToken": "(\w+)"', api.get(page, headers={"Accept": "text/html"}).text)
    assert secret is not None
    form = {"name": f"fuzz {scope}", "scope": scope, "project": project, "days": "30"}
    found = re.search(r"mv_[\w-]{43}", api.post(page, data=form, headers={"X-CSRFToken": secret[1]}).text)
    assert found is not None
    return found[0]


def scopes(api: httpx.Client, elsewhere: int) -> dict[str, str]:
    """The environment of tests/fuzz_scopes.py."""
    tokens = {"read": token(api, "read"), "run": token(api, "run"), "none": "mv_nobody"}
    tokens["another project"] = token(api, "admin", str(elsewhere))
    runs = ["POST /" + re.sub("<int:(.*?)>", r"{\1}", route) for route in sorted(RUN_ROUTES)]
    return {"METRICVAULT_FUZZ_TOKENS": json.dumps(tokens), "METRICVAULT_FUZZ_RUNS": json.dumps(runs)}


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


@pytest.mark.parametrize("scope", ["admin", pytest.param("run", marks=pytest.mark.long),
                                   pytest.param("read", marks=pytest.mark.long)])  # fmt: skip
def test_nothing_crashes_and_every_answer_is_as_described(scope: str, api: httpx.Client, tmp_path: Path) -> None:
    project, other = (api.post("/project", json={"title": title}).json() for title in ("Fuzz", "Other"))
    shop = {**document(), "servers": [{"url": "http://127.0.0.1:9"}]}
    imported = api.post("/openapi/analyze", json={"project_id": project["id"], "document": json.dumps(shop)})
    assert imported.status_code == 201, imported.text
    # The limits of every field, hundreds of requests, once for each kind of body; what is random for every operation.
    # tests/access asks each address for other methods.
    config = [
        f'hooks = "{Path(__file__).with_name("fuzz_scopes.py")}"',
        "phases.examples.enabled = false",
        "phases.stateful.enabled = false",
        "phases.coverage.unexpected-methods = []",
    ]
    if not LONG:
        config.append("phases.coverage.enabled = false")
    for method, path in same_again(api.get("/api/openapi.json").json()) if LONG else ():
        config += ["[[operations]]", f'include-name = "{method} {path}"', "phases.coverage.enabled = false"]
    (tmp_path / "st.toml").write_text("\n".join(config), encoding="utf-8")
    st = Path(sys.executable).with_name("st")
    shown = ("--header", f"Authorization: Bearer {token(api, scope)}")
    command = [st, "--config-file", "st.toml", "run", *HOW, *LEFT_OUT, *shown, "--url", str(api.base_url)]
    more = {**os.environ, **scopes(api, other["id"])}
    done = subprocess.run(
        [*command, f"{api.base_url}/api/openapi.json"],
        cwd=tmp_path,
        env=more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert "passed" in done.stdout
