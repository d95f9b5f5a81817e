"""Whether a value satisfies a schema, as a request: JSON Schema in the words of OpenAPI 3.0, 3.1 and Swagger 2.0.

Not for judging documents, but for choosing examples: what cannot be decided within the budget counts as satisfied.
Written here because a library would need every schema translated first (`nullable`, boolean `exclusiveMinimum`,
`readOnly` properties that are required but not sent), and all of a document compiled for each of its examples.
"""

import math
from typing import Any

from projects.openapi.formats import is_format, matches
from projects.openapi.references import References
from projects.openapi.schemas import is_number

MOST_STEPS = 10_000
MOST_STEPS_OF_DOCUMENT = 300_000  # the largest published documents take 100,000, a second
MOST_PATTERNS = 1_000  # different ones in a document: each takes milliseconds to compile
_COMBINING = frozenset(("allOf", "anyOf", "oneOf", "not", "if"))
_TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "file": str,
}  # fmt: skip

Names = frozenset[str]


class Conforming:
    """Checks values against the schemas of one document."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._read_only: dict[int, tuple[Any, Names]] = {}
        self._resolved: dict[int, tuple[Any, Any]] = {}
        self._patterns: set[str] = set()
        self._steps = 0
        self._left = MOST_STEPS_OF_DOCUMENT
        self._open: set[tuple[int, int]] = set()

    def conforms(self, value: Any, schema: Any, where: str) -> bool:
        """Whether `value` may be sent where `schema` is asked for. A property that is readOnly may not."""
        self._steps = start = min(MOST_STEPS, self._left)
        self._open.clear()
        result = self._holds(value, schema, where, frozenset())
        self._left -= start - self._steps
        return result

    def read_only(self, schema: Any, where: str) -> Names:
        """The properties of a schema, of its parts and branches too, that are never sent."""
        if not isinstance(schema, dict):
            return frozenset()
        known = self._read_only.get(id(schema))
        if known is None:
            # Noted before it is worked out: a part that leads back adds nothing. The schema is kept alive for its id.
            self._read_only[id(schema)] = (schema, frozenset())
            names = frozenset(self._find_read_only(schema, where))
            known = self._read_only[id(schema)] = (schema, names)
        return known[1]

    def _find_read_only(self, schema: dict[str, Any], where: str) -> set[str]:
        names: set[str] = set()
        found = self._target(schema, where) or {}
        properties = found.get("properties")
        for name, part in properties.items() if isinstance(properties, dict) else ():
            if self.is_read_only(part, where):
                names.add(name)
        for key in ("allOf", "oneOf", "anyOf"):
            for part in _list(found.get(key)):
                names |= self.read_only(part, where)
        return names

    def is_read_only(self, schema: Any, where: str) -> bool:
        """Whether a property of this schema is for responses only."""
        found = self._target(schema, where) if isinstance(schema, dict) else None
        if found is None:
            return False
        return found.get("readOnly") is True or any(
            isinstance(part, dict) and part.get("readOnly") is True for part in _list(found.get("allOf"))
        )

    def _target(self, schema: dict[str, Any], where: str) -> dict[str, Any] | None:
        """The schema behind `$ref`; the same object each time, so that circles are seen."""
        if "$ref" not in schema:
            return schema
        known = self._resolved.get(id(schema))
        if known is None:
            known = self._resolved[id(schema)] = (schema, self._references.resolved(schema, where))
        return known[1]

    def _holds(self, value: Any, schema: Any, where: str, unsent: Names) -> bool:
        if not isinstance(schema, dict):
            return schema is not False
        self._steps -= 1
        if self._steps < 0:
            return True
        if "$ref" in schema:
            schema = self._target(schema, where)
            if schema is None:
                return True
        pair = (id(schema), id(value))
        if pair in self._open:
            return True
        self._open.add(pair)
        try:
            return self._holds_here(value, schema, where, unsent | self.read_only(schema, where))
        finally:
            self._open.discard(pair)

    def _holds_here(self, value: Any, schema: dict[str, Any], where: str, unsent: Names) -> bool:
        if value is None and schema.get("nullable") is True:
            return True
        if not (_is_of_type(value, schema.get("type")) and _is_chosen(value, schema)):
            return False
        if isinstance(value, str):
            own = _text_holds(value, schema) and self._matches(value, schema.get("pattern"))
        elif is_number(value):
            own = _number_holds(value, schema)
        elif isinstance(value, list):
            own = self._list_holds(value, schema, where)
        elif isinstance(value, dict):
            own = self._object_holds(value, schema, where, unsent)
        else:
            own = True
        return own and self._parts_hold(value, schema, where, unsent)

    def _matches(self, value: str, pattern: Any) -> bool:
        if not isinstance(pattern, str) or not pattern or len(self._patterns) >= MOST_PATTERNS:
            return True
        self._patterns.add(pattern)
        return matches(pattern, value)

    def _parts_hold(self, value: Any, schema: dict[str, Any], where: str, unsent: Names) -> bool:
        if _COMBINING.isdisjoint(schema):
            return True

        def holds(part: Any) -> bool:
            return self._holds(value, part, where, unsent)

        if not all(holds(part) for part in _list(schema.get("allOf"))):
            return False
        if _list(schema.get("anyOf")) and not any(holds(part) for part in schema["anyOf"]):
            return False
        if _list(schema.get("oneOf")) and sum(holds(part) for part in schema["oneOf"]) != 1:
            return False
        if isinstance(schema.get("not"), dict) and holds(schema["not"]):
            return False
        if "if" in schema:
            return holds(schema.get("then" if holds(schema["if"]) else "else", True))
        return True

    def _list_holds(self, value: list[Any], schema: dict[str, Any], where: str) -> bool:
        if not _is_within(len(value), schema, "minItems", "maxItems"):
            return False
        if schema.get("uniqueItems") is True and len({repr(item) for item in value}) < len(value):
            return False
        items = schema.get("items")
        first = _list(schema.get("prefixItems")) or _list(items)
        rest = schema.get("additionalItems") if isinstance(items, list) else items
        if not all(self._holds(item, part, where, frozenset()) for item, part in zip(value, first, strict=False)):
            return False
        if not all(self._holds(item, rest, where, frozenset()) for item in value[len(first) :]):
            return False
        inside = schema.get("contains")
        return not isinstance(inside, dict) or any(self._holds(item, inside, where, frozenset()) for item in value)

    def _object_holds(self, value: dict[str, Any], schema: dict[str, Any], where: str, unsent: Names) -> bool:
        if not _is_within(len(value), schema, "minProperties", "maxProperties"):
            return False
        if any(isinstance(name, str) and name not in value and name not in unsent for name in _required(schema)):
            return False
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        patterns = schema.get("patternProperties")
        patterns = patterns if isinstance(patterns, dict) else {}
        names = schema.get("propertyNames")
        for name, item in value.items():
            if name in unsent or not self._holds(name, names, where, frozenset()):
                return False
            parts = [properties[name]] if name in properties else []
            parts += [part for pattern, part in patterns.items() if self._matches(name, pattern)]
            if not all(
                self._holds(item, part, where, frozenset()) for part in parts or [schema.get("additionalProperties")]
            ):
                return False
        needs = schema.get("dependentRequired")
        needs = needs if isinstance(needs, dict) else {}
        return all(other in value for name in needs if name in value for other in _list(needs[name]))


def _is_of_type(value: Any, kind: Any) -> bool:
    kinds = kind if isinstance(kind, list) else [kind]
    return not kinds or any(_is_one_of_type(value, name) for name in kinds)


def _is_one_of_type(value: Any, kind: Any) -> bool:
    if kind == "number":
        return is_number(value)
    if kind == "integer":
        return is_number(value) and float(value).is_integer()
    expected = _TYPES.get(kind) if isinstance(kind, str) else None
    return expected is None or isinstance(value, expected)


def _is_chosen(value: Any, schema: dict[str, Any]) -> bool:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices and not any(is_same(value, choice) for choice in choices):
        return False
    return "const" not in schema or is_same(value, schema["const"])


def is_same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _text_holds(value: str, schema: dict[str, Any]) -> bool:
    if not _is_within(len(value), schema, "minLength", "maxLength"):
        return False
    return is_format(schema.get("format"), value)


def _number_holds(value: int | float, schema: dict[str, Any]) -> bool:
    for name, exclusive, sign in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        limit, strict = schema.get(name), schema.get(exclusive)
        if is_number(limit) and (value * sign < limit * sign or (strict is True and value == limit)):
            return False
        if is_number(strict) and value * sign <= strict * sign:
            return False
    step = schema.get("multipleOf")
    if is_number(step) and step > 0:
        times = value / step if value else 0.0
        if math.isfinite(times) and not math.isclose(times, round(times), rel_tol=1e-9, abs_tol=1e-9):
            return False
    return is_format(schema.get("format"), value)


def _is_within(size: int, schema: dict[str, Any], least: str, most: str) -> bool:
    low, high = schema.get(least), schema.get(most)
    return not (is_number(low) and size < low) and not (is_number(high) and size > high)


def _required(schema: dict[str, Any]) -> list[Any]:
    return _list(schema.get("required"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
