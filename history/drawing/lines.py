"""Curves over time (or over runs) on one axis from zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from history.drawing.axes import Format, Frame, Ticks, nice, thinned, time_ticks
from history.drawing.markup import element, fitting, label, room, root, short, text

_DASHES = {"": None, "dash": "5 4", "dot": "1.5 3"}
_TOP, _BOTTOM, _LEGEND, _MARGIN = 20, 22, 20, 10


@dataclass(frozen=True, slots=True)
class Point:
    """A value that can be pointed at: `words` are its tooltip, `href` an address of this site ("": none). `ring`: drawn
    hollow, to set it apart (a baseline)."""

    x: float
    y: float
    words: str
    href: str = ""
    ring: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: `ys` beside `xs`, None where nothing was measured (a gap). `key`: its colour. `dash`: "", "dash", "dot".
    `low`, `high`: the band it moves in within each stretch, as long as `xs`. `area`: filled down to zero."""

    name: str
    key: str
    xs: Sequence[float]
    ys: Sequence[float | None]
    dash: str = ""
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    points: Sequence[Point] = ()
    area: bool = False
    stroke: float = 1.75


@dataclass(frozen=True, slots=True)
class Target:
    """A level that is judged by, with its words ("p95 target 300 ms")."""

    value: float
    name: str


class Stretch(Protocol):
    """What is drawn as a band: anything with a beginning, an end and a name."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Band:
    """A stage: from `start` to `end` on the x axis."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An upright line at `x` with words (a release, a baseline)."""

    x: float
    name: str
    key: str = "base"


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    form: Format,
    desc: str = "",
    unit: str = "",
    width: int = 720,
    height: int = 220,
    span: tuple[float, float] | None = None,
    ticks: Ticks | None = None,
    least: float = 0.0,
    targets: Sequence[Target] = (),
    bands: Sequence[Stretch] = (),
    marks: Sequence[Mark] = (),
    legend: bool = True,
) -> str:
    """An SVG of the curves.

    `form` writes the values of the y axis; `unit` stands above it. `span`: the first and last x, else those of the
    curves. `ticks`: (x, words) of the x axis, else times as mm:ss. `least`: the axis goes up to this at least.
    A target far above the curves is told by an arrow, so that it does not flatten them.
    """
    span = span or _span(lines)
    highest = max([least, *(value for line in lines for value in _values(line, span))])
    near = [one.value * 1.08 for one in targets if highest <= 0 or one.value < 4 * highest]
    top, parts = nice(max([highest * 1.04, *near]))
    shown = [(top * part / parts, form(top * part / parts)) for part in range(parts + 1)]
    left = max([24.0, *(room(words) + 12 for _value, words in shown), room(unit) + 12])
    head = _TOP + (_LEGEND if legend else 0)
    frame = Frame(left, head, width - _MARGIN, height - _BOTTOM, *span, top)
    across = time_ticks(*span, frame.right - left) if ticks is None else ticks
    body = [
        draw_bands(frame, bands),
        draw_grid(frame, shown, unit),
        draw_across(frame, across),
        *(draw_curve(frame, line) for line in lines),
        draw_marks(frame, marks),
        _targets(frame, targets),
        *(_points(frame, line) for line in lines),
        _legend(lines, width, left) if legend else "",
    ]
    return root("".join(body), width, height, title, desc, links=any(line.points for line in lines))


def _span(lines: Sequence[Line]) -> tuple[float, float]:
    every = [x for line in lines for x in (*line.xs[:1], *line.xs[-1:])]
    low, high = min(every, default=0.0), max(every, default=1.0)
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def _values(line: Line, span: tuple[float, float]) -> list[float]:
    inside = [index for index, x in enumerate(line.xs) if span[0] <= x <= span[1]]
    found = [row[index] for row in (line.ys, line.high) if len(row) == len(line.xs) for index in inside]
    found += [point.y for point in line.points]
    return [value for value in found if value is not None and isfinite(value)]


def draw_grid(frame: Frame, shown: Ticks, unit: str) -> str:
    rows = []
    for value, words in shown:
        y = frame.y(value)
        rows.append(element("line", x1=frame.left, x2=frame.right, y1=y, y2=y, css="grid"))
        rows.append(label(words, frame.left - 8, y + 4, anchor="end"))
    if unit:
        rows.append(label(unit, frame.left - 8, frame.top - 12, anchor="end"))
    return "".join(rows)


def draw_across(frame: Frame, ticks: Ticks) -> str:
    """The words of the x axis; those that would run into the one before are left out."""
    found, free = [], frame.left - 30
    for value, words in ticks:
        if not frame.x0 <= value <= frame.x1:
            continue
        half = room(words) / 2
        x = min(max(frame.x(value), half + 2), frame.right + _MARGIN - half - 2)
        if x - half > free:
            found.append(label(words, x, frame.bottom + 16, anchor="middle"))
            free = x + half + 6
    return "".join(found)


def draw_bands(frame: Frame, bands: Sequence[Stretch]) -> str:
    found = []
    for index, band in enumerate(bands):
        a, b = frame.x(max(band.start, frame.x0)), frame.x(min(band.end, frame.x1))
        if b <= a:
            continue
        if index % 2 == 0:
            box = {"x": a, "y": frame.top, "width": b - a, "height": frame.bottom - frame.top}
            found.append(element("rect", css="band", **box))
        if band.start > frame.x0:
            edge = {"x1": a, "x2": a, "y1": frame.top - 14, "y2": frame.bottom}
            found.append(element("line", css="edge", stroke_dasharray="1 3", **edge))
        if words := fitting(band.name, b - a - 8):
            found.append(label(words, a + 5, frame.top - 6))
    return "".join(found)


def _runs(frame: Frame, xs: Sequence[float], ys: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    """The stretches of a curve without gaps, in pixels."""
    inside = [(x, y) for x, y in zip(xs, ys, strict=True) if frame.x0 <= x <= frame.x1]
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in thinned(inside, int(frame.right - frame.left)):
        if y is None or not isfinite(y):
            found.append([])
        else:
            found[-1].append((frame.x(x), frame.y(y)))
    return [run for run in found if run]


def _path(run: Sequence[tuple[float, float]]) -> str:
    first, *rest = (f"{short(x)} {short(y)}" for x, y in run)
    return f"M{first}L{'L'.join(rest)}"


def draw_curve(frame: Frame, line: Line) -> str:
    key = f"k-{line.key}"
    runs = _runs(frame, line.xs, line.ys)
    found = []
    if line.low and line.high:
        tops, floors = _runs(frame, line.xs, line.high), _runs(frame, line.xs, line.low)
        shapes = [_path([*a, *reversed(b)]) + "Z" for a, b in zip(tops, floors, strict=False)]
        found.append(element("path", d="".join(shapes), css=f"area {key}") if shapes else "")
    if line.area and runs:
        ground = short(frame.bottom)
        shapes = [f"{_path(run)}L{short(run[-1][0])} {ground}L{short(run[0][0])} {ground}Z" for run in runs]
        found.append(element("path", d="".join(shapes), css=f"area {key}"))
    alone = [run[0] for run in runs if len(run) == 1]
    found += [element("circle", cx=x, cy=y, r="2", css=f"dot {key}") for x, y in alone]
    if drawn := "".join(_path(run) for run in runs if len(run) > 1):
        found.append(_stroke("path", line, d=drawn, fill="none", stroke_linejoin="round", stroke_linecap="round"))
    return "".join(found)


def _stroke(name: str, line: Line, **attributes: object) -> str:
    css, dash = f"line k-{line.key}", _DASHES.get(line.dash)
    return element(name, css=css, stroke_width=f"{line.stroke:g}", stroke_dasharray=dash, **attributes)


def _points(frame: Frame, line: Line) -> str:
    found = []
    for point in line.points:
        css = f"point {'ring ' if point.ring else ''}k-{line.key}"
        inside = element("title", text(point.words))
        dot = element("circle", inside, cx=frame.x(point.x), cy=frame.y(point.y), r="4", css=css)
        # An address of this site only: whatever else came here would be somebody's trick.
        local = point.href.startswith("/") and not point.href.startswith("//")
        found.append(element("a", dot, href=point.href) if local else dot)
    return "".join(found)


def draw_marks(frame: Frame, marks: Sequence[Mark]) -> str:
    found, free = [], frame.left
    for mark in sorted(marks, key=lambda one: one.x):
        if not frame.x0 <= mark.x <= frame.x1:
            continue
        x = frame.x(mark.x)
        edge = {"x1": x, "x2": x, "y1": frame.top - 8, "y2": frame.bottom}
        found.append(element("line", css=f"line k-{mark.key}", stroke_dasharray="2 3", **edge))
        wide = room(mark.name) + 6
        late = x + wide > frame.right
        under = (x - wide if late else x) < free  # beside the words before, so one line further down
        y = frame.top + (11 if under else -2)
        found.append(label(mark.name, x + (-4 if late else 4), y, "halo", "end" if late else ""))
        free = max(free, x if late else x + wide)
    return "".join(found)


def _targets(frame: Frame, targets: Sequence[Target]) -> str:
    found = []
    for index, target in enumerate(sorted(targets, key=lambda one: one.value)):
        above = target.value > frame.y1
        y = frame.top + 14 if above else frame.y(target.value)
        if not above:
            across = {"x1": frame.left, "x2": frame.right, "y1": y, "y2": y}
            found.append(element("line", css="line k-target", stroke_dasharray="2 3", **across))
        end = index % 2 == 1
        x = frame.right - 6 if end else frame.left + 6
        under = not above and ((index == 0 and len(targets) > 1) or y < frame.top + 18)
        words = f"{target.name} ↑" if above else target.name
        found.append(label(words, x, y + 13 if under else y - 5, "goal halo", "end" if end else ""))
    return "".join(found)


def _legend(lines: Sequence[Line], width: float, left: float) -> str:
    found, x = [], left
    for line in lines:
        name = fitting(line.name, width - x - 30)
        if not name:
            continue
        found.append(_stroke("line", line, x1=x, x2=x + 14, y1="10", y2="10"))
        found.append(label(name, x + 19, 14))
        x += 19 + room(name) + 14
    return "".join(found)
