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
        self._anchors: dict[str, Any] | None = None

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
        if not ref.startswith("#"):
            return None
        pointer = unquote(ref[1:])
        if pointer and not pointer.startswith("/"):
            return self._by_anchor(pointer)
        node: Any = self._document
        for step in pointer.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and step in node:
                node = node[step]
            elif isinstance(node, list) and step.isdecimal() and len(step) < 7 and int(step) < len(node):
                node = node[int(step)]
            else:
                return None
        return node

    def _by_anchor(self, name: str) -> Any:
        """JSON Schema's `$anchor`, looked for where schemas are named."""
        if self._anchors is None:
            components = self._document.get("components")
            schemas = components.get("schemas") if isinstance(components, dict) else None
            named = schemas.values() if isinstance(schemas, dict) else ()
            self._anchors = {
                part["$anchor"]: part
                for part in named
                if isinstance(part, dict) and isinstance(part.get("$anchor"), str)
            }
        return self._anchors.get(name)

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
