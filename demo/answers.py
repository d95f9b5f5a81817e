"""The shape of requests and answers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from demo.routes import Route
from demo.schemas import Json

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(slots=True)  # a frozen one takes three times as long to make
class Request:
    """A request to an operation of the shop. `value`: of the path parameter; `now`: seconds since 1970."""

    route: Route
    value: str
    query: str
    headers: Headers
    body: bytes
    now: float

    def header(self, name: bytes) -> str:
        """The first of its headers of that name, in lower case; "" without one."""
        for found, value in self.headers:
            if found == name:
                return value.decode("latin-1")
        return ""

    def asked(self, name: str, otherwise: str = "") -> str:
        """The first value of a query parameter."""
        return parse_qs(self.query).get(name, [otherwise])[0] if self.query else otherwise


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def encode(status: int, content: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Answer(status, text.encode(errors="replace"), headers)


def refusal(status: int, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return encode(status, {"error": message}, headers)


def page_of(request: Request) -> int | None:
    """The number of the page asked for, from 1; None where it is no number."""
    page = request.asked("page", "1")
    return int(page) if page.isdecimal() and len(page) <= 6 and int(page) >= 1 else None


def content_of(request: Request) -> Json | Answer:
    """The JSON object of the body, or the answer that refuses it."""
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        return refusal(400, "The body is not JSON.")
    required = (request.route.body or {})["required"]
    missing = [name for name in required if not isinstance(content, dict) or content.get(name) in (None, "")]
    if missing:
        return refusal(400, f"Missing: {', '.join(missing)}.")
    return dict(content)
