"""A text that matches a simple regular expression, by construction.

The expression is only parsed, never run: one from a stranger may take years to match. What cannot be
built part by part (look-around, back references, anchors in the middle) gives None. The parser is the
one of `re` itself; Python offers no public door to it.
"""

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

LONGEST_PATTERN = 300
LONGEST_TEXT = 300
_READABLE = "a1A-_ .0bB/"
_CATEGORIES = {
    sre.CATEGORY_DIGIT: "1",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_NOT_DIGIT: "a",
    sre.CATEGORY_NOT_WORD: "-",
    sre.CATEGORY_NOT_SPACE: "a",
}


class _Unsupported(Exception):
    pass


def matching(pattern: str, min_length: int = 0, max_length: int | None = None) -> str | None:
    """A text that `pattern` matches, with its length within the limits, or None where none is found easily."""
    if len(pattern) > LONGEST_PATTERN:
        return None
    try:
        parts = list(_parser.parse(pattern))
        for repeats in (1, min_length, *range(2, 13)):
            text = _join(_without_ends(parts), repeats)
            if min_length <= len(text) and (max_length is None or len(text) <= max_length):
                return text
        shortest = _join(_without_ends(parts), 0)
    except (_Unsupported, re.error, RecursionError, OverflowError):
        return None
    return shortest if min_length <= len(shortest) <= (max_length or LONGEST_TEXT) else None


def _without_ends(parts: list[Any]) -> list[Any]:
    starts = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
    ends = (sre.AT_END, sre.AT_END_STRING)
    while parts and parts[0][0] is sre.AT and parts[0][1] in starts:
        parts = parts[1:]
    while parts and parts[-1][0] is sre.AT and parts[-1][1] in ends:
        parts = parts[:-1]
    return parts


def _join(parts: Any, repeats: int) -> str:
    text = ""
    for kind, value in parts:
        text += _part(kind, value, repeats)
        if len(text) > LONGEST_TEXT:
            raise _Unsupported
    return text


def _part(kind: Any, value: Any, repeats: int) -> str:
    if kind is sre.LITERAL:
        return chr(value)
    if kind is sre.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if kind is sre.ANY:
        return "a"
    if kind is sre.IN:
        return _one_of(value)
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        low, high, inner = value
        times = min(max(int(low), repeats), int(high))
        if times > LONGEST_TEXT:
            raise _Unsupported
        return _join(inner, repeats) * times
    if kind is sre.SUBPATTERN:
        return _join(_without_ends(list(value[-1])), repeats)
    if kind is sre.BRANCH:
        return _join(_without_ends(list(value[1][0])), repeats)
    raise _Unsupported


def _one_of(choices: list[Any]) -> str:
    if choices[0][0] is sre.NEGATE:
        return next((sign for sign in _READABLE if not _holds(choices[1:], sign)), "") or _unsupported()
    for sign in _READABLE:
        if _holds(choices, sign):
            return sign
    kind, value = choices[0]
    if kind is sre.LITERAL:
        return chr(value)
    if kind is sre.RANGE:
        return chr(value[0])
    return _CATEGORIES.get(value) or _unsupported()


def _unsupported() -> str:
    raise _Unsupported


def _holds(choices: list[Any], sign: str) -> bool:
    code = ord(sign)
    for kind, value in choices:
        if kind is sre.LITERAL and value == code:
            return True
        if kind is sre.RANGE and value[0] <= code <= value[1]:
            return True
        if kind is sre.CATEGORY and _in_category(value, sign):
            return True
    return False


def _in_category(category: Any, sign: str) -> bool:
    digit, word, space = sign.isdigit(), sign.isalnum() or sign == "_", sign.isspace()
    return {
        sre.CATEGORY_DIGIT: digit,
        sre.CATEGORY_NOT_DIGIT: not digit,
        sre.CATEGORY_WORD: word,
        sre.CATEGORY_NOT_WORD: not word,
        sre.CATEGORY_SPACE: space,
        sre.CATEGORY_NOT_SPACE: not space,
    }.get(category, False)
