"""What k6 prints while a plan is tried: a marked line of JSON for each request, and its own log. Pure.

    METRICVAULT-STEP {"scenario": tag, "step": position + 1, "request": {"method", "url", "headers", "body"},
        "response": {"status", "status_text", "proto", "headers", "cookies", "body", "size", "timings"} | null,
        "error", "error_code", "expected", "checks": [{"key", "ok", "found"}],
        "extracts": [{"key", "name", "value"}], "hidden": [texts]}

`hidden` are secrets that only k6 knows (access tokens); everything shown is without them, and without those that the
caller knows. Sizes are bytes, times milliseconds.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from loadtests.k6.masking import MASK, Masker
from loadtests.k6.script import STEP_MARK, SUMMARY_MARK

MOST_BODY = 64 * 1024  # characters of one body
MOST_SHOWN = 2 * 1024 * 1024  # of all bodies together; what comes after is shown by its beginning
_BEGINNING = 2 * 1024
_LONGEST_VALUE = 4000
_FAILED = "Request Failed"  # k6 says of each request what its step says in more words
_MOST_HEADERS = 100
_CREDENTIALS = {"authorization", "proxy-authorization"}
_SCHEMES = {"basic", "bearer", "digest", "token", "apikey"}


class RequestSeen(TypedDict):
    """As it was sent. `cut`: the body is longer than what is here."""

    method: str
    url: str
    headers: list[list[str]]
    body: str
    cut: bool


class ResponseSeen(TypedDict):
    """As it came. `size` of the whole body in bytes, `duration` in ms; `timings` k6's own, by name."""

    status: int
    status_text: str
    proto: str
    headers: list[list[str]]
    cookies: list[list[str]]
    body: str
    cut: bool
    size: int
    duration: float
    timings: dict[str, float]


class CheckSeen(TypedDict):
    """`key`: c1 for the first check of the step. `found`: what was there instead, "" where nobody says."""

    key: str
    ok: bool
    found: str


class ExtractSeen(TypedDict):
    """`key`: x1 for the first extraction. `value`: None where nothing was found."""

    key: str
    name: str
    value: str | None


class StepSeen(TypedDict):
    """One request. `response` is None where nothing came; then `error` and k6's `error_code` say why. `expected`: k6
    took the status for good; None where nobody says."""

    scenario: str
    step: int
    request: RequestSeen
    response: ResponseSeen | None
    error: str
    error_code: int
    expected: bool | None
    checks: list[CheckSeen]
    extracts: list[ExtractSeen]


@dataclass(frozen=True, slots=True)
class Seen:
    """The requests in the order of their answers, and k6's log: all that is not marked."""

    steps: list[StepSeen]
    log: str


def read_output(output: str, secrets: Iterable[str]) -> Seen:
    """What k6 wrote so far; a line that is cut or none of ours is left out."""
    rest, found = [], []
    for line in output.split("\n"):  # not splitlines: JSON may hold line ends that only Unicode knows
        if line.startswith(STEP_MARK):
            found.append(_object(line.removeprefix(STEP_MARK)))
        elif not line.startswith(SUMMARY_MARK) and line != _FAILED:
            rest.append(line)
    lines = [one for one in found if one is not None]
    hidden = [text for one in lines for text in _list(one.get("hidden")) if isinstance(text, str)]
    mask = Masker([*secrets, *hidden])
    steps, left = [], MOST_SHOWN
    for one in lines:
        step, taken = _step(one, mask, MOST_BODY if left > 0 else _BEGINNING)
        left -= taken
        steps.append(step)
    return Seen(steps, mask("\n".join(rest)).strip("\n"))


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("scenario"), str) else None


def _step(one: Mapping[str, Any], mask: Masker, most: int) -> tuple[StepSeen, int]:
    """The step without secrets, and how many characters its bodies have."""
    request, response = _request(_dict(one.get("request")), mask, most), None
    if isinstance(one.get("response"), dict) and _whole(one["response"].get("status")):
        response = _response(one["response"], mask, most)
    expected = one.get("expected")
    step = StepSeen(
        scenario=one["scenario"],
        step=_whole(one.get("step")),
        request=request,
        response=response,
        error=mask(_text(one.get("error")))[:_LONGEST_VALUE],
        error_code=_whole(one.get("error_code")),
        expected=expected if isinstance(expected, bool) else None,
        checks=[_check(_dict(check), mask) for check in _list(one.get("checks"))],
        extracts=[_extract(_dict(extract), mask) for extract in _list(one.get("extracts"))],
    )
    return step, len(request["body"]) + (len(response["body"]) if response else 0)


def _request(request: Mapping[str, Any], mask: Masker, most: int) -> RequestSeen:
    body, cut = _shortened(_text(request.get("body")), mask, most)
    headers = [[name, _credential(name, value)] for name, value in _pairs(request.get("headers"), mask)]
    cookies = "; ".join(f"{name}={value}" for name, value in _pairs(request.get("cookies"), mask))
    if cookies and not any(name.lower() == "cookie" for name, _value in headers):
        headers.append(["Cookie", cookies])
    url = mask(_text(request.get("url")))[:_LONGEST_VALUE]
    return RequestSeen(method=_text(request.get("method"))[:20], url=url, headers=headers, body=body, cut=cut)


def _response(response: Mapping[str, Any], mask: Masker, most: int) -> ResponseSeen:
    text = _text(response.get("body"))
    body, cut = _shortened(text, mask, most)
    size = _whole(response.get("size")) or len(text.encode(errors="replace"))
    timings = {name: _number(value) for name, value in _dict(response.get("timings")).items()}
    return ResponseSeen(
        status=_whole(response.get("status")),
        status_text=mask(_text(response.get("status_text")))[:200],
        proto=_text(response.get("proto"))[:20],
        headers=_pairs(response.get("headers"), mask),
        cookies=_pairs(response.get("cookies"), mask),
        body=body,
        # What k6 printed is cut by it already; then the whole is larger than what is here.
        cut=cut or size > len(text.encode(errors="replace")),
        size=size,
        duration=timings.get("duration", 0.0),
        timings=timings,
    )


def _check(check: Mapping[str, Any], mask: Masker) -> CheckSeen:
    found = mask(_text(check.get("found")))[:_LONGEST_VALUE]
    return CheckSeen(key=_text(check.get("key")), ok=check.get("ok") is True, found=found)


def _extract(extract: Mapping[str, Any], mask: Masker) -> ExtractSeen:
    value = extract.get("value")
    shown = None if value is None else mask(_text(value))[:_LONGEST_VALUE]
    return ExtractSeen(key=_text(extract.get("key")), name=_text(extract.get("name")), value=shown)


def _shortened(text: str, mask: Masker, most: int) -> tuple[str, bool]:
    """A body without secrets, at most so long, and whether more was there."""
    cut = len(text) > most
    return mask(text[:most], cut=cut or len(text) == MOST_BODY), cut


def _pairs(headers: object, mask: Masker) -> list[list[str]]:
    """`{name: value}`, `{name: [values]}` or `[[name, value], ...]` as pairs. A cookie may be an object with value."""
    named = headers.items() if isinstance(headers, dict) else [pair for pair in _list(headers) if len(_list(pair)) == 2]
    found = []
    for name, values in named:
        for value in values if isinstance(values, list) else [values]:
            text = value.get("value") if isinstance(value, dict) else value
            found.append([mask(_text(name))[:200], mask(_text(text))[:_LONGEST_VALUE]])
    return found[:_MOST_HEADERS]


def _credential(name: str, value: str) -> str:
    """Who we say we are is nobody else's business, wherever it comes from; that there is nothing is worth knowing."""
    if name.lower() not in _CREDENTIALS:
        return value
    scheme, blank, rest = value.partition(" ")
    if not rest.strip():
        return value if scheme.lower() in _SCHEMES or not scheme else MASK
    return f"{scheme}{blank}{MASK}"


def _text(value: object) -> str:
    """What a database keeps of it: no NUL, no half of a pair."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text.replace("\x00", "�").encode("utf-8", "replace").decode()


def _whole(value: object) -> int:
    return int(_number(value))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if abs(value) < 1e15 else 0.0


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
