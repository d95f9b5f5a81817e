"""How response times are distributed: bars over a logarithmic axis of response time."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from history.drawing.axes import Format, Frame, log_ticks, nice
from history.drawing.lines import Mark, draw_across, draw_grid, draw_marks
from history.drawing.markup import element, room, root, short, text


@dataclass(frozen=True, slots=True)
class Bar:
    """How many requests took from `low_ms` up to `high_ms`. Any object with these three does."""

    low_ms: float
    high_ms: float
    count: int


def bars(
    distribution: Sequence[Bar],
    *,
    title: str,
    form: Format,
    count: Format,
    desc: str = "",
    unit: str = "",
    width: int = 720,
    height: int = 200,
    marks: Sequence[Mark] = (),
) -> str:
    """An SVG of the distribution. `form` writes response times, `count` whole numbers; `marks`: response times (p50,
    p95, a target) as upright lines."""
    shown = [bar for bar in distribution if bar.count and bar.high_ms > 0]
    low = min((bar.low_ms or bar.high_ms / 10 for bar in shown), default=1.0)
    high = max([low * 2, *(bar.high_ms for bar in shown)])
    top, parts = nice(max((bar.count for bar in shown), default=0))
    parts = min(parts, int(top)) or 1  # no half requests
    steps = [(top * part / parts, count(top * part / parts)) for part in range(parts + 1)]
    left = max([24.0, *(room(words) + 12 for _value, words in steps), room(unit) + 12])
    frame = Frame(left, 34, width - 10, height - 22, log10(low), log10(high), top)
    drawn = []
    for bar in shown:
        a, b = frame.x(log10(bar.low_ms or low)), frame.x(log10(bar.high_ms))
        y = short(frame.y(bar.count))
        edge = f"M{short(a)} {short(frame.bottom)}V{y}H{short(max(b - 0.5, a + 0.5))}V{short(frame.bottom)}Z"
        words = f"{form(bar.low_ms)} – {form(bar.high_ms)}: {count(bar.count)}"
        drawn.append(element("path", element("title", text(words)), d=edge, css="bar"))
    ticks = [(log10(value), words) for value, words in log_ticks(low, high, form, frame.right - left, 56)]
    placed = [Mark(log10(mark.x), mark.name, mark.key) for mark in marks if mark.x > 0]
    body = [draw_grid(frame, steps, unit), *drawn, draw_across(frame, ticks), draw_marks(frame, placed)]
    return root("".join(body), width, height, title, desc)
