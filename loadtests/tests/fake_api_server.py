"""A fake of a cluster's API server on loopback, for odd answers that a real one cannot be made to give at will."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """`parts`: the body, sent in these pieces (chunked where `chunked`), after `delay` seconds. `cut`: the connection
    breaks after them, before the body is whole."""

    parts: tuple[bytes, ...] = (b"{}",)
    status: int = 200
    delay: float = 0.0
    chunked: bool = False
    cut: bool = False


def given(body: Json, status: int = 200) -> Answer:
    """An object."""
    return Answer((json.dumps(body).encode(),), status)


def said(status: int, message: str = "", reason: str = "") -> Answer:
    """A Status object, as an API server refuses."""
    body = {"kind": "Status", "status": "Failure", "message": message, "reason": reason, "code": status}
    return Answer((json.dumps(body).encode(),), status)


def listed(*items: Json, version: str = "100") -> Answer:
    """A list of pods."""
    return Answer((json.dumps({"metadata": {"resourceVersion": version}, "items": items}).encode(),))


def watched(*changes: Json, cut: bool = False) -> Answer:
    """A watch that tells of these changes, one a piece, and ends."""
    return Answer(tuple(json.dumps(one).encode() + b"\n" for one in changes), chunked=True, cut=cut)


@dataclass
class FakeApiServer:
    """`routes` by method and end of the path ("GET /pods"), else `answers` in order, the last one again and again;
    `asked` is what was asked: (method, path, query, body)."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    routes: dict[str, Answer] = field(default_factory=dict)
    on_request: Callable[[], None] = lambda: None

    def next(self, method: str, path: str) -> Answer:
        for route, answer in self.routes.items():
            wanted, _gap, end = route.partition(" ")
            if method == wanted and path.endswith(end):
                return answer
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def kubeconfig(self, folder: Path) -> str:
        """A file that names this server."""
        path = folder / "fake.kubeconfig"
        context = {"name": "fake", "context": {"cluster": "fake", "user": "fake"}}
        users = [{"name": "fake", "user": {"token": "t0ken"}}]
        clusters = [{"name": "fake", "cluster": {"server": self.url}}]
        whole = {"apiVersion": "v1", "kind": "Config", "current-context": "fake", "contexts": [context]}
        path.write_text(json.dumps({**whole, "users": users, "clusters": clusters}), encoding="utf-8")
        return str(path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeApiServer

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        at = urlsplit(self.path)
        self.fake.asked.append((self.command, at.path, dict(parse_qsl(at.query)), body))
        self.fake.types.append(self.headers.get("Content-Type", ""))
        self.fake.on_request()
        answer = self.fake.next(self.command, at.path)
        time.sleep(answer.delay)
        self.send_response(answer.status)
        size = sum(len(part) for part in answer.parts)
        named = ("Transfer-Encoding", "chunked") if answer.chunked else ("Content-Length", str(size + answer.cut))
        self.send_header(*named)
        self.end_headers()
        for part in answer.parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if answer.chunked else part)
        if answer.cut:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif answer.chunked:
            self.wfile.write(b"0\r\n\r\n")

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # who asked did not wait for the answer


@contextmanager
def fake_api_server(*answers: Answer) -> Iterator[FakeApiServer]:
    """One that gives these answers."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    handler.fake = fake = FakeApiServer(f"http://127.0.0.1:{server.server_address[1]}", list(answers))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
