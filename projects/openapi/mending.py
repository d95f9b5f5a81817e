"""Examples that authors wrote, made to satisfy their schemas with as little change as possible.

A published example often has a number as text, lacks a property that became required later, or shows a response
with its `readOnly` properties. What fits stays as it was written.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

from projects.openapi.conforming import Conforming
from projects.openapi.schemas import EXCLUDED, Schema, Schemas, kind_of
from projects.openapi.values import fit

MAX_DEPTH = 12
MOST_VARIANTS = 8
MOST_ITEMS = 100
NOTHING = object()  # None is a value

Build = Callable[[Any, str, int], Any]  # a value of a schema, at a depth; NOTHING where there is none


class Mending:
    """Mends the examples of one document; `build` makes what an example lacks."""

    def __init__(self, schemas: Schemas, conforming: Conforming, build: Build) -> None:
        self._schemas = schemas
        self._conforming = conforming
        self._build = build

    def mended(self, value: Any, schema: Any, where: str, depth: int = 0) -> Any:
        """`value` where it satisfies `schema`, else what it becomes by mending; `NOTHING` where that does not help."""
        if self._conforming.conforms(value, schema, where):
            return value
        if depth > MAX_DEPTH or not isinstance(schema, dict):
            return NOTHING
        for flat in islice(self._schemas.variants(schema, where), MOST_VARIANTS):
            candidate = self.as_flat(value, flat, where, depth)
            if candidate is not NOTHING and self._conforming.conforms(candidate, schema, where):
                return candidate
        return NOTHING

    def as_flat(self, value: Any, flat: Schema, where: str, depth: int) -> Any:
        """`value` in the shape of one flat schema; `NOTHING` where it has another shape altogether."""
        kind = kind_of(flat)
        value = fit(value, flat)
        if isinstance(value, dict):
            return self._object(value, flat, where, depth) if kind in ("object", "") else NOTHING
        if isinstance(value, list):
            return self._list(value, flat, where, depth) if kind in ("array", "") else NOTHING
        return value

    def _object(self, value: dict[str, Any], flat: Schema, where: str, depth: int) -> Any:
        properties = flat.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        closed = flat.get("additionalProperties") is False or flat.get("unevaluatedProperties") is False
        closed = closed and not flat.get("patternProperties")
        result: dict[str, Any] = {}
        for name, item in value.items():
            part = properties.get(name)
            if (name not in properties and closed) or self._conforming.is_read_only(part, where):
                continue
            part = part if name in properties else flat.get("additionalProperties")
            mended = self.mended(item, part, where, depth + 1)
            mended = self._build(part, where, depth + 1) if mended is NOTHING else mended
            if mended is not NOTHING:
                result[name] = mended
        required = flat.get("required")
        for name in required if isinstance(required, list) else ():
            part = properties.get(name) if isinstance(name, str) else None
            if part is not None and name not in result and not self._conforming.is_read_only(part, where):
                made = self._build(part, where, depth + 1)
                if made is NOTHING:
                    return NOTHING
                result[name] = made
        for name in flat.get(EXCLUDED, ()):
            result.pop(name, None)
        return result

    def _list(self, value: list[Any], flat: Schema, where: str, depth: int) -> Any:
        first, rest = flat.get("prefixItems"), flat.get("items")
        first = first if isinstance(first, list) else []
        most = flat.get("maxItems")
        value = value[: most if isinstance(most, int) and most >= 0 else MOST_ITEMS]
        result = []
        for position, item in enumerate(value):
            part = first[position] if position < len(first) else rest
            mended = self.mended(item, part, where, depth + 1)
            if mended is not NOTHING and not (flat.get("uniqueItems") is True and mended in result):
                result.append(mended)
        if value and not result and isinstance(rest, dict):
            made = self._build(rest, where, depth + 1)
            return NOTHING if made is NOTHING else [made]
        return result
