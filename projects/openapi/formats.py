"""Texts for the `format` words of JSON Schema and OpenAPI: one of each, and whether a text is one."""

import base64
import binascii
import ipaddress
import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import jsonschema_rs

from projects.openapi.schemas import is_number

LONGEST_PATTERN = 2_000
# A stranger's expression may take years in Python's `re`. This engine (Rust's `regex`, found here because
# openapi-spec-validator uses the package) takes linear time, and gives up look-around after so many steps.
_ENGINE = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000, size_limit=1_000_000, dfa_size_limit=1_000_000)

FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:30:00Z",
    "datetime": "2026-01-15T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT1H",
    "email": "user@example.com",
    "idn-email": "user@example.com",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "guid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "iri": "https://example.com/",
    "uri-reference": "/example",
    "iri-reference": "/example",
    "uri-template": "/example/{id}",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ip": "192.0.2.1",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "c3RyaW5n",
    "base64": "c3RyaW5n",
    "base64url": "c3RyaW5n",
    "password": "password",
    "json-pointer": "/example",
    "relative-json-pointer": "0",
    "regex": "^a$",
    "int32": "1",
    "int64": "1",
    "decimal": "1.5",
    "char": "a",
}

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S*\Z")
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


def is_format(name: Any, value: Any) -> bool:
    """Whether a text or a number is of the format `name`; True for formats that are not known here."""
    if is_number(value):
        low, high = _RANGES.get(str(name), (-math.inf, math.inf))
        return low <= value <= high
    check = _CHECKS.get(name) if isinstance(name, str) and isinstance(value, str) else None
    if check is None:
        return True
    try:
        return check(value)
    except (ValueError, binascii.Error):
        return False


def _is_date(text: str) -> bool:
    return len(text) == 10 and bool(date.fromisoformat(text))


def _is_date_time(text: str) -> bool:
    return bool(_DATE_TIME.match(text)) and bool(datetime.fromisoformat(text[:19].upper()))


def _is_base64(text: str) -> bool:
    return len(text) > 100_000 or base64.b64decode(text, validate=True) is not None


_CHECKS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_date_time,
    "time": lambda text: bool(_TIME.match(text)),
    "email": lambda text: "@" in text.strip("@"),
    "uuid": lambda text: bool(_UUID.match(text)),
    "uri": lambda text: bool(_URI.match(text)),
    "ipv4": lambda text: ipaddress.IPv4Address(text) is not None,
    "ipv6": lambda text: ipaddress.IPv6Address(text) is not None,
    "byte": _is_base64,
}


def matches(pattern: str, text: str) -> bool:
    """Whether an expression in JavaScript's notation is found in `text`; True where it cannot be understood."""
    validator = _compiled(pattern) if len(pattern) <= LONGEST_PATTERN else None
    with suppress(ValueError):
        return validator is None or bool(validator.is_valid(text))
    return True


def is_understood(pattern: str) -> bool:
    """Whether `matches` can tell anything of an expression."""
    return len(pattern) <= LONGEST_PATTERN and _compiled(pattern) is not None


@lru_cache(maxsize=2_000)
def _compiled(pattern: str) -> jsonschema_rs.Draft202012Validator | None:
    with suppress(jsonschema_rs.ValidationError, ValueError):
        return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=_ENGINE)
    return None
