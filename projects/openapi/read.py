"""Bytes or text -> the parsed document, safely. Nothing here opens a file or a connection.

JSON is tried first where the text begins like JSON, then YAML. What is wrong and survivable becomes a
warning; what cannot be an OpenAPI or Swagger document is refused with a sentence that says what it
seems to be (`recognise`).
"""

import codecs
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from projects.openapi import archive, yaml_events
from projects.openapi.joining import joined
from projects.openapi.recognise import check_document, refuse_by_first_bytes, refuse_by_first_text
from projects.openapi.wording import DocumentError, DocumentTooLarge, Warning, Warnings, gettext_noop
from projects.openapi.yaml_events import DUPLICATE_KEY, LONGEST_NUMBER, MAX_DEPTH, NUMBER_DROPPED

MAX_BYTES = 20 * 1024 * 1024
MOST_BRACKETS = 1_500_000  # GitHub's description has 100,000; six million empty mappings take 560 MB of memory

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_NO_TEXT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|\\[0xU]|\x00|[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """`document` is plain dicts, lists, text, numbers, booleans and None; `text` is what was read, decoded."""

    document: dict[str, Any]
    text: str
    syntax: str  # "json" or "yaml"
    warnings: tuple[Warning, ...]


def read_document(source: bytes | str, charset: str = "") -> ReadDocument:
    """Reads an OpenAPI or Swagger document, or a zip of the files of one.

    `charset` is what the sender said of the bytes, tried after UTF-8. Raises `DocumentTooLarge` over
    `MAX_BYTES`, `DocumentError` for anything that is not such a document.
    """
    if isinstance(source, bytes) and source.startswith((archive.SIGNATURE, archive.EMPTY)):
        return _read_archive(source)
    text = decode(source, charset) if isinstance(source, bytes) else _from_person(source)
    refuse_by_first_text(text)
    warnings = Warnings()
    value, syntax = _parse(text, warnings)
    if _ESCAPED_NO_TEXT.search(text):
        value = _without_broken_text(value, warnings)
        text = _NO_TEXT.sub("\ufffd", text)
    if isinstance(value, str) and value.lstrip().startswith("{") and syntax == "yaml":
        return read_document(value)  # JSON within a JSON string, as some gateways answer
    document = check_document(value, warnings)
    return ReadDocument(document, text, syntax, warnings.all())


def _read_archive(data: bytes) -> ReadDocument:
    """The files of a zip as one document; its `text` is that one in JSON, which can be read again."""
    if len(data) > MAX_BYTES:
        raise too_large()
    warnings = Warnings()

    def parse(file: bytes) -> Any:
        text = decode(file)
        value, _syntax = _parse(text, warnings)
        return _without_broken_text(value, warnings) if _ESCAPED_NO_TEXT.search(text) else value

    document = check_document(joined(archive.Archive(data, MAX_BYTES), parse, warnings), warnings)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MAX_BYTES:
        raise too_large()
    return ReadDocument(document, text, "json", warnings.all())


def decode(data: bytes, charset: str = "") -> str:
    """The text of `data`: by byte order mark, by the zeros of UTF-16, as UTF-8, as `charset`, as Korean cp949."""
    if len(data) > MAX_BYTES:
        raise too_large()
    refuse_by_first_bytes(data)
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data, [encoding])
    if data[1:2] == b"\x00" and data[:1] != b"\x00":
        return _decoded(data, ["utf-16-le"])
    if data[:1] == b"\x00" and data[1:2] != b"\x00":
        return _decoded(data, ["utf-16-be"])
    if _CONTROL.search(data):
        raise DocumentError(gettext_noop("This is a binary file, not the text of an OpenAPI document."))
    return _decoded(data, ["utf-8", *([charset] if charset else []), "cp949"])


def _decoded(data: bytes, encodings: list[str]) -> str:
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    raise DocumentError(
        gettext_noop("The text is not in UTF-8. Save the document as UTF-8 and import it again."),
    )


def _from_person(text: str) -> str:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise too_large()
    return _NO_TEXT.sub("\ufffd", text.removeprefix("\ufeff"))


def too_large() -> DocumentTooLarge:
    """The refusal of a document over `MAX_BYTES`."""
    return DocumentTooLarge(
        gettext_noop("The document is larger than %(size)d MB. Import a part of it, for instance one service."),
        size=MAX_BYTES // 1024 // 1024,
    )


def _parse(text: str, warnings: Warnings) -> tuple[Any, str]:
    if not text.lstrip().startswith(("{", "[")):
        return yaml_events.load(text, warnings), "yaml"
    if text.count("{") + text.count("[") > MOST_BRACKETS:
        raise DocumentTooLarge(
            gettext_noop("The text holds more than %(count)d values. Import a part of it."), count=MOST_BRACKETS
        )
    found = Warnings()
    try:
        value = _parse_json(text, found)
    except json.JSONDecodeError as error:
        try:
            return yaml_events.load(text, warnings), "yaml"
        except DocumentError:
            raise _json_error(text, error) from None
    except RecursionError:
        raise yaml_events.too_deep() from None
    _check_depth(value)
    for warning in found.all():
        warnings.add(warning.where, warning.sentence.template, **warning.sentence.values)
    return value, "json"


def _parse_json(text: str, warnings: Warnings) -> Any:
    def no_number(number: str) -> None:
        warnings.add("", NUMBER_DROPPED, number=number)

    def integer(number: str) -> int | None:
        if len(number) <= LONGEST_NUMBER:
            return int(number)
        no_number(number)
        return None

    def real(number: str) -> float | None:
        value = float(number) if len(number) <= 10 * LONGEST_NUMBER else math.inf
        if math.isfinite(value):
            return value
        no_number(number)
        return None

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            times = Counter(name for name, _ in items)
            for name, _ in times.most_common(len(items) - len(result))[:20]:
                if times[name] > 1:
                    warnings.add("", DUPLICATE_KEY, key=name)
        return result

    return json.loads(text, parse_int=integer, parse_float=real, parse_constant=no_number, object_pairs_hook=pairs)


def _json_error(text: str, error: json.JSONDecodeError) -> DocumentError:
    if not text[error.pos :].strip():
        return DocumentError(
            gettext_noop("The JSON text ends too early, in line %(line)d. It was probably cut off; import it whole."),
            line=error.lineno,
        )
    return DocumentError(
        gettext_noop("The JSON text is broken in line %(line)d, column %(column)d: %(problem)s."),
        line=error.lineno, column=error.colno, problem=error.msg,
    )  # fmt: skip


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise yaml_events.too_deep()


def _without_broken_text(value: Any, warnings: Warnings) -> Any:
    """`value` with NUL and lone surrogates replaced: no database and no UTF-8 file can hold them."""
    changed = False

    def clean(text: str) -> str:
        nonlocal changed
        result = _NO_TEXT.sub("\ufffd", text)
        changed = changed or result != text
        return result

    def walk(node: Any) -> Any:
        if isinstance(node, str):
            return clean(node)
        if isinstance(node, dict):
            return {clean(key): walk(child) for key, child in node.items()}
        if isinstance(node, list):
            return [walk(child) for child in node]
        return node

    result = walk(value)
    if changed:
        warnings.add(
            "",
            gettext_noop("The text holds characters that are no text (NUL, half surrogates). They show as “\ufffd”."),
        )
    return result
