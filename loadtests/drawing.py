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
    """SVG paths and their scales. `levels` from top to bottom are users, `moments` from left to right seconds."""

    others: str
    chosen: str
    outline: str
    levels: tuple[int, ...]
    moments: tuple[float, ...]
    peak: int
    duration: float


def draw(chosen: Sequence[Point], others: Sequence[Sequence[Point]]) -> Drawing:
    """The load of the chosen scenario stacked on that of the others; each line begins at 0 s."""
    below, above = total(others), total([*others, chosen])
    duration = max((t for t, _users in above), default=0.0)
    peak = max((users for _t, users in above), default=0.0)
    top = _nice(peak)
    outline = _corners(above, duration, top)
    ground = _corners(below, duration, top) if below else [(0.0, HEIGHT)]
    if ground[-1][0] < outline[-1][0]:
        ground.append((outline[-1][0], HEIGHT))
    return Drawing(
        others=_path([(0.0, HEIGHT), *ground]) + "Z",
        chosen=_path([*outline, *reversed(ground)]) + "Z",
        outline=_path(outline),
        levels=(top, top // 2, 0),
        moments=tuple(duration * quarter / 4 for quarter in range(5)),
        peak=round(peak),
        duration=duration,
    )


def _nice(peak: float) -> int:
    """The next number above that halves well: 2, 4, 6, 8 or 10 times a power of ten."""
    power = 10 ** max(0, math.floor(math.log10(peak / 2)) if peak > 2 else 0)
    steps = (step * scale for scale in (power, power * 10) for step in (2, 4, 6, 8, 10))
    return next(int(step) for step in steps if step >= peak)


def _corners(line: Sequence[Point], duration: float, top: float) -> list[Point]:
    every = max(1, math.ceil(len(line) / MOST_CORNERS))
    kept = [*line[:-1:every], *line[-1:]]
    if not kept or not duration:
        return [(0.0, HEIGHT), (WIDTH, HEIGHT)]
    return [(t / duration * WIDTH, HEIGHT - users / top * HEIGHT) for t, users in kept]


def _path(corners: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
