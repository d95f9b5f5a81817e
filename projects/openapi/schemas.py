"""One flat view of a schema: references followed, `allOf` merged, a branch of `oneOf`/`anyOf` chosen.

Works on JSON Schema as OpenAPI 3.0, 3.1 and Swagger 2.0 write it. Bounded by the caller's set of open references.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeGuard

from projects.openapi.references import References

Schema = dict[Any, Any]
MAX_PARTS = 60
MOST_OF_PART = 8
MOST_OPEN = 200
MOST_CHILDREN = 8
# Notes on a flat schema. Their keys are no text, so no document can write them.
HINTS = ("hints",)  # property values found in the example of one part of an allOf
EXCLUDED = ("excluded",)  # properties that would make another branch of a oneOf match too
OPEN = ("open",)  # references that were followed on the way here
NAME = ("name",)  # the reference that named the schema, or ""

_LARGER = ("minimum", "minLength", "minItems", "minProperties")
_SMALLER = ("maximum", "maxLength", "maxItems", "maxProperties")
_PYTHON_TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int | float, "number": int | float,
}  # fmt: skip
GIVEN = ("example", "examples", "default", "x-example")


class Budget:
    """How much work is left, for one example and for the document: a hostile schema grows without end."""

    def __init__(self, one: int, document: int) -> None:
        self._one = self._start = one
        self.left = one
        self.left_in_document = document

    def renew(self) -> None:
        """Starts the next example."""
        self.left = self._start = min(self._one, self.left_in_document)

    def spend(self, amount: int = 1) -> bool:
        """Takes `amount`; False where nothing is left."""
        self.left -= amount
        self.left_in_document -= amount
        return self.left > 0

    @property
    def spent(self) -> int:
        """What the example at hand has taken so far."""
        return self._start - self.left


class Schemas:
    """Flattens the schemas of one document."""

    def __init__(self, references: References, budget: Budget) -> None:
        self._references = references
        self._budget = budget

    def variants(
        self, schema: Any, where: str, opened: frozenset[str] = frozenset(), *, as_part: bool = False
    ) -> Iterator[Schema]:
        """Flat schemas that a value may follow, the first choice first; nothing where the schema leads into itself.

        `opened` are the references that are being built at the moment; what is yielded carries, under
        `OPEN`, those and the ones followed for it. `as_part`: of an allOf, where a parent stands for no child of its.
        """
        if not isinstance(schema, dict) or not self._budget.spend():
            return
        flat = self._opened(schema, where, opened)
        if flat is None:
            return
        base = {key: value for key, value in flat.items() if key not in ("allOf", "oneOf", "anyOf")}
        parts = [part for part in _list(flat.get("allOf"))[:MAX_PARTS] if isinstance(part, dict)]
        choices = "oneOf" if _list(flat.get("oneOf")) else "anyOf"
        branches = [branch for branch in _list(flat.get(choices))[:MAX_PARTS] if isinstance(branch, dict)]
        self._budget.spend(len(branches) // 4)
        branches.sort(key=lambda branch: self._says_little(branch, where))
        for merged in self._with_parts(base, parts, where):
            if not branches:
                if not as_part:
                    yield from self._children(merged, where)
                name_kind(merged, merged[NAME])
                yield merged
            for branch in branches:
                for variant in self.variants(branch, where, merged[OPEN]):
                    self._budget.spend(_weight(merged) + _weight(variant) + len(branches) // 8)
                    result = merge(merged, variant)
                    _exclude_others(result, branch, branches, choices)
                    name_kind(result, branch.get("$ref"))
                    yield result

    def _children(self, parent: Schema, where: str) -> Iterator[Schema]:
        """What inherits from a schema with a discriminator: few servers take the parent itself."""
        discriminator = parent.get("discriminator")
        if not discriminator or not parent[NAME]:
            return
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        refs = list(mapping.values()) if isinstance(mapping, dict) else self._references.heirs(parent[NAME])
        for ref in refs[:MOST_CHILDREN]:
            if isinstance(ref, str) and "/" not in ref:
                ref = parent[NAME].rpartition("/")[0] + "/" + ref  # a mapping may name a schema without its place
            child = self._references.target(ref, where) if isinstance(ref, str) and ref.startswith("#/") else None
            if not isinstance(child, dict) or ref in parent[OPEN]:
                continue
            inherited = [part for part in _list(child.get("allOf")) if isinstance(part, dict)]
            own = [part for part in inherited if part.get("$ref") != parent[NAME]]
            if len(own) == len(inherited):
                continue
            base = {**child, "allOf": own}
            for variant in self.variants(base, where, parent[OPEN] | {ref}, as_part=True):
                result = merge(variant, parent)
                name_kind(result, ref)
                yield result

    def _opened(self, schema: Schema, where: str, opened: frozenset[str]) -> Schema | None:
        beside: Schema = {}
        ref: Any = ""
        while "$ref" in schema or "$dynamicRef" in schema:
            # A dynamic reference may mean another schema than the one it names; that one is near enough.
            ref = schema.get("$ref", schema.get("$dynamicRef"))
            if str(ref) in opened or len(opened) >= MOST_OPEN:
                return None
            opened |= {str(ref)}
            beside = {**schema, **beside}
            target = self._references.target(ref, where)
            if not isinstance(target, dict):
                return None
            schema = target
        beside.pop("$ref", None)
        beside.pop("$dynamicRef", None)
        return {**schema, **beside, OPEN: opened, NAME: str(ref)}

    def _says_little(self, branch: Schema, where: str) -> bool:
        """Whether a branch allows nothing but null or the empty text: others are better examples."""
        if isinstance(branch.get("$ref"), str):
            found = self._references.target(branch["$ref"], where)
            branch = found if isinstance(found, dict) else {}
        return branch.get("type") == "null" or branch.get("enum") in ([None], [""]) or branch.get("const", 1) is None

    def _with_parts(self, base: Schema, parts: list[Schema], where: str) -> Iterator[Schema]:
        """`base` with all parts of its allOf; where a part has branches, each is tried with the others' first."""
        firsts: list[Schema] = []
        rests = []
        for part in parts:
            rest = self.variants(part, where, base[OPEN], as_part=True)
            first = next(rest, None)
            if first is None:
                return
            firsts.append(first)
            rests.append(rest)
        yield self._merged(base, firsts)
        for at, rest in enumerate(rests):
            for other in islice(rest, MOST_OF_PART):
                yield self._merged(base, [*firsts[:at], other, *firsts[at + 1 :]])

    def _merged(self, base: Schema, parts: list[Schema]) -> Schema:
        merged = dict(base)
        for part in parts:
            self._budget.spend(1 + _weight(merged) + _weight(part))
            merged = merge(merged, _with_hints(part))
        return merged


def merge(first: Schema, second: Schema) -> Schema:
    """A schema that asks for what both ask; where only one can hold, `first` wins."""
    result = {**second, **first}
    result[OPEN] = first.get(OPEN, frozenset()) | second.get(OPEN, frozenset())
    for key in ("required", EXCLUDED):
        both = [*_list(second.get(key)), *_list(first.get(key))]
        if both:
            result[key] = list(dict.fromkeys(name for name in both if isinstance(name, str)))
    for limits, better in ((_LARGER, max), (_SMALLER, min)):
        for name in limits:
            numbers = [part[name] for part in (first, second) if is_number(part.get(name))]
            if numbers:
                result[name] = better(numbers)
    closed = _closed_out(first, second) | _closed_out(second, first)
    if closed:
        result[EXCLUDED] = sorted(closed | set(result.get(EXCLUDED, ())))
    if first.get(HINTS) or second.get(HINTS):
        result[HINTS] = {**second.get(HINTS, {}), **first.get(HINTS, {})}
    result.update(_merged_properties(first, second))
    kinds = {kind for kind in (first.get("type"), second.get("type")) if isinstance(kind, str)}
    if kinds == {"integer", "number"}:
        result["type"] = "integer"
    common = [value for value in _list(first.get("enum")) if value in _list(second.get("enum"))]
    if common:
        result["enum"] = common
    return result


def _closed_out(first: Schema, second: Schema) -> set[str]:
    """The properties of `second` that `first`, which takes no others than its own, forbids."""
    if first.get("additionalProperties") is not False or first.get("patternProperties"):
        return set()
    own, others = first.get("properties"), second.get("properties")
    return set(others if isinstance(others, dict) else ()) - set(own if isinstance(own, dict) else ())


def _merged_properties(first: Schema, second: Schema) -> Schema:
    one, two = first.get("properties"), second.get("properties")
    if not (isinstance(one, dict) and isinstance(two, dict)):
        return {}
    merged = dict(two)
    for name, schema in one.items():
        merged[name] = {"allOf": [schema, two[name]]} if name in two and two[name] != schema else schema
    return {"properties": merged}


def _with_hints(part: Schema) -> Schema:
    """A part's example shows the part, not the whole: it is kept as hints for its properties."""
    hints: Schema = {}
    kept = dict(part)
    for key in GIVEN:
        value = kept.get(key)
        if key == "examples" and isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            del kept[key]
            hints = {**value, **hints}
    return {**kept, HINTS: {**hints, **part.get(HINTS, {})}} if hints else kept


def _exclude_others(result: Schema, branch: Schema, branches: list[Schema], choices: str) -> None:
    if choices != "oneOf":
        return
    own = set(_list(result.get("required")))
    others = {
        name
        for other in branches
        if other is not branch
        for name in _list(other.get("required"))
        if isinstance(name, str) and name not in own
    }
    if others:
        result[EXCLUDED] = sorted(others | set(result.get(EXCLUDED, [])))


def name_kind(result: Schema, ref: Any) -> None:
    """Notes the discriminator's value for the schema that was chosen, by its reference:
    https://spec.openapis.org/oas/v3.1.0#discriminator-object"""
    discriminator = result.get("discriminator")
    if not (discriminator and isinstance(ref, str) and ref):
        return
    name = discriminator.get("propertyName") if isinstance(discriminator, dict) else discriminator
    if not isinstance(name, str):
        return
    short = ref.rsplit("/", 1)[-1]
    mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
    mapping = mapping if isinstance(mapping, dict) else {}
    value = next((key for key, to in mapping.items() if to in (ref, short)), None)
    if value is None:
        if _says_more_than_text(result.get("properties"), name):
            return
        value = short
    result[HINTS] = {**result.get(HINTS, {}), name: value}


def _says_more_than_text(properties: Any, name: str) -> bool:
    """Whether the discriminating property has values of its own, which many authors write instead of a mapping."""
    schema = properties.get(name) if isinstance(properties, dict) else None
    return isinstance(schema, dict) and bool(
        schema.keys() & {"const", "enum", "default", "$ref", "allOf", "anyOf", "oneOf"}
    )


def kind_of(schema: Schema) -> str:
    """The type of a flat schema, guessed from its other words where it is not written; "" for anything."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null" if kind else None)
    if isinstance(kind, str):
        return kind
    if isinstance(schema.get("properties"), dict) or isinstance(schema.get("additionalProperties"), dict):
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    if any(word in schema for word in ("pattern", "minLength", "maxLength", "format")):
        return "string"
    if any(word in schema for word in ("minimum", "maximum", "multipleOf")):
        return "number"
    return ""


def is_nullable(schema: Schema) -> bool:
    """Whether null satisfies a flat schema."""
    kind = schema.get("type")
    return bool(schema.get("nullable")) or kind == "null" or (isinstance(kind, list) and "null" in kind)


def suits(value: Any, flat: Schema) -> bool:
    """Whether `value` is of the type a flat schema names."""
    expected = _PYTHON_TYPES.get(kind_of(flat))
    if expected is None or (value is None and is_nullable(flat)):
        return True
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def is_number(value: object) -> TypeGuard[int | float]:
    """A number, and no boolean (which Python counts among them)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _weight(schema: Schema) -> int:
    properties = schema.get("properties")
    return len(properties) // 50 if isinstance(properties, dict) else 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
