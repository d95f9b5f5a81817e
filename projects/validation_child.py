"""The process in which openapi-spec-validator looks at a document: text in, findings out, nothing else opened.

`projects.child` runs it: it reads the text from standard input and prints one JSON object, see `findings`.
Three walls around a library that follows `$ref`s to anywhere: references that leave the document are taken out before
it sees the document, its own ways to fetch refuse, and an audit hook of Python ends whatever would still connect or
open a file. Nothing of Django.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema_path.paths import SchemaPath
from openapi_spec_validator import (
    OpenAPIV2SpecValidator,
    OpenAPIV30SpecValidator,
    OpenAPIV31SpecValidator,
    OpenAPIV32SpecValidator,
)
from openapi_spec_validator.validation import keywords
from openapi_spec_validator.validation.validators import SpecValidator

from projects.findings import CRASHED, OUTSIDE, UNKNOWN_VERSION
from projects.openapi import DocumentError, read_document
from projects.openapi.wording import quote

MOST_FINDINGS = 200
MOST_COUNTED = 10_000
_PLACED = "placed_at"
_VALIDATORS: dict[str, type[SpecValidator]] = {
    "2": OpenAPIV2SpecValidator,
    "3.0": OpenAPIV30SpecValidator,
    "3.1": OpenAPIV31SpecValidator,
    "3.2": OpenAPIV32SpecValidator,
}
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

Finding = dict[str, Any]


class _Keys(set[Any]):
    """The library keeps what it has seen in lists and looks through them: half of its time for large documents."""

    def append(self, key: Any) -> None:
        self.add(key)


class _Operations(keywords.OperationValidator):
    """Says which operation a finding is about, and looks into request bodies, too."""

    def __init__(self, registry: Any) -> None:
        super().__init__(registry)
        self.operation_ids_registry = _Keys()  # type: ignore[assignment]

    def __call__(
        self, url: str, name: str, operation: SchemaPath, path_parameters: SchemaPath | None
    ) -> Iterator[ValidationError]:
        for error in self._all(url, name, operation, path_parameters):
            if not hasattr(error, _PLACED):
                setattr(error, _PLACED, f"{name.upper()} {url}")
            yield error

    def _all(
        self, url: str, name: str, operation: SchemaPath, path_parameters: SchemaPath | None
    ) -> Iterator[ValidationError]:
        yield from super().__call__(url, name, operation, path_parameters)
        if "content" in self.registry.keyword_validators and "requestBody" in operation:
            body = operation / "requestBody"
            if "content" in body:
                content: Any = self.registry["content"]
                yield from content(body / "content")


class _Schemas(keywords.SchemasValidator):
    """Says which named schema a finding is about."""

    def __call__(self, schemas: SchemaPath) -> Iterator[ValidationError]:
        for name, schema in schemas.items():
            for error in self.schema_validator(schema):
                if not hasattr(error, _PLACED):
                    setattr(error, _PLACED, f"components/schemas/{name}")
                yield error


def _quick(base: type[Any]) -> type[Any]:
    class Quick(base):
        def __init__(self, registry: Any) -> None:
            super().__init__(registry)
            self.visited_schema_ids = _Keys()
            self.meta_checked_schema_ids = _Keys()

    return Quick


def _refuse(uri: str) -> Any:
    raise LookupError(uri)


def findings(document: dict[str, Any]) -> dict[str, Any]:
    """{"findings": [{"where", "kind", "values"}], "count": how many there are in all, at most `MOST_COUNTED`}."""
    found: list[Finding] = []
    count = 0
    for finding in _unique(_all(document)):
        count += 1
        if len(found) < MOST_FINDINGS:
            found.append(finding)
        if count >= MOST_COUNTED:
            break
    return {"findings": found, "count": count}


def _unique(all_of_them: Iterator[Finding]) -> Iterator[Finding]:
    seen = set()
    for finding in all_of_them:
        key = json.dumps(finding, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield finding


def _all(document: dict[str, Any]) -> Iterator[Finding]:
    version = str(document.get("openapi", document.get("swagger", ""))).strip()
    known = next((one for name, one in _VALIDATORS.items() if re.match(rf"{re.escape(name)}(\.|$)", version)), None)
    if known is None:
        yield {"where": "", "kind": UNKNOWN_VERSION, "values": {"version": quote(version)}}
        return
    outside = list(_without_outside(document))
    for path, ref in outside:
        yield {"where": quote(_place(list(path))), "kind": OUTSIDE, "values": {"ref": quote(ref)}}
    emptied = {path for path, _ref in outside}
    validator = _prepared(known)(document)
    # Each half on its own: where one breaks over a document that is too odd for it, the other may still tell.
    for half in (_structure, _meaning):
        try:
            for error in half(validator):
                path = tuple(str(part) for part in getattr(error, "absolute_path", ()))
                # What is wrong where a reference was taken out is wrong because it was taken out.
                if not any(path[: len(hole)] == hole or hole[: len(path)] == path != () for hole in emptied):
                    yield _finding(error)
        except Exception as error:  # whatever the library stumbles over is a finding about the document
            yield {"where": "", "kind": CRASHED, "values": {"kind": type(error).__name__}}


def _prepared(base: type[SpecValidator]) -> type[SpecValidator]:
    known = {**base.keyword_validators, "operation": _Operations, "schemas": _Schemas}
    handlers = dict.fromkeys(("<all_urls>", "http", "https", "file", "ftp", ""), _refuse)
    more = {"keyword_validators": {**known, "schema": _quick(known["schema"])}, "resolver_handlers": handlers}
    return type("Prepared", (base,), more)


def _structure(validator: SpecValidator) -> Iterator[Any]:
    for error in validator.schema_validator.iter_errors(validator.schema):
        yield _innermost(error)


def _meaning(validator: SpecValidator) -> Iterator[Any]:
    yield from validator.root_validator(validator.schema_path)


def _innermost(error: Any) -> Any:
    """The error that a choice of shapes failed with, where one shape was clearly meant."""
    while getattr(error, "context", None):
        deepest = max(error.context, key=lambda one: len(list(one.absolute_path)))
        if len(list(deepest.absolute_path)) <= len(list(error.absolute_path)):
            break
        error = deepest
    return error


def _finding(error: Any) -> Finding:
    path = [str(part) for part in getattr(error, "absolute_path", ())]
    where = getattr(error, _PLACED, "") or _place(path)
    message = str(error.message).strip().split("\n")[0]
    return {"where": quote(where), "kind": "said", "values": {"message": quote_long(message)}}


def quote_long(message: str) -> str:
    """A sentence of the library: it quotes whole schemas, whose beginning and end tell enough."""
    text = " ".join(message.split())
    return text if len(text) <= 300 else f"{text[:160]} … {text[-130:]}"


def _place(path: list[str]) -> str:
    """`paths, /pets, get, responses` as "GET /pets: responses"."""
    if len(path) > 2 and path[0] == "paths" and path[2] in _METHODS:
        rest = "/".join(path[3:])
        return f"{path[2].upper()} {path[1]}" + (f": {rest}" if rest else "")
    if len(path) > 1 and path[0] == "paths":
        return ": ".join([path[1], *(["/".join(path[2:])] if path[2:] else [])])
    return "/".join(path)


def _without_outside(document: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Takes references out that leave the document, and the words by which a schema would move its own address.

    Yields the place and the target of each reference.
    """
    waiting: list[tuple[tuple[str, ...], Any]] = [((), document)]
    seen: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            for word in ("$ref", "$dynamicRef", "$recursiveRef"):
                target = node.get(word)
                if isinstance(target, str) and not target.startswith("#"):
                    del node[word]
                    yield path, target
            for word in ("$id", "$schema", "id", "jsonSchemaDialect", "$self"):
                if isinstance(node.get(word), str) and "://" in node[word] and not _is_known_dialect(node[word]):
                    del node[word]
            parts: Any = node.items()
        else:
            parts = enumerate(node)
        waiting.extend(((*path, str(key)), child) for key, child in parts if isinstance(child, dict | list))


def _is_known_dialect(uri: str) -> bool:
    return uri.startswith(("https://json-schema.org/draft/2020-12/", "https://spec.openapis.org/oas/3."))


_CLOSED = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "urllib.",
    "ftplib.",
    "smtplib.",
)
_OURS = tuple(os.path.realpath(path) for path in {*sys.path, sys.prefix, sys.base_prefix} if path)


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Python asks here before it connects, starts or opens anything (docs.python.org/3/library/audit_events.html)."""
    if event.startswith(_CLOSED):
        raise PermissionError(event)
    if event == "open" and isinstance(arguments[0], str | bytes):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        writes = isinstance(arguments[1], str) and any(sign in arguments[1] for sign in "wax+")
        if writes or not path.startswith(_OURS) or not path.endswith((".py", ".pyc", ".json", ".so")):
            raise PermissionError(event)


def _open_own_files() -> None:
    """What the library reads of its own, and lazily: the schemas of OpenAPI. Then nothing has to be opened any more."""
    for known in _VALIDATORS.values():
        list(known.schema_validator.iter_errors({}))
    findings({"openapi": "3.1.0", "info": {}, "paths": {}})


def main() -> None:
    """Reads, validates, prints; exits with 1 and prints nothing where the text cannot be read."""
    _open_own_files()
    sys.addaudithook(_guard)
    text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    try:
        answer = findings(read_document(text).document)
    except DocumentError:
        sys.exit(1)
    sys.stdout.buffer.write(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
