"""Example values from schemas: the same schema, the same value.

In this order: example, examples, default, const, enum, else built from type, format, limits and simple
patterns. readOnly properties are left out. Recursion ends by itself: an optional property that leads
back into its own schema is left out, a list of such things is empty.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from projects.openapi.conforming import Conforming
from projects.openapi.formats import FORMATS, matches
from projects.openapi.mending import NOTHING, Mending
from projects.openapi.patterns import matching
from projects.openapi.references import References
from projects.openapi.schemas import (
    EXCLUDED,
    HINTS,
    OPEN,
    Budget,
    Schema,
    Schemas,
    is_nullable,
    is_number,
    kind_of,
    suits,
)
from projects.openapi.values import fit

MAX_DEPTH = 12
OPTIONAL_DEPTH = 4
NODES_OF_ONE = 3_000
OPTIONAL_NODES_OF_ONE = 250
NODES_OF_DOCUMENT = 300_000  # the largest published documents take a third of it
MOST_PROPERTIES = 400
LONGEST_LIST = 20
MOST_CHOICES = 50
MOST_GIVEN = 10
MOST_WORDS_OF_SMALL = 8
LONGEST_KEY = 500
LONGEST_STRING = 5_000


@dataclass(frozen=True, slots=True)
class Example:
    """A value as native JSON and where it comes from: example, default, enum, schema; "none" with None."""

    value: Any
    source: str


NONE = Example(None, "none")


class Examples:
    """Makes the examples of one document; its budget is bounded for the document as a whole."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._budget = Budget(NODES_OF_ONE, NODES_OF_DOCUMENT)
        self._schemas = Schemas(references, self._budget)
        self._conforming = Conforming(references)
        self._mending = Mending(self._schemas, self._conforming, self._value)
        self._known: dict[str, Example] = {}  # by `small_key`

    @property
    def exhausted(self) -> bool:
        """Whether the document asked for more than the budget: what came after has no examples."""
        return self._budget.left_in_document <= 0

    def flat(self, schema: Any, where: str) -> Schema:
        """The first flat view of `schema`, for those who look at its limits; {} where there is none."""
        self._budget.renew()
        return next(self._schemas.variants(schema, where), {})

    def of_schema(self, schema: Any, where: str) -> Example:
        """An example of `schema`, or `NONE` where it says nothing or cannot be satisfied in bounds."""
        if not isinstance(schema, dict) or not schema or self.exhausted:
            return NONE
        key = small_key(schema)
        if key in self._known:
            return self._known[key]
        self._budget.renew()
        result = self._make(schema, where, 0, frozenset()) or NONE
        if key:
            self._known[key] = result
        return result

    def of_media(self, media: dict[str, Any], schema: Any, where: str) -> Example:
        """An example of a Media Type or Parameter Object: its own `example` or `examples`, else of `schema`."""
        given = list(islice(self._given_by_media(media, where), MOST_GIVEN))
        if not isinstance(schema, dict):
            return Example(given[0], "example") if given else self.of_schema(schema, where)
        self._budget.renew()
        for value in given:
            if self._conforming.conforms(value, schema, where):
                return Example(value, "example")
        for value in given:
            mended = self._mending.mended(value, schema, where)
            if mended is not NOTHING:
                return Example(mended, "example")
        return self.of_schema(schema, where)

    def _given_by_media(self, media: dict[str, Any], where: str) -> Iterator[Any]:
        examples = media.get("examples")
        entries = examples.values() if isinstance(examples, dict) else ()
        found = (self._references.resolved(entry, where) or {} for entry in entries)
        # A list is JSON Schema's notation, and seen where a mapping belongs.
        listed = examples if isinstance(examples, list) else []
        named = (entry.get("value", entry.get("dataValue")) for entry in found)
        for value in chain([media.get("example")], named, listed, [media.get("x-example")]):
            if value is not None:
                yield value

    def _make(self, schema: Any, where: str, depth: int, opened: frozenset[str]) -> Example | None:
        if depth > MAX_DEPTH or not self._budget.spend():
            return None
        if schema is True:
            schema = {}
        first: Example | None = None
        for flat in self._schemas.variants(schema, where, opened):
            for result in self._candidates(flat, schema, where, depth):
                if self._conforming.conforms(result.value, schema, where):
                    return result
                first = first or result  # where nothing satisfies the schema, what its author says
            if not self._budget.spend():
                break
        return first

    def _candidates(self, flat: Schema, schema: Any, where: str, depth: int) -> Iterator[Example]:
        for given in given_by(flat):
            yield given
            value = self._mending.as_flat(given.value, flat, where, depth)
            if value is not NOTHING:
                yield Example(value, given.source)
        built = self._built(flat, where, depth)
        if built is not None:
            yield built

    def _value(self, schema: Any, where: str, depth: int) -> Any:
        made = self._make(schema, where, depth, frozenset())
        return NOTHING if made is None else made.value

    def _built(self, flat: Schema, where: str, depth: int) -> Example | None:
        kind = kind_of(flat)
        value: Any
        # Five thousand signs of minLength in each of three thousand places would be a body of 15 MB.
        least = flat.get("minLength")
        self._budget.spend(min(least, LONGEST_STRING) // 20 if isinstance(least, int) and least > 0 else 0)
        if kind == "object":
            value = self._object(flat, where, depth)
        elif kind == "array":
            value = self._array(flat, where, depth)
        elif kind == "null":
            return Example(None, "schema")
        elif kind == "" and depth == 0:
            return None
        else:
            value = scalar(flat, kind)
        if value is None:
            return Example(None, "schema") if is_nullable(flat) and depth else None
        return Example(value, "schema")

    def _object(self, flat: Schema, where: str, depth: int) -> dict[str, Any] | None:
        properties = flat.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = _names(flat.get("required"))
        hints, excluded = flat.get(HINTS, {}), flat.get(EXCLUDED, ())
        result: dict[str, Any] = {}
        for name in dict.fromkeys([*islice(properties, MOST_PROPERTIES), *(n for n in required if n in properties)]):
            needed = name in required
            if not needed and (name in excluded or not self._optional_fits(depth)):
                continue
            if self._conforming.is_read_only(properties[name], where):
                continue
            if name in hints and self._conforming.conforms(hints[name], properties[name], where):
                result[name] = hints[name]
                continue
            made = self._make(properties[name], where, depth + 1, flat[OPEN])
            if made is not None:
                result[name] = made.value
            elif needed:
                return None
        self._fill(flat, result, [name for name in required if name not in properties], where, depth)
        return result

    def _fill(self, flat: Schema, result: dict[str, Any], missing: list[str], where: str, depth: int) -> None:
        """Adds the names that only `required`, hints and minProperties ask for."""
        extra = flat.get("additionalProperties")
        hints = flat.get(HINTS, {})
        least = flat["minProperties"] if isinstance(flat.get("minProperties"), int) else 0
        if "properties" not in flat:
            result.update(hints)
        spare = (f"key{number}" for number in range(1, LONGEST_LIST + 1))
        names = [name for name in missing if name not in result]
        while len(result) + len(names) < min(least, LONGEST_LIST):
            names.append(next(spare))
        for name in names:
            made = self._make(extra, where, depth + 1, flat[OPEN]) if isinstance(extra, dict) and extra else None
            result[name] = hints.get(name, made.value if made else "string")

    def _optional_fits(self, depth: int) -> bool:
        return depth < OPTIONAL_DEPTH and self._budget.spent < OPTIONAL_NODES_OF_ONE

    def _array(self, flat: Schema, where: str, depth: int) -> list[Any] | None:
        least = flat["minItems"] if isinstance(flat.get("minItems"), int) else 0
        most = flat["maxItems"] if isinstance(flat.get("maxItems"), int) else LONGEST_LIST
        prefix = flat.get("prefixItems")
        schemas: list[Any] = list(prefix[:LONGEST_LIST]) if isinstance(prefix, list) else []
        items = flat.get("items")
        while len(schemas) < min(max(least, 0 if prefix else 1), LONGEST_LIST):
            schemas.append(items if isinstance(items, dict) else {})
        result: list[Any] = []
        for schema in schemas[: max(most, 0)]:
            made = self._make(schema, where, depth + 1, flat[OPEN])
            if made is None:
                break
            value = made.value
            if flat.get("uniqueItems") and self._budget.spend(len(result)) and value in result:
                value = self._another(schema, where, value, result)
            result.append(value)
        return result if len(result) >= min(least, LONGEST_LIST) else None

    def _another(self, schema: Any, where: str, value: Any, taken: list[Any]) -> Any:
        choices = self.flat(schema, where).get("enum")
        for choice in choices if isinstance(choices, list) else ():
            if choice not in taken:
                return choice
        if is_number(value):
            return value + len(taken)
        return f"{value}{len(taken) + 1}" if isinstance(value, str) else value


def small_key(schema: Any) -> str:
    """What tells a small schema from others, or ""; thousands of parameters share a few schemas."""
    if not isinstance(schema, dict) or len(schema) > MOST_WORDS_OF_SMALL or "properties" in schema:
        return ""
    key = repr(schema)
    return key if len(key) <= LONGEST_KEY else ""


def _names(value: Any) -> dict[str, None]:
    """The names in a `required`, each once; a dict, because hundreds are looked up in it."""
    return (
        dict.fromkeys(name for name in value[:MOST_PROPERTIES] if isinstance(name, str))
        if isinstance(value, list)
        else {}
    )


def given_by(flat: Schema) -> Iterator[Example]:
    """What a flat schema itself gives, the best first: example, examples, default, const, enum."""
    examples = flat.get("examples")
    first = next(iter(examples), None) if isinstance(examples, list) else None
    given = [(flat.get("example"), "example"), (first, "example"), (flat.get("x-example"), "example")]
    for value, source in [*given, (flat.get("default"), "default")]:
        if value is not None:
            value = fit(value, flat)
            if suits(value, flat):
                yield Example(value, source)
    if flat.get("const") is not None:
        yield Example(flat["const"], "enum")
    choices = flat.get("enum")
    if isinstance(choices, list) and choices:
        wanted = [choice for choice in choices[:MOST_CHOICES] if choice is not None]
        yield from (Example(choice, "enum") for choice in wanted or [None])


def scalar(flat: Schema, kind: str) -> Any:
    """A text, number or boolean from its format and limits."""
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return _number(flat, whole=kind == "integer")
    if kind == "file":
        return "Metric Vault"
    return _string(flat)


def _string(flat: Schema) -> str:
    least = flat["minLength"] if isinstance(flat.get("minLength"), int) else 0
    most = flat["maxLength"] if isinstance(flat.get("maxLength"), int) else None
    least = min(max(least, 0), LONGEST_STRING)
    pattern = flat.get("pattern")
    text = FORMATS.get(str(flat.get("format")), "string")
    if isinstance(pattern, str) and pattern:
        if least <= len(text) <= (len(text) if most is None else most) and matches(pattern, text):
            return text
        found = matching(pattern, least, most)
        if found is not None:
            return found
    if len(text) < least:
        text = (text * (least // len(text) + 1))[:least]
    return text[:most] if most is not None and most >= 0 else text


def _number(flat: Schema, whole: bool) -> int | float:
    low, high = _limit(flat, "minimum", "exclusiveMinimum", 1), _limit(flat, "maximum", "exclusiveMaximum", -1)
    step = flat.get("multipleOf")
    value: int | float = 1
    if low is not None and value < low:
        value = math.ceil(low) if whole or high is None or math.ceil(low) <= high else low
    if high is not None and value > high:
        value = math.floor(high) if whole or low is None or math.floor(high) >= low else high
    if is_number(step) and step and step > 0:
        with suppress(OverflowError):  # of a tiny step
            times = math.ceil(value / step)
            value = times * step if high is None or times * step <= high else math.floor(value / step) * step
    return int(value) if whole and float(value).is_integer() else value


def _limit(flat: Schema, name: str, exclusive: str, inward: int) -> int | float | None:
    """The limit `name`, moved inward where it is exclusive: a boolean in OpenAPI 3.0, a number in 3.1."""
    limit, strict = flat.get(name), flat.get(exclusive)
    limit = limit if is_number(limit) else None
    move: int | float = inward
    if kind_of(flat) == "number":
        move = inward * 0.5
    if strict is True and limit is not None:
        return limit + move
    if is_number(strict):
        edge = strict + move
        return edge if limit is None else (max(edge, limit) if inward > 0 else min(edge, limit))
    return limit
