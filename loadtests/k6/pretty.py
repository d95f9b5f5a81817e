"""Bodies as people read them: JSON line by line, with the path of each value; XML indented. Pure.

Nothing is parsed into objects: a body that is cut is shown as far as it goes, numbers as they were written, and depth
costs nothing.
"""

import json
import re
from dataclasses import dataclass, field, replace

from loadtests.k6.paths import ANY, Path, write_path

MOST_LINES = 2000
_LONGEST_VALUE = 400
_INDENT, _DEEPEST = 2, 30
_STRING = r'"(?:[^"\\\x00-\x1f]|\\.)*"'
_NAME = re.compile(rf"\s*({_STRING})\s*:")
_TOKEN = re.compile(
    rf"\s*(?:(?P<mark>[{{}}\[\],])|(?P<string>{_STRING})"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>true|false|null))"
)
_COMMA, _NOTHING = ",", "null"
_CLOSES = {"{": "}", "[": "]"}
_MARKUP = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[^>]+>|[^<]+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """`{key}{text}{comma}` behind `indent`. `kind` of the text: string, number, word or mark. `path`: where the value
    is, as `loadtests.k6.paths` writes it; "" for what cannot be taken. `one_of`: that of any such value of the list
    whose first item this is of; "" outside of lists."""

    indent: str
    key: str
    text: str
    kind: str
    path: str = ""
    one_of: str = ""
    comma: str = ""


@dataclass(slots=True)
class _Level:
    """An object or a list that is open. `at`: the name or the position of the value that is next, or, `full`, was."""

    mark: str
    at: str | int | None
    count: int = 0
    full: bool = False


@dataclass(slots=True)
class _Reader:
    text: str
    most: int
    position: int = 0
    levels: list[_Level] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    done: bool = False

    def read(self) -> bool:
        """Goes on until the value ends (True), the text does, there are too many lines, or it is no JSON."""
        while not self.done and len(self.lines) < self.most:
            level = self.levels[-1] if self.levels else None
            if level and level.mark == "{" and level.at is None and (name := _NAME.match(self.text, self.position)):
                level.at = _unquoted(name[1])
                self.position = name.end()
            found = _TOKEN.match(self.text, self.position)
            if found is None or not self._take(found[0].strip(), found.lastgroup or "", level):
                break
            self.position = found.end()
        return self.done and not self.text[self.position :].strip()

    def _take(self, piece: str, kind: str, level: _Level | None) -> bool:
        if level and piece == _CLOSES[level.mark]:
            return self._close(level)
        if level and piece == _COMMA:
            return self._next(level)
        if (kind == "mark" and piece not in _CLOSES) or (level and (level.full or level.at is None)):
            return False
        self._add(piece, kind, level)
        if piece in _CLOSES:
            self.levels.append(_Level(piece, None if piece == "{" else 0))
        else:
            self.done = not self.levels
        return True

    def _add(self, piece: str, kind: str, level: _Level | None) -> None:
        key = f"{json.dumps(level.at, ensure_ascii=False)}: " if level and level.mark == "{" else ""
        shown = piece if len(piece) <= _LONGEST_VALUE else f"{piece[:_LONGEST_VALUE]}…"
        line = Line(self._indent(), key, shown, kind)
        if kind != "mark" and piece != _NOTHING:
            path = self._path()
            line = replace(line, path=write_path(path), one_of=write_path(_one_of(path)) if 0 in path else "")
        self.lines.append(line)
        if level:
            level.count += 1
            level.full = True

    def _path(self) -> Path:
        return tuple(level.at for level in self.levels if level.at is not None)

    def _indent(self) -> str:
        return " " * (_INDENT * min(len(self.levels), _DEEPEST))

    def _close(self, level: _Level) -> bool:
        if not level.full and (level.count or level.at):
            return False
        self.levels.pop()
        last = self.lines[-1]
        if level.count:
            self.lines.append(Line(self._indent(), "", _CLOSES[level.mark], "mark"))
        else:
            self.lines[-1] = replace(last, text=last.text + _CLOSES[level.mark])
        self.done = not self.levels
        return True

    def _next(self, level: _Level) -> bool:
        if not level.full:
            return False
        self.lines[-1] = replace(self.lines[-1], comma=_COMMA)
        level.at, level.full = (None if level.mark == "{" else level.count), False
        return True


def _one_of(path: Path) -> Path:
    """The path with any item instead of the first one of the innermost list."""
    at = len(path) - 1 - path[::-1].index(0)
    return (*path[:at], ANY, *path[at + 1 :])


def _unquoted(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:  # an escape that JSON does not know
        return token[1:-1]


@dataclass(frozen=True, slots=True)
class Shown:
    """A body. `lines`: of JSON, else (). `text`: of anything else, or what is left of JSON that goes on. `more`: there
    are more values than lines."""

    lines: tuple[Line, ...] = ()
    text: str = ""
    more: bool = False


def pretty(body: str, *, cut: bool = False, most: int = MOST_LINES) -> Shown:
    """JSON as lines and XML indented, whatever their content type says; anything else as it is. `cut`: it goes on."""
    start = body.lstrip("\ufeff \t\r\n")[:1]
    if start and start in '{["-0123456789tfn':
        reader = _Reader(body.lstrip("\ufeff"), most)
        whole = reader.read()
        more = len(reader.lines) >= most and not whole
        if whole or more or (cut and reader.lines and reader.levels):
            rest = "" if whole or more else reader.text[reader.position :]
            return Shown(tuple(reader.lines), rest, more)
    if start == "<" and not cut:
        return Shown(text=_markup(body))
    return Shown(text=body)


def _markup(body: str) -> str:
    """Each element on a line of its own, those without children on one; left as it is where elements do not pair."""
    depth = 0
    lines: list[str] = []
    pieces = [piece for piece in _MARKUP.findall(body) if piece.strip()]
    if "".join(_MARKUP.findall(body)) != body or not body.lstrip().startswith(("<?xml", "<")):
        return body
    for at, piece in enumerate(pieces):
        words = piece.strip()
        closes = words.startswith("</")
        depth -= closes
        if depth < 0:
            return body
        if lines and at and _joins(pieces[at - 1].strip(), words, pieces[at - 2].strip() if at > 1 else ""):
            lines[-1] += words
        else:
            lines.append(" " * (_INDENT * min(depth, _DEEPEST)) + words)
        depth += words.startswith("<") and not closes and not words.startswith(("<?", "<!")) and words[-2:] != "/>"
    return "\n".join(lines) if depth == 0 else body


def _joins(before: str, now: str, earlier: str) -> bool:
    """Whether a piece stays on the line of the one before: text behind its opening tag, a closing tag behind both."""
    opened = before.startswith("<") and not before.startswith(("</", "<?", "<!")) and not before.endswith("/>")
    if now.startswith("</"):
        return opened or (not before.startswith("<") and earlier.startswith("<") and not earlier.startswith("</"))
    return opened and not now.startswith("<")
