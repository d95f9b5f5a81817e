"""A document in several files as one: relative `$ref`s between the files of a zip become local ones.

Every file that is referred to stands, once and as it is, under `x-metric-vault-files` of the root document,
and what pointed to it points there: circles between files are circles within the document, nothing is copied.
"""

import posixpath
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from projects.openapi.archive import SUFFIXES, Archive
from projects.openapi.wording import DocumentError, DocumentTooLarge, Warnings, gettext_noop

FILES = "x-metric-vault-files"
MOST_CANDIDATES = 50
MOST_NODES = 2_000_000  # a file of a kilobyte may say a million values by aliases, and a zip holds many files
_HEAD = re.compile(rb"[\"']?\b(?:openapi|swagger)[\"']?\s*:")

Parse = Callable[[bytes], Any]


def joined(archive: Archive, parse: Parse, warnings: Warnings) -> Any:
    """The one document of a zip. `parse` makes a value of a file's bytes and raises `DocumentError` where it cannot."""
    place, document = _root(archive, parse, warnings)
    return _Joining(archive, parse, warnings, place, document).result()


def _root(archive: Archive, parse: Parse, warnings: Warnings) -> tuple[str, dict[str, Any]]:
    """The shallowest file that has `openapi` or `swagger` at its top; among several the first by name."""
    found: list[tuple[str, dict[str, Any]]] = []
    problem: DocumentError | None = None
    places = archive.places
    for place in places[:MOST_CANDIDATES]:
        if found and place.count("/") > found[0][0].count("/"):
            break
        data = archive.read(place)
        if not (_HEAD.search(data) or b"\x00" in data[:4]):
            continue
        try:
            value = parse(data)
        except DocumentTooLarge:
            raise
        except DocumentError as error:
            problem = problem or error
            continue
        if isinstance(value, dict) and ("openapi" in value or "swagger" in value):
            found.append((place, value))
    if not found and problem:
        raise problem
    if not found:
        raise DocumentError(
            gettext_noop("The zip holds no OpenAPI document: none of its files has “openapi” at its top (%(files)s)."),
            files=", ".join(places[:5]) or "–",
        )
    if len(found) > 1:
        names = ", ".join(place for place, _ in found[1:])
        warnings.add(
            "", gettext_noop("The zip holds several documents. “%(name)s” was read, not %(others)s."),
            name=found[0][0], others=names,
        )  # fmt: skip
    return found[0]


class _Joining:
    def __init__(self, archive: Archive, parse: Parse, warnings: Warnings, root: str, document: dict[str, Any]) -> None:
        self._archive = archive
        self._parse = parse
        self._warnings = warnings
        self._root = root
        self._values: dict[str, Any] = {root: document}  # by place; None where the file cannot be read
        self._keys: dict[str, str] = {}  # place -> its name under FILES
        self._waiting: list[str] = []
        self._nodes = 0

    def result(self) -> dict[str, Any]:
        document: dict[str, Any] = self._rewritten(self._values[self._root], self._root)
        files: dict[str, Any] = {}
        while self._waiting:
            place = self._waiting.pop()
            files[self._keys[place]] = self._rewritten(self._values[place], place)
        if files:
            document[FILES] = {self._keys[place]: files[self._keys[place]] for place in self._keys}
        return document

    def _rewritten(self, node: Any, place: str) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise DocumentTooLarge(
                gettext_noop("The files of the zip hold more than %(count)d values together. Import a part of them."),
                count=MOST_NODES,
            )
        if isinstance(node, list):
            return [self._rewritten(child, place) for child in node]
        if not isinstance(node, dict):
            return node
        result = {name: self._rewritten(child, place) for name, child in node.items()}
        if isinstance(result.get("$ref"), str):
            result["$ref"] = self._local(result["$ref"], place)
        discriminator = result.get("discriminator")
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        if isinstance(mapping, dict):
            for name, to in mapping.items():
                if isinstance(to, str) and (to.startswith("#") or to.partition("#")[0].endswith(SUFFIXES)):
                    mapping[name] = self._local(to, place)
        return result

    def _local(self, reference: str, place: str) -> str:
        """The reference within the joined document; as it was where it leads out of the zip."""
        file, _, pointer = reference.partition("#")
        target = self._archive.find(file, place) if file else place
        if target is None or not self._has(target):
            return reference
        if not file and place != self._root and not self._points(pointer, place) and self._points(pointer, self._root):
            target = self._root  # not what `#` means, but what many writers mean by it
        if target == self._root:
            return f"#{pointer}"
        pointer = "/" + pointer if pointer and not pointer.startswith("/") else pointer
        return f"#/{FILES}/{self._key(target)}{pointer}"

    def _points(self, pointer: str, place: str) -> bool:
        """Whether the first step of a pointer is there."""
        value, first = self._values[place], pointer.lstrip("/").partition("/")[0]
        return isinstance(value, dict) and first in value

    def _has(self, place: str) -> bool:
        if place not in self._values:
            value = None
            try:
                value = self._parse(self._archive.read(place))
            except DocumentTooLarge:
                raise
            except DocumentError as error:
                self._warnings.add(place, error.sentence.template, **error.sentence.values)
            self._values[place] = value
        return self._values[place] is not None

    def _key(self, place: str) -> str:
        """The file's name without its ending, which is what a discriminator calls it; more where two share it."""
        if place not in self._keys:
            stem = posixpath.splitext(posixpath.basename(place))[0]
            names = set(self._keys.values())
            key = stem if stem not in names else place.replace("/", ".")
            while key in names:
                key += "_"
            self._keys[place] = key
            self._waiting.append(place)
        return quote(self._keys[place].replace("~", "~0"), safe="~")
