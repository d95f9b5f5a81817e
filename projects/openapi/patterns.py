"""A text that matches a regular expression in JavaScript's notation, by construction.

The expression is only parsed here, never run by `re`: one from a stranger may take years to match. Look-around
and anchors in the middle are passed over while building; whether the text matches is then asked of the engine of
`formats`. The parser is the one of `re` itself; Python offers no public door to it.
"""

import re
import warnings
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from projects.openapi.formats import is_understood, matches

LONGEST_PATTERN = 300
LONGEST_TEXT = 300
_REPEATS = (*range(2, 13), 0)
_READABLE = "a1A-_ .0bB/"
_CATEGORIES = {
    sre.CATEGORY_DIGIT: "1",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_NOT_DIGIT: "a",
    sre.CATEGORY_NOT_WORD: "-",
    sre.CATEGORY_NOT_SPACE: "a",
}


# What is tried where nothing can be built: rules for passwords, and other look-ahead.
_KNOWN = (
    "Passw0rd!", "string", "a", "A", "1", "0", "abc", "ABC", "123", "a1", "A1", "2026-01-15", "09:30",
    "user@example.com", "https://example.com/", "example.com", "192.0.2.1", "+821012345678", "01012345678", "1.0.0",
    "#ffffff", "3fa85f64-5717-4562-b3fc-2c963f66afa6", "a" * 32, "0" * 32, "Passw0rd!Passw0rd!", "",
)  # fmt: skip
# JavaScript's spelling of what Python's parser knows under another or no name.
_SPELLINGS = (
    (re.compile(r"\\[pP]\{N[a-z]?\}|\\p\{Nd\}"), r"\\d"),
    (re.compile(r"\\p\{Lu\}"), "A-Z"),
    (re.compile(r"\\p\{[A-Za-z_=]+\}"), "a-z"),
    (re.compile(r"\(\?<(?![=!])"), "(?P<"),
    (re.compile(r"\\/"), "/"),
)


class _Unsupported(Exception):
    pass


@lru_cache(maxsize=2_000)
def matching(pattern: str, min_length: int = 0, max_length: int | None = None) -> str | None:
    """A text that `pattern` matches, with its length within the limits, or None where none is found easily."""

    def fits(text: str | None) -> bool:
        return text is not None and min_length <= len(text) <= (max_length or LONGEST_TEXT) and matches(pattern, text)

    if len(pattern) > LONGEST_PATTERN:
        return None
    known = _KNOWN if is_understood(pattern) else ()
    built = (_built(spelling, repeats) for spelling in _spellings(pattern) for repeats in (1, min_length, *_REPEATS))
    return next((text for text in (*built, *known) if fits(text)), None)


def _spellings(pattern: str) -> list[str]:
    """The expression as it is, and in Python's notation: a class of letters stands within brackets, or alone."""
    inside = outside = pattern
    for given, python in _SPELLINGS:
        inside = given.sub(python, inside)
        outside = given.sub(f"[{python}]" if "-" in python else python, outside)
    return list(dict.fromkeys((pattern, inside, outside)))


def _built(pattern: str, repeats: int) -> str | None:
    try:
        return _join(_without_ends(list(_parsed(pattern))), repeats)
    except (_Unsupported, re.error, RecursionError, OverflowError):
        return None


@lru_cache(maxsize=100)
def _parsed(pattern: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sets within sets, which Python may read in another way one day
        return _parser.parse(pattern)


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
    if kind in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
        return ""
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
