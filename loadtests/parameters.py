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
_DELIMITERS = {"spaceDelimited": "%20", "pipeDelimited": "%7C", "form": ","}
_PATH_PREFIX = {"label": ".", "matrix": ";"}
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
    """`a=1; b=2`, the value of the Cookie header."""
    return "; ".join(pair for parameter, value in values for pair in _query_pairs(parameter, value))


def header_value(parameter: Parameter, value: Any) -> str:
    """Style `simple`, as it is: headers know no percent-encoding."""
    value = native(parameter, value)
    if isinstance(value, list):
        return ",".join(plain(item) for item in value)
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


def _encoded(value: Any) -> str:
    return quote(plain(value), safe="")


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
        text = ("." if explode and style == "label" else ",").join(items)
    else:
        text = _encoded(value)
    return f";{name}={text}" if style == "matrix" else prefix + text


def _query_pairs(parameter: Parameter, value: Any) -> list[str]:
    value, name = native(parameter, value), quote(parameter["name"], safe="")
    style, explode = parameter.get("style"), bool(parameter.get("explode"))
    if isinstance(value, dict):
        pairs = [(quote(key, safe=""), item) for key, item in value.items()]
        if style == "deepObject":
            return [f"{name}%5B{key}%5D={_encoded(item)}" for key, item in pairs]
        if explode:
            return [f"{key}={_encoded(item)}" for key, item in pairs]
        return [f"{name}=" + ",".join(f"{key},{_encoded(item)}" for key, item in pairs)]
    if isinstance(value, list):
        items = [_encoded(item) for item in value]
        if explode:
            return [f"{name}={item}" for item in items]
        return [f"{name}=" + _DELIMITERS.get(str(style), ",").join(items)] if items else []
    return [f"{name}={_encoded(value)}"]
