"""A network that misbehaves between k6 and the product, when it is told to: pushes come twice, late and out of order;
none is lost."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

LATE = 2.5  # seconds


@contextmanager
def unruly_network() -> Iterator["UnrulyNetwork"]:
    """A proxy on loopback; `target` is set once the product's address is known."""
    network = UnrulyNetwork()
    try:
        yield network
    finally:
        network.server.shutdown()
        network.server.server_close()


class UnrulyNetwork:
    """Of five pushes one arrives twice, one late (after the next one), the others as sent. As long as it is `calm`, all
    arrive as sent, and k6 hears what the product answers."""

    def __init__(self) -> None:
        self.target = ""
        self.calm = False
        self.pushes = self.twice = self.late = 0
        network = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name: self.headers[name] for name in ("Authorization", "Content-Type", "Content-Encoding")}
                self.send_response(network.forward(self.path, body, headers))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where k6 is told to push."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def forward(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        """Sends one push on, in its way; the status of the answer to k6."""
        if self.calm:
            return self._send(path, body, headers)
        self.pushes += 1
        if self.pushes % 5 == 2:
            self.late += 1
            threading.Thread(target=self._send, args=(path, body, headers, LATE), daemon=True).start()
            return 204
        self._send(path, body, headers)
        if self.pushes % 5 == 4:
            self.twice += 1
            self._send(path, body, headers)
        return 204

    def _send(self, path: str, body: bytes, headers: dict[str, str], wait: float = 0) -> int:
        time.sleep(wait)
        try:
            sent = httpx.post(f"{self.target}{path}", content=body, headers=headers, timeout=10, trust_env=False)
        except httpx.HTTPError:
            return 502
        return sent.status_code
