"""A real HTTP server that grants access tokens, each with a number of its own, and keeps what it was asked."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus


@dataclass
class TokenServer:
    """`asked` are (form, headers) of the requests so far. `status`, `answer` and `delay` (seconds) may be changed;
    without an `answer` it grants `token-1`, `token-2` … for `lifetime` seconds."""

    url: str = ""
    lifetime: float | None = 3600
    status: int = 200
    answer: Any = None
    delay: float = 0.0
    asked: list[tuple[dict[str, str], dict[str, str]]] = field(default_factory=list)

    def client(self) -> tuple[str, str]:
        """Who the client of the last request said to be, by HTTP basic."""
        login = base64.b64decode(self.asked[-1][1]["Authorization"].removeprefix("Basic ")).decode()
        name, _colon, secret = login.partition(":")
        return unquote_plus(name), unquote_plus(secret)


@contextmanager
def token_server() -> Iterator[TokenServer]:
    """One on loopback, ended with the block."""
    kept, lock = TokenServer(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
            with lock:
                kept.asked.append((form, dict(self.headers)))
                granted = {"access_token": f"token-{len(kept.asked)}", "token_type": "Bearer"}
            time.sleep(kept.delay)
            if kept.lifetime is not None:
                granted["expires_in"] = kept.lifetime
            answer = granted if kept.answer is None else kept.answer
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(kept.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}/oauth/token"
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
