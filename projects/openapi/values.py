"""Values that authors write in another type than their schema names."""

import json
import math
from typing import Any

from projects.openapi.schemas import Schema, is_number, kind_of

LONGEST_TEXT = 5_000


def fit(value: Any, flat: Schema) -> Any:
    """`value` in the type the schema asks for, where authors are known to write another: 123 for a text,
    "1" for a number, a list or an object as JSON text."""
    kind = kind_of(flat)
    if kind == "string" and is_number(value):
        return str(value)
    if kind == "string" and isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return [value] if kind == "array" and not isinstance(value, list) and not isinstance(value, dict) else value
    if kind in ("integer", "number", "boolean", "object", "array"):
        return _from_text(value, kind)
    return value


def _from_text(text: str, kind: str) -> Any:
    try:
        value = json.loads(text) if len(text) < LONGEST_TEXT else text
    except (ValueError, RecursionError):
        value = text
    fits = {
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": is_number(value) and math.isfinite(value),
        "boolean": isinstance(value, bool),
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
    }[kind]
    if fits:
        return value
    return [text] if kind == "array" else text
