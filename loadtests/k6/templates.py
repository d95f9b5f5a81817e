"""Placeholders in typed text, `{{name}}`: a variable, `{{table.column}}` of a data file, or a value made anew each
time. Pure.

Made: `{{$uuid}}`, `{{$int(1,100)}}`, `{{$float(0,1,2)}}` (two digits after the point), `{{$timestamp}}` (milliseconds
since 1970), `{{$isodate}}`, `{{$email}}`, `{{$choice(a,b,"c, d")}}` (as in a line of CSV). What is no known name stays
as it was typed.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape  # nosec B406  # it escapes, and reads nothing

from loadtests.k6.plan import Encoding, Make, Part, Text

_HOLE = re.compile(r"\{\{([^{}\r\n]+)\}\}")
_MADE = re.compile(r"\$([a-z]+)\s*(?:\((.*)\))?")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_SURE = 2**53  # whole numbers below it are exact in JavaScript
_MOST_DIGITS = 15
_BARE = frozenset({"uuid", "timestamp", "isodate", "email"})


def parse(text: str, known: Mapping[str, Part], how: Encoding = "raw") -> Text:
    """The text with its placeholders as parts; plain where nothing has to be filled in.

    `known` by name: a part, which takes on `how` it is to be encoded, or plain text, which is put in at once, encoded.
    What is around the placeholders stays as it is. `how` "json": each placeholder is encoded by where it stands, inside
    a string of the JSON text ("json") or as a value of its own ("value").
    """
    parts: list[Part] = []
    end, in_string = 0, False
    for hole in _HOLE.finditer(text):
        between = text[end : hole.start()]
        if how == "json":
            in_string = _ends_in_string(between, in_string)
        found = _found(hole[1], known)
        if found is None:
            between += hole[0]
        parts.append(between)
        if found is not None:
            parts.append(_encoded_part(found, "value" if how == "json" and not in_string else how))
        end = hole.end()
    return joined((*parts, text[end:]))


def unknown(text: str, known: Mapping[str, Part]) -> list[str]:
    """Names in `{{}}` that stay as they were typed: nothing of that name is known. Each once, in their order."""
    names = [hole[1].strip() for hole in _HOLE.finditer(text) if _found(hole[1], known) is None]
    return list(dict.fromkeys(name for name in names if name))


def around(text: str, known: Mapping[str, Part], change: Callable[[str], str]) -> str:
    """The text with `change` done to all but the placeholders, which `parse` can still read: percent-encoding, say."""
    done: list[str] = []
    end = 0
    for hole in _HOLE.finditer(text):
        if _found(hole[1], known) is not None:
            done += [change(text[end : hole.start()]), hole[0]]
            end = hole.end()
    return "".join([*done, change(text[end:])])


def joined(parts: Iterable[Part | Text]) -> Text:
    """Parts and texts one after another as one text."""
    found: list[Part] = []
    for part in parts:
        for one in part if isinstance(part, tuple) else (part,):
            if isinstance(one, str) and found and isinstance(found[-1], str):
                found[-1] += one
            elif one != "":
                found.append(one)
    if not found:
        return ""
    return found[0] if len(found) == 1 and isinstance(found[0], str) else tuple(found)


def outline(text: Text, filler: str = "0") -> str:
    """The text with something in the place of what is filled in later: JSON is still JSON, an address an address."""
    return text if isinstance(text, str) else "".join(one if isinstance(one, str) else filler for one in text)


def encode(value: str, how: Encoding) -> str:
    """A known value as a part of its surroundings; skeleton.js does the same to those it learns."""
    match how:
        case "url":
            return quote(value, safe="", errors="replace")
        case "form":
            return quote_plus(value, errors="replace")
        case "json":
            return json.dumps(value, ensure_ascii=False)[1:-1]
        case "value":
            return value if _is_json(value) else json.dumps(value, ensure_ascii=False)
        case "xml":
            return escape(value, {'"': "&quot;", "'": "&apos;"})
        case "header":
            return _CONTROL.sub(" ", value)
    return value


def _encoded_part(part: Part, how: Encoding) -> Part:
    return encode(part, how) if isinstance(part, str) else replace(part, how=how)


def _ends_in_string(text: str, in_string: bool) -> bool:
    """Whether a string of JSON is open after this piece of it."""
    for mark in re.finditer(r'\\.|"', text, re.DOTALL) if in_string or '"' in text else ():
        if mark[0] == '"':
            in_string = not in_string
    return in_string


def _found(inner: str, known: Mapping[str, Part]) -> Part | None:
    name = inner.strip()
    return known[name] if name in known else _made(name)


def _made(name: str) -> Make | None:
    match = _MADE.fullmatch(name)
    if match is None:
        return None
    kind, arguments = match[1], _arguments(match[2] or "")
    if kind in _BARE:
        return None if arguments else Make(kind)
    if kind == "choice":
        return Make(kind, tuple(arguments)) if arguments else None
    try:
        return _number(kind, [float(one) for one in arguments])
    except (ValueError, OverflowError):
        return None


def _number(kind: str, given: list[float]) -> Make | None:
    if not all(abs(one) < _SURE for one in given) or len(given) < 2 or given[0] > given[1]:  # nan, too
        return None
    if kind == "int" and len(given) == 2 and all(one.is_integer() for one in given):
        return Make(kind, tuple(int(one) for one in given))
    digits = given[2] if len(given) == 3 else 2.0
    if kind == "float" and len(given) <= 3 and digits.is_integer() and 0 <= digits <= _MOST_DIGITS:
        return Make(kind, (given[0], given[1], int(digits)))
    return None


def _arguments(text: str) -> list[str]:
    """The values of a line of CSV. Inside of a JSON string its quotes have been escaped."""
    if not text.strip():
        return []
    try:
        (values,) = csv.reader([text.replace('\\"', '"')], skipinitialspace=True)
    except (csv.Error, ValueError):
        return []
    return [value.strip() for value in values]


def _is_json(text: str) -> bool:
    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True
