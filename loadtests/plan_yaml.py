"""YAML text <-> plain values, for plan files. Whatever is read comes back with the line it stands in.

Written is the part of YAML that says everything once: no anchors, no tags, nothing folded. Read is no more than that,
event by event, so that neither depth nor repetition costs anything (`projects.openapi.yaml_events` says why). Plain
scalars mean what they mean in YAML 1.2's core schema: `yes`, `on` and dates are text.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from django.utils.translation import gettext as _

from metricvault.lib.errors import Detail, Refused, TooLarge

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 100
MOST_VALUES = 100_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
# Line breaks to some readers and none to others, and the mark that only begins a file: always written as escapes.
_OTHER_BASE = re.compile(r"0[ox]")  # a number in YAML 1.2, not here
_ESCAPED = re.compile("[\x85\u2028\u2029\ufeff]")
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ReadYaml:
    """`value` is dicts, lists, text, numbers, booleans and None. `lines`: from 1, by dotted path
    (`scenarios.0.stages.1.duration`); `line_of` finds the nearest."""

    value: Any
    lines: dict[str, int]

    def line_of(self, path: str) -> int:
        """The line of what stands at `path`, or of what would hold it."""
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return self.lines.get(path, 1)


def read_yaml(source: bytes | str) -> ReadYaml:
    """The one document of a text. Raises TooLarge, or Refused with the line of what is wrong."""
    text = _text(source)
    try:
        return _Reader(yaml.parse(text, Loader=_LOADER)).document()
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or _("this is not YAML")
        raise at_line(mark.line + 1 if mark else 1, str(problem)) from None


def write_yaml(value: dict[str, Any]) -> str:
    """The text of a value: same value, same text; keys in the order they come in."""
    written = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=False, width=math.inf
    )
    assert isinstance(written, str)
    return written


def at_line(line: int, problem: str) -> Refused:
    """An error that says where."""
    message = line_said(line, problem)
    return Refused(message, [Detail("file", message)])


def line_said(line: int, problem: str) -> str:
    """`problem` with its line in front."""
    return _("Line %(line)d: %(problem)s") % {"line": line, "problem": problem}


def _text(source: bytes | str) -> str:
    size = len(source) if isinstance(source, bytes) else len(source.encode(errors="replace"))
    if size > MAX_BYTES:
        message = _("A plan file may be %(most)d MB at most.") % {"most": MAX_BYTES // 1024**2}
        raise TooLarge(message, [Detail("file", message)])
    try:
        text = source.decode("utf-8-sig") if isinstance(source, bytes) else source.removeprefix("\ufeff")
    except UnicodeDecodeError:
        message = _("The file is not text in UTF-8.")
        raise Refused(message, [Detail("file", message)]) from None
    broken = _NO_TEXT.search(text)
    if broken:
        line = text.count("\n", 0, broken.start()) + 1
        raise at_line(line, _("This text has a character that cannot be kept: NUL, or half of a pair."))
    return text


class _Level:
    __slots__ = ("key", "path", "value", "waits")

    def __init__(self, value: Any, path: str) -> None:
        self.value, self.path = value, path
        self.key, self.waits = "", False  # a key whose value is still to come


class _Reader:
    """Builds the value of the only document."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._levels: list[_Level] = []
        self._lines: dict[str, int] = {}
        self._result: Any = None

    def document(self) -> ReadYaml:
        documents = 0
        for number, event in enumerate(self._events):
            line = event.start_mark.line + 1
            if number > MOST_VALUES:
                raise at_line(line, _("The file holds more than %(count)d values.") % {"count": MOST_VALUES})
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise at_line(line, _("Another document begins here. A file holds one plan."))
            elif isinstance(event, yaml.NodeEvent):
                self._node(event, line)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._levels.pop()
        return ReadYaml(self._result, self._lines)

    def _node(self, event: Any, line: int) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise at_line(line, _("Anchors and aliases (& and *) are not read in a plan file. Write the text out."))
        if event.tag is not None and event.tag != "!":
            raise at_line(line, _("Tags (!) are not read in a plan file."))
        top = self._levels[-1] if self._levels else None
        if top is not None and isinstance(top.value, dict) and not top.waits:
            self._key(top, event, line)
        elif isinstance(event, yaml.ScalarEvent):
            self._put(_resolved(event.value, line) if event.implicit[0] else event.value, line)
        else:
            if len(self._levels) >= MAX_DEPTH:
                raise at_line(line, _("This is nested too deeply."))
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._levels.append(_Level(value, self._put(value, line)))

    def _key(self, top: _Level, event: Any, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise at_line(line, _("A name is expected here, followed by a colon."))
        if event.value in top.value:
            raise at_line(line, _("“%(name)s” is written twice.") % {"name": event.value[:80]})
        top.key, top.waits = event.value, True
        self._lines[_joined(top.path, top.key)] = line

    def _put(self, value: Any, line: int) -> str:
        """Adds a value to what is open; its path."""
        top = self._levels[-1] if self._levels else None
        if top is None:
            self._result = value
            return ""
        if isinstance(top.value, list):
            path = _joined(top.path, str(len(top.value)))
            self._lines[path] = line
            top.value.append(value)
            return path
        top.value[top.key], top.waits = value, False
        return _joined(top.path, top.key)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _resolved(text: str, line: int) -> Any:
    """What a plain scalar means. Refused where it is a number that JSON could not say."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text):
        value = float(text) if len(text) < 300 else math.inf
        if not math.isfinite(value):
            raise at_line(line, _("This number is too large."))
        return value
    return text


class _Dumper(yaml.SafeDumper):
    """SafeDumper that writes text of several lines as such, and quotes what YAML 1.2 would read as a number."""

    def ignore_aliases(self, data: Any) -> bool:
        """Whatever stands twice is written twice."""
        return True


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style: str | None = None
    if _ESCAPED.search(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    elif text in _WORDS or _INTEGER.match(text) or _FLOAT.match(text) or _OTHER_BASE.match(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)
