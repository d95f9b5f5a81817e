"""Bodies as people read them: JSON line by line, with the path of each value; XML indented. Pure.

Nothing is parsed into objects: a body that is cut is shown as far as it goes, numbers as they were written, and depth
costs nothing.
"""

import json
import re
from dataclasses import dataclass, field, replace

from loadtests.k6.paths import Path, write_path

MOST_LINES = 2000
_LONGEST_VALUE = 400
_INDENT, _DEEPEST = 2, 30
_TOKEN = re.compile(
    r"""\s*(?: (?P<mark>[{}\[\],:])
      | (?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<word>true|false|null) )""",
    re.VERBOSE,
)
_CLOSES = {"{": "}", "[": "]"}
_MARKUP = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[^>]+>|[^<]+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """`{key}{text}{comma}` behind `indent`. `kind` of the text: string, number, word or mark. `path`: where the value
    is, as `loadtests.k6.paths` writes it; "" for what cannot be taken. `name`: what a variable of it may be called."""

    indent: str
    key: str
    text: str
    kind: str
    path: str = ""
    comma: str = ""


@dataclass(slots=True)
class _Level:
    """An object or a list that is open. `at`: the name or the position of what comes next."""

    mark: str
    at: str | int | None
    count: int = 0


@dataclass(slots=True)
class _Reader:
    text: str
    most: int
    position: int = 0
    levels: list[_Level] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    done: bool = False

    def read(self) -> None:
        """Goes on until the value ends, the text does, there are too many lines, or it is no JSON."""
        while not self.done and len(self.lines) < self.most:
            token = _TOKEN.match(self.text, self.position)
            if token is None or not self._take(token[0].strip(), token.lastgroup or ""):
                return
            self.position = token.end()

    def _take(self, token: str, kind: str) -> bool:
        level = self.levels[-1] if self.levels else None
        if level and token == _CLOSES[level.mark]:
            return self._close(level)
        if level and token == ",":
            return self._next(level)
        if level and level.mark == "{" and level.at is None:
            return self._name(level, token, kind)
        if kind == "mark" and token not in _CLOSES:
            return False
        self._add(token, kind, level)
        if token in _CLOSES:
            self.levels.append(_Level(token, 0 if token == "[" else None))
        else:
            self.done = not self.levels
        return True

    def _add(self, token: str, kind: str, level: _Level | None) -> None:
        key = f"{json.dumps(level.at, ensure_ascii=False)}: " if level and level.mark == "{" else ""
        path = "" if kind == "mark" or token == "null" else write_path(self._path())
        shown = token if len(token) <= _LONGEST_VALUE else f"{token[:_LONGEST_VALUE]}…"
        self.lines.append(Line(self._indent(), key, shown, kind, path))
        if level:
            level.count += 1

    def _path(self) -> Path:
        return tuple(level.at for level in self.levels if level.at is not None)

    def _indent(self) -> str:
        return " " * (_INDENT * min(len(self.levels), _DEEPEST))

    def _close(self, level: _Level) -> bool:
        self.levels.pop()
        last = self.lines[-1]
        if level.count:
            self.lines.append(Line(self._indent(), "", _CLOSES[level.mark], "mark"))
        else:
            self.lines[-1] = replace(last, text=last.text + _CLOSES[level.mark])
        self.done = not self.levels
        return True

    def _next(self, level: _Level) -> bool:
        if not level.count:
            return False
        self.lines[-1] = replace(self.lines[-1], comma=",")
        level.at = level.count if level.mark == "[" else None
        return True

    def _name(self, level: _Level, token: str, kind: str) -> bool:
        colon = re.compile(r"\s*:").match(self.text, self.position + self._length(token))
        if kind != "string" or colon is None:
            return False
        try:
            level.at = str(json.loads(token))
        except ValueError:
            return False
        return True

    def _length(self, token: str) -> int:
        found = _TOKEN.match(self.text, self.position)
        return len(found[0]) if found else len(token)
