"""The content of the demo shop's answers."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from demo.routes import PRODUCTS, ROUTES, Json, Route

_NAMES = ("녹차", "Earl Grey", "유자차", "Arabica", "약과", "Tea cup")
_NUMBER = re.compile("[1-9][0-9]{0,11}")
_CATEGORIES = ("tea", "tea", "tea", "coffee", "한과", "cups")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


def encode(status: int, content: Any) -> Answer:
    return Answer(status, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))


def refusal(status: int, message: str) -> Answer:
    return encode(status, {"error": message})


def find(method: str, path: str) -> tuple[Route | None, str, int]:
    """The operation at an address, the value of its path parameter ("" where it has none), and the status to answer
    where there is no such operation: 404, or 405 where only the method is wrong."""
    parts = path.split("/")
    status = 404
    for route, pattern in _PATTERNS:
        if len(pattern) != len(parts) or any(p and p != part for p, part in zip(pattern, parts, strict=True)):
            continue
        if route.method == method:
            return route, parts[2] if "{" in route.path else "", 200
        status = 405
    return None, "", status


# Every path parameter stands second, so an empty piece there matches anything.
_PATTERNS = tuple((route, ["" if "{" in part else part for part in route.path.split("/")]) for route in ROUTES)


def answer(route: Route, value: str, query: str, body: bytes) -> Answer:
    """What a healthy shop says: 200 or 201, or 4xx where the request is wrong."""
    if "{" in route.path and not _NUMBER.fullmatch(value):
        return refusal(404, f"{value[:50]!r} is no number of anything in this shop.")
    number = int(value or 0)
    if route.body is not None:
        return _create(route, body)
    if "{product_id}" in route.path:
        if number > PRODUCTS:
            return refusal(404, f"There is no product {number}.")
        content = {"product_id": number, "left": number * 7 % 50} if route.path.endswith("stock") else product(number)
        return encode(200, content)
    if "{order_id}" in route.path:
        state = "cancelled" if route.method == "DELETE" else "paid"
        return encode(200, {"id": number, "state": state, "recipient": "홍길동", "total": 24000})
    if route.path == "/products":
        return _list(query)
    if route.path == "/search":
        word = parse_qs(query).get("q", [""])[0]
        if not word:
            return refusal(400, "Say what to search for: ?q=")
        return encode(200, {"q": word, "items": [product(n) for n in range(1, 6)]})
    return _FIXED[route.path]


_FIXED = {
    "/health": encode(200, {"status": "ok"}),
    "/reports/sales": encode(200, {"orders": 1284, "revenue": 30_816_000, "currency": "KRW"}),
}


def product(number: int) -> Json:
    kind = number % len(_NAMES)
    return {
        "id": number,
        "name": f"{_NAMES[kind]} {number}",
        "category": _CATEGORIES[kind],
        "price": 4000 + number * 500,
    }


def _list(query: str) -> Answer:
    asked = parse_qs(query)
    category, page = asked.get("category", [""])[0], asked.get("page", ["1"])[0]
    if not page.isdecimal() or len(page) > 6 or int(page) < 1:
        return refusal(400, "page is a number from 1.")
    found = [n for n in range(1, PRODUCTS + 1) if not category or _CATEGORIES[n % len(_NAMES)] == category]
    first = (int(page) - 1) * 20
    return encode(200, {"items": [product(n) for n in found[first : first + 20]], "count": len(found)})


def _create(route: Route, body: bytes) -> Answer:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return refusal(400, "The body is not JSON.")
    required = (route.body or {})["required"]
    missing = [name for name in required if not isinstance(content, dict) or content.get(name) in (None, "")]
    if missing:
        return refusal(400, f"Missing: {', '.join(missing)}.")
    return encode(201, {"id": 1001, "state": "accepted", "received": content})
