"""A journey over a small shop: log in, place an order, look at it, with a server that answers it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.contrib.auth.models import User

from loadtests.models import Plan, Scenario, Stage, Step
from loadtests.tests.shop import body, make_endpoint, make_project, parameter
from projects.models import Endpoint


class Shop(ThreadingHTTPServer):
    """Answers /login with a token, POST /orders with an id and a Location, GET /orders/41 to whoever has the token;
    /echo with what it was sent, /token as RFC 6749 says. `seen`: method and path of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        assert isinstance(self.server, Shop)
        self.server.seen.append(f"{self.command} {self.path}")
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path == "/login":
            return self._answer(200, {"token": "tok-8231", "user": {"id": 7}}, {"Set-Cookie": "sid=abc; Path=/"})
        if self.path == "/orders":
            return self._answer(201, {"order": {"id": 41}, "got": json.loads(sent)}, {"Location": "/orders/41"})
        if self.path == "/orders/41":
            known = self.headers.get("X-Token") == "tok-8231"
            return self._answer(200 if known else 401, {"id": 41, "known": known})
        if self.path == "/token":
            return self._answer(200, {"access_token": "granted-4711-token", "expires_in": 600})
        if self.path.startswith("/echo"):
            return self._answer(200, {"path": self.path, "headers": dict(self.headers), "body": sent})
        return self._answer(404, {"error": "no such thing"})

    do_POST = do_DELETE = do_PUT = do_GET

    def _answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def open_shop() -> Iterator[Shop]:
    """The server, until the end of the block."""
    server = Shop()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def make_journey(owner: User, url: str) -> Plan:
    """A plan of one scenario: log in, order, look at the order with the token and the id that were taken."""
    project = make_project(owner, base_url=url)
    endpoints = [
        make_endpoint(project, "POST", "/login", request_body=body(value={"user": "alice"}, text='{"user": "alice"}')),
        make_endpoint(project, "POST", "/orders", request_body=body()),
        make_endpoint(project, "GET", "/orders/{orderId}", parameters=[parameter("orderId", "path")]),
    ]
    plan = Plan.objects.create(project=project, title="Order", created_by=owner)
    scenario = Scenario.objects.create(plan=plan, name="Order", think_time=0.5)
    Stage.objects.create(scenario=scenario, duration=30, target=5)
    token = {"name": "token", "kind": "json", "expression": "$.token"}
    order = {"name": "order_id", "kind": "json", "expression": "$.order.id"}
    _step(scenario, 0, endpoints[0], body='{"user": "alice"}', content_type="application/json", extracts=[token])
    _step(
        scenario, 1, endpoints[1], body='{"n": 2}', content_type="application/json", statuses=["201"], extracts=[order]
    )
    known = {"kind": "json", "target": "$.known", "value": "true"}
    values = {"path": {"orderId": "{{order_id}}"}}
    headers = [{"name": "X-Token", "value": "{{token}}"}]
    _step(scenario, 2, endpoints[2], values=values, headers=headers, checks=[known])
    return plan


def _step(scenario: Scenario, position: int, endpoint: Endpoint, **columns: Any) -> Step:
    return Step.objects.create(scenario=scenario, position=position, endpoint=endpoint, **columns)
