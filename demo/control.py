"""Addresses beside the shop, which are not counted: the document, what was received, and what makes the shop behave
badly. What tells of single requests, or changes how the shop behaves, answers on loopback only.

GET  /__counts                    requests received, failed and answered, since the last reset
POST /__counts/reset              begins anew: counts, seconds, recorded requests
GET  /__counts/seconds            requests of each second by endpoint, concurrent requests, connections
POST /__record?on=true            keeps the last requests (on=false ends it); also &most=20000 and &body=2048 (bytes)
GET  /__requests                  those; ?path= &method= &endpoint= &status= choose, &offset=0 &limit=1000 page
POST /__freeze?seconds=5          nothing is answered until then, whether it has arrived already or not
POST /__delay?factor=2            response times are multiplied by this; 1 is what the document says
POST /__tokens?expires_in=3600    seconds that a token of POST /oauth/token holds, from now on
"""

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from demo.answers import Answer, encode, refusal
from demo.recording import BODY, MOST_REQUESTS

if TYPE_CHECKING:
    from demo.app import Demo

_CHOICES = ("path", "method", "endpoint", "status")


def control(demo: "Demo", scope: Any) -> Answer:
    """The answer to a request to /openapi.json or to an address that begins with /__."""
    method, path = scope["method"], scope["path"]
    if path == "/openapi.json":
        return demo.document if method == "GET" else refusal(405, "Only GET.")
    asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    if (method, path) in _OPEN:
        return _OPEN[method, path](demo, asked)
    if (method, path) not in _LOCAL:
        addresses = ", ".join(f"{verb} {address}" for verb, address in (*_OPEN, *_LOCAL))
        return refusal(404, f"There is: {addresses}.")
    if not _is_local(scope.get("client")):
        return refusal(403, "Only from the machine that the shop runs on.")
    try:
        return _LOCAL[method, path](demo, asked)
    except ValueError as error:
        return refusal(400, str(error))


def _is_local(client: Any) -> bool:
    return bool(client) and str(client[0]).removeprefix("::ffff:").startswith(("127.", "::1"))


def _counts(demo: "Demo", asked: dict[str, str]) -> Answer:
    found = {"tokens": dict(demo.account.granted), "highest_concurrent": demo.seconds.highest}
    return Answer(200, json.dumps({**demo.counts.as_dict(), **found}, ensure_ascii=False).encode())


def _reset(demo: "Demo", asked: dict[str, str]) -> Answer:
    demo.reset()
    return Answer(200, b'{"status":"reset"}')


def _seconds(demo: "Demo", asked: dict[str, str]) -> Answer:
    return encode(200, demo.seconds.as_dict())


def _record(demo: "Demo", asked: dict[str, str]) -> Answer:
    on = asked.get("on", "true")
    if on not in ("true", "false"):
        raise ValueError("on is true or false.")
    recording = demo.recording
    recording.most = int(_number(asked, "most", MOST_REQUESTS, 1, MOST_REQUESTS))
    recording.body = int(_number(asked, "body", BODY, 0, 1024 * 1024))
    recording.on = on == "true"
    return encode(200, {"recording": recording.on, "most": recording.most, "body": recording.body})


def _requests(demo: "Demo", asked: dict[str, str]) -> Answer:
    chosen = {name: asked[name] for name in _CHOICES if name in asked}
    first = int(_number(asked, "offset", 0, 0, MOST_REQUESTS))
    most = int(_number(asked, "limit", 1000, 0, MOST_REQUESTS))

    def is_wanted(entry: dict[str, Any]) -> bool:
        return all(str(entry[name]) == value for name, value in chosen.items())

    return encode(200, demo.recording.found(is_wanted, first, most))


def _freeze(demo: "Demo", asked: dict[str, str]) -> Answer:
    seconds = _number(asked, "seconds", 5, 0, 600)
    demo.freeze(seconds)
    return encode(200, {"frozen_for": seconds})


def _delay(demo: "Demo", asked: dict[str, str]) -> Answer:
    demo.factor = _number(asked, "factor", 1, 0, 1000)
    return encode(200, {"factor": demo.factor})


def _tokens(demo: "Demo", asked: dict[str, str]) -> Answer:
    demo.account.expires_in = _number(asked, "expires_in", 3600, 0.1, 10**9)
    return encode(200, {"expires_in": demo.account.expires_in})


def _number(asked: dict[str, str], name: str, otherwise: float, least: float, most: float) -> float:
    text = asked.get(name, "")
    try:
        number = float(text) if text else float(otherwise)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise ValueError(f"{name} is a number from {least:g} to {most:g}.")
    return number


Piece = Callable[["Demo", dict[str, str]], Answer]
_OPEN: dict[tuple[str, str], Piece] = {
    ("GET", "/__counts"): _counts,
    ("POST", "/__counts/reset"): _reset,
    ("GET", "/__counts/seconds"): _seconds,
}
_LOCAL: dict[tuple[str, str], Piece] = {
    ("POST", "/__record"): _record,
    ("GET", "/__requests"): _requests,
    ("POST", "/__freeze"): _freeze,
    ("POST", "/__delay"): _delay,
    ("POST", "/__tokens"): _tokens,
}
