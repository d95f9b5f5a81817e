"""Values of parameters as they stand in a request (OpenAPI 3, "Style Values"; RFC 6570). Pure.

A parameter is in the normal form of `projects.openapi.parameters`: name, in, style, explode, schema, …
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

Parameter = Mapping[str, Any]
PATH_NAME = re.compile(r"\{([^{}]+)\}")
# Between the values of a list; in a header as it is, in an address percent-encoded.
_DELIMITERS = {"spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}
_PATH_PREFIX = {"label": ".", "matrix": ";"}
# `allowReserved`: reserved characters stay, but those that would end the value or the query.
_RESERVED = ":/?@!$'()*,;=%"
_NOT_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})")
# What may stand in an address as it is, and what a person has percent-encoded already.
_ADDRESS = "/%:@!$&'()*+,;=~?[]"


def fill_path(template: str, values: Mapping[str, tuple[Parameter, Any]]) -> str:
    """`/orders/{id}` with the values of its names in place, percent-encoded throughout."""
    texts = PATH_NAME.split(template)
    parts = [quote(text, safe=_ADDRESS) for text in texts]
    for at in range(1, len(texts), 2):
        parts[at] = _path_value(*values[texts[at]])
    return "".join(parts)


def encode_address(url: str) -> str:
    """An address as it may be sent: what is not ASCII percent-encoded, what is encoded already left alone."""
    return quote(url, safe=_ADDRESS)


def query_string(values: Iterable[tuple[Parameter, Any]]) -> str:
    """`tag=a&tag=b&limit=10`, percent-encoded, in the order given."""
    return "&".join(pair for parameter, value in values for pair in _query_pairs(parameter, value))


def cookie_header(values: Iterable[tuple[Parameter, Any]]) -> str:
    """`a=1; b=2`, the value of the Cookie header. OpenAPI 3.2's style `cookie` knows no percent-encoding."""
    pairs = []
    for parameter, value in values:
        if parameter.get("style") == "cookie":
            value = native(parameter, value)
            items = value.items() if isinstance(value, dict) else [(parameter["name"], value)]
            pairs += [f"{name}={inner}" for name, item in items for inner in _texts(item)]
        else:
            pairs += _query_pairs(parameter, value)
    return "; ".join(pairs)


def _texts(value: Any) -> list[str]:
    return [plain(item) for item in value] if isinstance(value, list) else [plain(value)]


def header_value(parameter: Parameter, value: Any) -> str:
    """Style `simple`, as it is: headers know no percent-encoding."""
    value = native(parameter, value)
    if isinstance(value, list):
        return _joint(parameter).join(plain(item) for item in value)
    if isinstance(value, dict):
        joint = "=" if parameter.get("explode") else ","
        return ",".join(f"{name}{joint}{plain(item)}" for name, item in value.items())
    return plain(value)


def native(parameter: Parameter, value: Any) -> Any:
    """A list or an object that was typed as text is read as one: JSON, or for lists `a,b`."""
    kind = (parameter.get("schema") or {}).get("type")
    if not isinstance(value, str) or kind not in ("array", "object"):
        return value
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        read = None
    if isinstance(read, list if kind == "array" else dict):
        return read
    return [part.strip() for part in value.split(",")] if kind == "array" else value


def plain(value: Any) -> str:
    """Text as it is, `true`, `10`; anything nested as JSON; nothing for null."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encoded(value: Any, parameter: Parameter | None = None) -> str:
    text = plain(value)
    if parameter is not None and parameter.get("allow_reserved"):
        return quote(_NOT_ENCODED.sub("%25", text), safe=_RESERVED)
    return quote(text, safe="")


def _joint(parameter: Parameter) -> str:
    return _DELIMITERS.get(str(parameter.get("style")), ",")


def _path_value(parameter: Parameter, value: Any) -> str:
    value, style, name = native(parameter, value), parameter.get("style"), quote(parameter["name"], safe="")
    prefix, explode = _PATH_PREFIX.get(str(style), ""), bool(parameter.get("explode"))
    if isinstance(value, dict):
        pairs = [(quote(key, safe=""), _encoded(item)) for key, item in value.items()]
        if explode:
            return prefix + (prefix or ",").join(f"{key}={item}" for key, item in pairs)
        text = ",".join(f"{key},{item}" for key, item in pairs)
    elif isinstance(value, list):
        items = [_encoded(item) for item in value]
        if explode and style == "matrix":
            return "".join(f";{name}={item}" for item in items)
        text = ("." if explode and style == "label" else quote(_joint(parameter), safe=",")).join(items)
    else:
        text = _encoded(value)
    return f";{name}={text}" if style == "matrix" else prefix + text


def _query_pairs(parameter: Parameter, value: Any) -> list[str]:
    value, name = native(parameter, value), quote(parameter["name"], safe="")
    explode, joint = bool(parameter.get("explode")), quote(_joint(parameter), safe=",")
    if parameter.get("style") == "deepObject" and isinstance(value, dict | list):
        return [f"{quote(key, safe='')}={_encoded(item, parameter)}" for key, item in _deep(parameter["name"], value)]
    if isinstance(value, dict):
        pairs = [(quote(key, safe=""), _encoded(item, parameter)) for key, item in value.items()]
        if explode:
            return [f"{key}={item}" for key, item in pairs]
        return [f"{name}=" + joint.join(f"{key}{joint}{item}" for key, item in pairs)]
    if isinstance(value, list):
        items = [_encoded(item, parameter) for item in value]
        if explode:
            return [f"{name}={item}" for item in items]
        return [f"{name}=" + joint.join(items)] if items else []
    return [f"{name}={_encoded(value, parameter)}"]


def _deep(name: str, value: Any) -> list[tuple[str, Any]]:
    """`name[key]` for every value within; the items of lists by their number, as PHP, qs and Stripe read them."""
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        return [pair for key, inner in entries for pair in _deep(f"{name}[{key}]", inner)]
    return [(name, value)]
