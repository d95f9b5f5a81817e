"""Scales of charts: from zero, in round steps, five at most; times in minutes and seconds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

Format = Callable[[float], str]
Ticks = Sequence[tuple[float, str]]  # a value and its words

_PARTS = {1.0: 4, 1.5: 3, 2.0: 4, 2.5: 5, 3.0: 3, 4.0: 4, 5.0: 5, 6.0: 3, 8.0: 4, 10.0: 5}
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


def nice(highest: float) -> tuple[float, int]:
    """The top of an axis that holds `highest`, and into how many steps it is parted (as static/js/charts.js)."""
    if not highest > 0:
        return 1.0, 4
    unit = 10.0 ** floor(log10(highest))
    lead = next(lead for lead in _PARTS if lead * unit >= highest or lead == 10.0)
    return lead * unit, _PARTS[lead]


def clock(seconds: float) -> str:
    """`07:45`, or `1:07:45` from an hour on."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute:02}:{second:02}"


def time_ticks(start: float, end: float, width: float) -> Ticks:
    """Round times between two seconds, as many as have room."""
    step = next((one for one in _SECONDS if (end - start) / one * 58 <= max(width, 58)), 0)
    step = step or ceil((end - start) / 5)
    return [(float(t), clock(t)) for t in range(ceil(start / step) * step, floor(end) + 1, step)]


def log_ticks(low: float, high: float, form: Format, width: float, room: float) -> Ticks:
    """1, 2, 5 of each decade between two values above zero; only the decades where there is not room for all."""
    found = []
    for leads in ((1, 2, 5), (1,)):
        decades = range(floor(log10(low)), ceil(log10(high)) + 1)
        values = (lead * 10.0**decade for decade in decades for lead in leads)
        found = [(value, form(value)) for value in values if low <= value <= high]
        if len(found) * room <= width:
            break
    return found


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot within a picture, in pixels, and the values at its edges."""

    left: float
    top: float
    right: float
    bottom: float
    x0: float
    x1: float
    y1: float

    def x(self, value: float) -> float:
        """Where a value is, from the left."""
        return self.left + (value - self.x0) / ((self.x1 - self.x0) or 1.0) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Where a value is, from the top."""
        return self.bottom - value / self.y1 * (self.bottom - self.top)


def thinned(points: Sequence[tuple[float, float | None]], columns: int) -> Iterator[tuple[float, float | None]]:
    """The points of a curve, no more than four for each of `columns` stretches: the first, lowest, highest and last.
    A line through them looks the same. Gaps (None) stay; they begin a stretch of their own."""
    if len(points) <= 4 * columns:
        yield from points
        return
    first, last = points[0][0], points[-1][0]
    stretch: list[tuple[float, float]] = []
    at = 0
    for x, y in points:
        column = int((x - first) / ((last - first) or 1.0) * columns)
        if (y is None or column != at) and stretch:
            yield from _four(stretch)
            stretch = []
        at = column
        if y is None:
            yield x, None
        else:
            stretch.append((x, y))
    yield from _four(stretch)


def _four(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= 4:
        return points
    values = [y for _x, y in points]
    kept = sorted({0, values.index(min(values)), values.index(max(values)), len(points) - 1})
    return [points[index] for index in kept]
