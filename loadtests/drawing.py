"""The load that a plan asks for, as a drawing: a stack of the chosen scenario on all others. Pure.

The drawing is 1000 x 100 and stretched to its frame; labels stand beside it as text.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.k6.curves import Point, total

WIDTH, HEIGHT = 1000.0, 100.0
MOST_CORNERS = 600


@dataclass(frozen=True, slots=True)
class Drawing:
    """SVG paths and their scales. `levels` from top to bottom are users or a rate, `moments` from left to right
    seconds, `marks` the ends of stages. `top` is the peak, `peak` the whole number next to it."""

    others: str
    chosen: str
    outline: str
    marks: str
    levels: tuple[float, ...]
    moments: tuple[float, ...]
    top: float
    peak: int
    duration: float


def draw(
    chosen: Sequence[Point], others: Sequence[Sequence[Point]], duration: float = 0.0, marks: Sequence[float] = ()
) -> Drawing:
    """The load of the chosen scenario stacked on that of the others; each line begins at 0 s. `duration`: the time
    that the drawing shows, where it is longer than the lines."""
    below, above = total(others), total([*others, *([chosen] if chosen else [])])
    duration = max(duration, max((t for t, _level in above), default=0.0))
    peak = max((level for _t, level in above), default=0.0)
    scale = _nice(peak)
    outline = _corners(above, duration, scale)
    ground = _corners(below, duration, scale) if below else [(0.0, HEIGHT)]
    if ground[-1][0] < outline[-1][0]:
        ground.append((outline[-1][0], HEIGHT))
    return Drawing(
        others=_path([(0.0, HEIGHT), *ground]) + "Z",
        chosen=_path([*outline, *reversed(ground)]) + "Z",
        outline=_path(outline),
        marks="".join(f"M{t / duration * WIDTH:.1f} 0V100" for t in marks if duration),
        levels=(scale, scale / 2, 0),
        moments=tuple(duration * quarter / 4 for quarter in range(5)),
        top=peak,
        peak=round(peak),
        duration=duration,
    )


def _nice(peak: float) -> float:
    """The next number above that halves well: 2, 4, 6, 8 or 10 times a power of ten; from 2 up, or below that for
    rates of less than one."""
    if 0 < peak < 1:
        return _nice(peak * 1000) / 1000
    power = 10 ** max(0, math.floor(math.log10(peak / 2)) if peak > 2 else 0)
    steps = (step * scale for scale in (power, power * 10) for step in (2, 4, 6, 8, 10))
    return next(int(step) for step in steps if step >= peak)


def _corners(line: Sequence[Point], duration: float, top: float) -> list[Point]:
    every = max(1, math.ceil(len(line) / MOST_CORNERS))
    kept = [*line[:-1:every], *line[-1:]]
    if not kept or not duration:
        return [(0.0, HEIGHT), (WIDTH, HEIGHT)]
    return [(t / duration * WIDTH, HEIGHT - level / top * HEIGHT) for t, level in kept]


def _path(corners: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
