"""Secrets of every kind, through the whole product with the real k6, against a target that gives back all it gets and
fails: looked for afterwards wherever somebody could read them."""

import base64
import json
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest

from tests.product import Product

pytestmark = [pytest.mark.needs("k6", "redis-server")]

# Nothing in them that stands elsewhere; signs that JSON, forms, addresses and HTML write otherwise.
SECRETS = {
    "variable": 'v4riable-"&<secret>', "bearer": "b3arer-token-of-ours", "basic": 'b4sic/pw+&"ours',
    "header": "h3ader-key-of-ours", "query": "qu3ry-key/of+ours", "client": "cl1ent-secret-of-ours",
    "document": "d0cument-header-of-ours",
    "login": "l0gin-in-an-address", "token": "t0ken-that-was-granted",
}  # fmt: skip
SCHEMES: dict[str, dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Shop-Pass"},
    "query": {"type": "apiKey", "in": "query", "name": "pass"},
    "oauth": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}},
}


@dataclass
class Target:
    """A server that answers 500 with all that it was sent, and gives tokens; `seen` is what it was sent."""

    url: str = ""
    seen: list[str] = field(default_factory=list)


@contextmanager
def echoing() -> Iterator[Target]:
    target = Target()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            said = f"{self.path}\n{self.headers}\n{body}"
            target.seen.append(said)
            status, kind, text = 500, "text/plain", said
            if self.path.startswith("/token"):
                status, kind = 200, "application/json"
                text = json.dumps({"access_token": SECRETS["token"], "expires_in": 600})
            if self.path.startswith("/openapi.json"):
                given = self.headers.get("X-Doc", "") == SECRETS["document"]
                status, kind, text = (
                    (200, "application/json", document(target.url)) if given else (401, "text/plain", said)
                )
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("X-Echo", quote(self.headers.get("Authorization", "none"), safe=" "))
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    target.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield target
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def document(url: str) -> str:
    paths = {f"/by-{name}": {"post": operation(name)} for name in SCHEMES}
    info = {"title": "Echo", "version": "1"}
    components = {"securitySchemes": SCHEMES}
    return json.dumps(
        {"openapi": "3.0.3", "info": info, "servers": [{"url": url}], "paths": paths, "components": components}
    )


def operation(scheme: str) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return {
        "operationId": scheme,
        "security": [{scheme: []}],
        "requestBody": body,
        "responses": {"200": {"description": ""}},
    }


def forms(secret: str) -> set[str]:
    """The ways in which it may be written down; those of another secret's place in base64 are not all there are."""
    basic = {base64.b64encode(f"{who}:{secret}".encode()).decode() for who in ("loader", "shop")}
    return {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], escape(secret), *basic}


def found_in(text: str) -> list[str]:
    return sorted(name for name, secret in SECRETS.items() if any(form in text for form in forms(secret)))


class Watcher(threading.Thread):
    """While a run goes on: what the lists of processes say, what live pages are sent, and the modes of its folder."""

    def __init__(self, product: Product) -> None:
        super().__init__(daemon=True)
        self.product, self.over = product, threading.Event()
        self.commands, self.live, self.open_files, self.folders = "", "", set[str](), 0

    def run(self) -> None:
        listener = threading.Thread(target=self.listen, daemon=True)
        listener.start()
        while not self.over.wait(0.1):
            for process in psutil.process_iter():
                with suppress(psutil.Error):
                    self.commands += " ".join(process.cmdline())
            for path in (self.product.data_dir / "runs").rglob("*"):
                with suppress(OSError):
                    self.folders += path.is_dir()
                    if stat.S_IMODE(path.lstat().st_mode) & 0o077:
                        self.open_files.add(f"{path.name} {stat.filemode(path.lstat().st_mode)}")
        listener.join(5)

    def listen(self) -> None:
        with suppress(httpx.HTTPError), httpx.stream("GET", f"{self.product.url}/sse/k6-data", timeout=3) as answer:
            for text in answer.iter_text():
                self.live += text
                if self.over.is_set():
                    return


def environment_of(product: Product, project: int, target: Target) -> int:
    where = f"{target.url}/token"
    credentials = [
        {"scheme": "bearer", "kind": "bearer", "token": SECRETS["bearer"]},
        {"scheme": "basic", "kind": "basic", "username": "loader", "password": SECRETS["basic"]},
        {"scheme": "header", "kind": "api_key", "key": SECRETS["header"]},
        {"scheme": "query", "kind": "api_key", "key": SECRETS["query"]},
        {"scheme": "oauth", "client_id": "shop", "client_secret": SECRETS["client"], "token_url": where},
    ]  # fmt: skip
    body = {"project_id": project, "name": "Echo", "base_url": target.url, "credentials": credentials}
    body["variables"] = [{"name": "pin", "value": SECRETS["variable"], "secret": True}]
    answer = product.api.post("/environment", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def in_database(product: Product) -> str:
    """Every text of every row."""
    with closing(sqlite3.connect(product.data_dir / "metricvault.sqlite3")) as opened:
        opened.text_factory = lambda raw: raw.decode(errors="replace")
        tables = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(str(row) for table in tables for row in opened.execute(f'SELECT * FROM "{table}"'))


def in_files(product: Product) -> str:
    """Logs, scripts, what is left of runs; not the database's own files, whose texts are looked at by themselves."""
    found = [path for path in product.data_dir.rglob("*") if path.is_file() and "sqlite3" not in path.name]
    return "\n".join(
        f"{path.name}\n{path.read_text(errors='replace')}" for path in found if path.stat().st_size < 5_000_000
    )


def in_redis(product: Product) -> str:
    from redis import Redis

    with Redis(unix_socket_path=str(product.data_dir / "redis.sock")) as client:
        return "\n".join(repr(client.dump(key)) for key in client.scan_iter())


def test_no_secret_is_where_somebody_could_read_it(product: Product) -> None:
    with echoing() as target:
        project = product.api.post("/project", json={"title": "Echo"}).json()["id"]
        # Three ways of failing to fetch, with a login in the address; then one that works, with a secret header.
        with_login = target.url.replace("//", f"//loader:{quote(SECRETS['login'], safe='')}@")
        said = [
            product.api.post("/openapi/analyze", json={"project_id": project, "openapi_url": url})
            for url in (f"{with_login}/openapi.json", with_login.rpartition(":")[0] + ":9/x", f"{with_login}/[bad")
        ]
        assert all(answer.status_code >= 400 for answer in said)
        headers = {"X-Doc": SECRETS["document"]}
        source = {"project_id": project, "openapi_url": f"{target.url}/openapi.json", "headers": headers}
        answer = product.api.post("/openapi/analyze", json=source)
        assert answer.status_code == 201, answer.text
        items = product.api.get("/endpoint", params={"project_id": project}).json()["items"]
        environment = environment_of(product, project, target)
        refused = product.api.post(
            "/environment", json={"project_id": project, "name": "login", "base_url": with_login, "credentials": []}
        )
        steps = [{"endpoint_id": one["id"], "body": '{"pin": "{{pin}}"}'} for one in items]
        watcher = Watcher(product)
        watcher.start()
        run, details = ran(product, project, environment, steps, 3)
    # The target is gone: k6 itself logs what it asked for.
    gone, without = ran(product, project, environment, steps, 1)
    watcher.over.set()
    watcher.join(10)
    assert details["status"] == "completed", details["message"]
    assert details["failed_requests"] == details["total_requests"] > 5
    assert "connection refused" in product.api.get(f"/runs/{gone}/log").text, without["message"]
    # They did arrive: what is looked for is what was sent.
    assert set(found_in("\n".join(target.seen))) == set(SECRETS)
    assert watcher.folders
    assert watcher.open_files == set()
    places = {
        "answers": "\n".join(one.text for one in (*said, answer, refused)),
        "process list": watcher.commands,
        "live messages": watcher.live,
        "database": in_database(product),
        "files": in_files(product),
        "redis": in_redis(product),
        **{path: page(product, path) for path in shown((run, gone), environment, project)},
    }
    assert {place: found_in(text) for place, text in places.items()} == {place: [] for place in places}

    assert (
        "••••••" in places[f"/runs/{run}/failures/"]
    )  # k6 told of what came back, and what was secret in it is hidden


def ran(product: Product, project: int, environment: int, steps: list[Any], seconds: int) -> tuple[int, dict[str, Any]]:
    """A run of one user, and how it ended."""
    scenario = {"name": "Echo", "executor": "constant-vus", "think_time": 0.2, "steps": steps, "error_rate_target": 0}
    stages = {"stages": [{"duration": seconds, "target": 1}]}
    run = product.start("Echo", [{**scenario, **stages}], project_id=project, environment_id=environment)
    return run, product.wait(run)


def page(product: Product, path: str) -> str:
    answer = product.api.get(path)
    log = (product.data_dir / "logs" / "web.log").read_text()
    assert answer.status_code == 200, f"{path}: {answer.status_code}\n{log[-3000:]}"
    return answer.text


def shown(runs: tuple[int, ...], environment: int, project: int) -> list[str]:
    """What people and programs may look at of it."""
    api = ("details", "script", "failures")
    pages = ("", "log", "script", "failures/", "export.json", "export.csv", "report.html", "junit.xml")
    found = [f"/test-history/{run}/{name}" for run in runs for name in api]
    found += [f"/runs/{run}/{name}" for run in runs for name in pages]
    return [*found, f"/projects/{project}/", f"/environment/{environment}", "/runs/", "/metrics"]
