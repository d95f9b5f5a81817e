"""Local `$ref`s. A reference to anywhere else is never followed: it becomes a warning."""

from typing import Any
from urllib.parse import unquote

from projects.openapi.wording import Warnings, gettext_noop

LONGEST_CHAIN = 50
_OUTSIDE = gettext_noop(
    "“%(ref)s” points outside this document. It was not read: import one document that holds everything, "
    "or a zip of all its files."
)
_NOWHERE = gettext_noop("“%(ref)s” points to nothing in this document.")
_CIRCLE = gettext_noop("“%(ref)s” leads back to itself.")


class References:
    """Looks local references of one document up."""

    def __init__(self, document: dict[str, Any], warnings: Warnings) -> None:
        self._document = document
        self._warnings = warnings
        self._cache: dict[str, Any] = {}
        self._names: dict[str, Any] | None = None
        self._heirs: dict[str, list[str]] | None = None

    def target(self, ref: object, where: str) -> Any:
        """What `ref` points to, or None with a warning."""
        if not isinstance(ref, str):
            self._warnings.add(where, _NOWHERE, ref=ref)
            return None
        if ref not in self._cache:
            self._cache[ref] = self._find(ref)
        found = self._cache[ref]
        if found is None:
            self._warnings.add(where, _NOWHERE if ref.startswith("#") else _OUTSIDE, ref=ref)
        return found

    def _find(self, ref: str) -> Any:
        base, _, fragment = ref.partition("#")
        start: Any = self._document
        if base and base != self._document.get("$self"):  # OpenAPI 3.2: the document's own address
            start = self._named().get(base)
            if start is None:
                return None
        if fragment and not fragment.startswith("/"):
            return self._named().get("#" + unquote(fragment))
        found = _pointed(start, unquote(fragment))
        # Keys with a % in them are seen unencoded in references.
        return _pointed(start, fragment) if found is None and "%" in fragment else found

    def _named(self) -> dict[str, Any]:
        """JSON Schema's `$anchor` (as #name), `$dynamicAnchor` and `$id`, looked for where schemas are named."""
        if self._names is None:
            self._names = {}
            for _ref, part in self._schemas():
                for key, mark in (("$anchor", "#"), ("$dynamicAnchor", "#"), ("$id", ""), ("id", "")):
                    name = part.get(key) if isinstance(part, dict) else None
                    if isinstance(name, str) and name:
                        self._names.setdefault(mark + name, part)
        return self._names

    def heirs(self, parent: str) -> list[str]:
        """References to the named schemas that have `parent`, a reference, in their allOf."""
        if self._heirs is None:
            self._heirs = {}
            for ref, schema in self._schemas():
                parts = schema.get("allOf") if isinstance(schema, dict) else None
                for part in parts if isinstance(parts, list) else ():
                    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
                        self._heirs.setdefault(part["$ref"], []).append(ref)
        return self._heirs.get(parent, [])

    def _schemas(self) -> list[tuple[str, Any]]:
        components = self._document.get("components")
        schemas = components.get("schemas") if isinstance(components, dict) else None
        base, schemas = (
            ("components/schemas", schemas) if schemas else ("definitions", self._document.get("definitions"))
        )
        entries = schemas.items() if isinstance(schemas, dict) else ()
        return [(f"#/{base}/{name.replace('~', '~0').replace('/', '~1')}", schema) for name, schema in entries]

    def resolved(self, node: Any, where: str) -> dict[str, Any] | None:
        """`node` with its `$ref`, and that one's, followed; fields beside a `$ref` win over what it names.

        None where the reference leads nowhere, in a circle, outside, or where there is no mapping.
        """
        beside: dict[str, Any] = {}
        seen: set[str] = set()
        while isinstance(node, dict) and "$ref" in node:
            ref = node["$ref"]
            beside = {**node, **beside}
            if str(ref) in seen or len(seen) >= LONGEST_CHAIN:
                self._warnings.add(where, _CIRCLE, ref=ref)
                return None
            seen.add(str(ref))
            node = self.target(ref, where)
        if not isinstance(node, dict):
            return None
        if not beside:
            return node
        beside.pop("$ref", None)
        return {**node, **beside}


def _pointed(node: Any, pointer: str) -> Any:
    """What a JSON Pointer (RFC 6901) leads to, or None."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and step in node:
            node = node[step]
        elif isinstance(node, list) and step.isdecimal() and len(step) < 7 and int(step) < len(node):
            node = node[int(step)]
        else:
            return None
    return node
