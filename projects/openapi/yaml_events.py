"""YAML text -> plain Python values, built from libyaml's events.

Why not `yaml.load`: CSafeLoader composes and constructs by recursion in C, so 40,000 levels of `[` end
the process, and its constructors take nine tenths of the time. Events come one by one, whatever the
depth, so depth, aliases and duplicate keys are looked at while they pass.

Scalars are resolved by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), which
OpenAPI asks for: dates, `yes` and `on` stay text, and keys are always the text as it is written.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from projects.openapi.wording import DocumentError, DocumentTooLarge, Warnings, gettext_noop

MAX_DEPTH = 200
MAX_ALIASED = 1_000_000
MOST_VALUES = 2_000_000  # keys among them; 5 s of a processor, and four times what GitHub's description has
LONGEST_NUMBER = 30

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+\Z")
# `12e3` and `0101` are numbers in YAML 1.2. Writers of 1.1 leave such commit hashes and telephone numbers
# unquoted, and a number written with a leading zero is none in most documents either: both are text.
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+][0-9]+)?\Z")
_CORE = "tag:yaml.org,2002:"
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NOT_FINITE = frozenset(
    sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN")
)
_TEXT_KEYS = frozenset(("version", "openapi", "swagger"))  # `version: 1.10` is not the number 1.1
_TEXT_TAGS = frozenset(_CORE + name for name in ("str", "binary", "timestamp"))
_PLAIN_TAGS = frozenset(_CORE + name for name in ("map", "seq", "set", "omap", "pairs", "int", "float", "bool", "null"))

NUMBER_DROPPED = gettext_noop("The number %(number)s is not a finite number of ordinary length. It was left out.")
DUPLICATE_KEY = gettext_noop("The key “%(key)s” is written twice in one place. The last one counts.")


def load(text: str, warnings: Warnings) -> Any:
    """The first document of `text`. Raises `DocumentError` for what is not YAML or would harm the reader."""
    events = yaml.parse(text.encode("utf-8"), Loader=_LOADER)
    try:
        return _Builder(events, warnings).document()
    except yaml.YAMLError as error:
        raise _syntax_error(error) from None


def _syntax_error(error: yaml.YAMLError) -> DocumentError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    if mark is None:
        return DocumentError(gettext_noop("The text is neither JSON nor YAML: %(problem)s."), problem=problem)
    return DocumentError(
        gettext_noop("The text is neither JSON nor YAML: line %(line)d, column %(column)d: %(problem)s."),
        line=mark.line + 1, column=mark.column + 1, problem=problem,
    )  # fmt: skip


class _Level:
    """One open mapping or list: what it holds so far, its anchor, its size and height with aliases written out."""

    __slots__ = ("anchor", "has_key", "height", "key", "merges", "size", "value")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.size = 1
        self.height = 1
        self.key: Any = None
        self.has_key = False
        self.merges: list[Any] | None = None


class _Builder:
    """Builds the value of one document. Bounded: depth, and how much aliases may repeat."""

    def __init__(self, events: Iterator[Any], warnings: Warnings) -> None:
        self._events = events
        self._warnings = warnings
        self._levels: list[_Level] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        self._aliased = 0
        self._result: Any = None

    def document(self) -> Any:
        scalar, mapping, sequence = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
        ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
        for number, event in enumerate(self._events):
            kind = type(event)
            if number > MOST_VALUES:
                raise DocumentTooLarge(
                    gettext_noop("The text holds more than %(count)d values. Import a part of it."), count=MOST_VALUES
                )
            if kind is scalar:
                self._scalar(event)
            elif kind is mapping:
                self._open({}, event)
            elif kind is sequence:
                self._open([], event)
            elif kind in ends:
                self._close()
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentEndEvent:
                self._look_for_another()
                return self._result
        return None

    def _look_for_another(self) -> None:
        if type(next(self._events, None)) is yaml.DocumentStartEvent:
            self._warnings.add("", gettext_noop("The text holds several YAML documents. The first one was read."))

    def _open(self, value: Any, event: Any) -> None:
        self._check_tag(event)
        if len(self._levels) >= MAX_DEPTH:
            raise too_deep()
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._levels.append(_Level(value, event.anchor))

    def _close(self) -> None:
        level = self._levels.pop()
        if level.merges:
            for key, value in _merged(level.merges).items():
                level.value.setdefault(key, value)
        if level.anchor:
            self._anchors[level.anchor] = (level.value, level.size, level.height)
        self._put(level.value, level.size, level.height)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise DocumentError(
                gettext_noop("The YAML alias *%(name)s names nothing, or something that holds itself."),
                name=event.anchor,
            )
        value, size, height = self._anchors[event.anchor]
        self._aliased += size
        if len(self._levels) + height > MAX_DEPTH:
            raise too_deep()
        if self._aliased > MAX_ALIASED:
            raise DocumentError(
                gettext_noop("The YAML aliases of this text repeat more than %(count)d values. It was not read."),
                count=MAX_ALIASED,
            )
        self._put(value, size, height, key=f"*{event.anchor}")

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        top = self._levels[-1] if self._levels else None
        if top is not None and not top.has_key and type(top.value) is dict:
            if event.anchor:
                self._anchors[event.anchor] = (text, 1, 0)
            top.key, top.has_key = text, True
            return
        plain = event.implicit[0]
        if event.tag is not None:
            self._check_tag(event)
            plain = event.tag in _PLAIN_TAGS
        if plain and len(self._levels) <= 2 and top is not None and top.key in _TEXT_KEYS:
            plain = False
        value = self._resolve(text) if plain else text
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 0)
        self._put(value, 1, 0)

    def _put(self, value: Any, size: int, height: int, key: str = "") -> None:
        if not self._levels:
            self._result = value
            return
        top = self._levels[-1]
        top.size += size
        top.height = max(top.height, height + 1)
        if type(top.value) is list:
            top.value.append(value)
        elif not top.has_key:
            top.key, top.has_key = value if isinstance(value, str) else key, True
            if not isinstance(value, str):
                self._warnings.add("", gettext_noop("A key is not plain text. What stands under it was left out."))
                top.key = None
        else:
            self._set(top, value)
            top.has_key = False

    def _set(self, top: _Level, value: Any) -> None:
        key = top.key
        if key is None:
            return
        if key == "<<":
            merge = value if isinstance(value, list) else [value]
            top.merges = [*(top.merges or []), *(part for part in merge if isinstance(part, dict))]
            return
        if key in top.value:
            self._warnings.add("", DUPLICATE_KEY, key=key)
        top.value[key] = value

    def _check_tag(self, event: Any) -> None:
        tag = event.tag
        if tag is None or tag in _TEXT_TAGS or tag in _PLAIN_TAGS or tag == "!":
            return
        if tag.startswith(_CORE):
            raise DocumentError(
                gettext_noop("The YAML tag %(tag)s asks the reader to run code. Such a text is not read."),
                tag="!!" + tag.removeprefix(_CORE),
            )
        self._warnings.add("", gettext_noop("The YAML tag %(tag)s has no meaning here and was passed over."), tag=tag)

    def _resolve(self, text: str) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        first = text[0]
        if first not in "0123456789+-.":
            return text
        return self._number(text)

    def _number(self, text: str) -> Any:
        if _INTEGER.match(text):
            if len(text) <= LONGEST_NUMBER:
                return int(text)
        elif text.startswith(("0x", "0o")):
            return _based(text)
        elif _LEADING_ZERO.match(text):
            return text
        elif _FLOAT.match(text):
            value = float(text) if len(text) <= 10 * LONGEST_NUMBER else math.inf
            if math.isfinite(value):
                return value
        elif text not in _NOT_FINITE:
            return text
        self._warnings.add("", NUMBER_DROPPED, number=text)
        return None


def _based(text: str) -> Any:
    try:
        return int(text, 0) if len(text) <= LONGEST_NUMBER else text
    except ValueError:
        return text


def _merged(parts: list[Any]) -> dict[str, Any]:
    """The first mapping that has a key wins: https://yaml.org/type/merge.html"""
    result: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            result.setdefault(key, value)
    return result


def too_deep() -> DocumentError:
    """The refusal of a text that is nested deeper than any description of an API."""
    return DocumentError(
        gettext_noop("The text is nested deeper than %(levels)d levels. No description of an API is; it was not read."),
        levels=MAX_DEPTH,
    )
