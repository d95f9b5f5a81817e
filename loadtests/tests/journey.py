"""A journey over a small shop: log in, place an order, look at it, with a server that answers it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.contrib.auth.models import User

from loadtests import planning, tried, trying
from loadtests.editing import full_plans
from loadtests.k6.plan_json import from_json
from loadtests.k6.script import STEP_MARK
from loadtests.k6.steps_seen import read_output
from loadtests.models import Plan, Scenario, Stage, Step, Try
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


def answered(plan: Plan, user: User, token: str = "tok-8231") -> Try:
    """The journey, tried to its end: what k6 prints of it, without a k6. Without `token` the last step fails."""
    found = full_plans().get(pk=plan.pk)
    row = trying.start(planning.from_plan(found), user, found)
    login = {"token": "tok-8231", "user": {"id": 7}}
    lines = (
        _line(1, "POST /login", 200, login, [{"key": "x1", "name": "token", "value": "tok-8231"}], {"sid": "abc"}),
        _line(2, "POST /orders", 201, {"order": {"id": 41}}, [{"key": "x1", "name": "order_id", "value": "41"}]),
        _line(3, "GET /orders/41", 200 if token else 401, {"id": 41, "known": bool(token)}, ok=bool(token)),
    )
    run_plan = from_json(row.plan_snapshot)
    rows = tried.filled(row.result, run_plan, read_output("\n".join(lines), ()).steps, over=True)
    row.result, row.message = rows, tried.first_problem(rows)
    row.state = Try.State.PASSED if tried.well(rows) else Try.State.FAILED
    row.save()
    return row


def _line(
    step: int, request: str, status: int, answer: Any, extracts: Any = (), cookies: Any = None, *, ok: bool = True
) -> str:
    method, path = request.split()
    body = json.dumps(answer)
    headers = {"Content-Type": "application/json", "Location": path}
    sent = {"method": method, "url": f"http://shop{path}", "headers": {}, "body": '{"n": 2}'}
    words = {200: "OK", 201: "Created", 401: "Unauthorized"}[status]
    response = {
        "status": status, "status_text": f"{status} {words}", "proto": "HTTP/1.1", "headers": headers, "body": body,
        "cookies": cookies or {}, "size": len(body), "timings": {"duration": 3.5},
    }  # fmt: skip
    checks = [{"key": "c1", "ok": ok, "found": str(ok).lower()}] if step == 3 else []
    shown = {"scenario": "s01_order", "step": step, "request": sent, "response": response, "error": "", "error_code": 0,
             "expected": status < 400, "checks": checks, "extracts": list(extracts)}  # fmt: skip
    return STEP_MARK + json.dumps(shown)


def _step(scenario: Scenario, position: int, endpoint: Endpoint, **columns: Any) -> Step:
    return Step.objects.create(scenario=scenario, position=position, endpoint=endpoint, **columns)
