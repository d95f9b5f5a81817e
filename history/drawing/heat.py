"""Response times over time: columns of time, rows of response time on a logarithmic axis, darker is more."""

from collections.abc import Mapping, Sequence
from math import ceil, log, log10
from typing import Any

from history.drawing.axes import Format, Frame, log_ticks, time_ticks
from history.drawing.lines import Stretch, draw_across, draw_bands
from history.drawing.markup import element, label, room, root, short

LEVELS = 9  # classes c-h1 to c-h9; c-h0 is the ground


def levels(most: int) -> list[int]:
    """The least count of each level, 1 to 9 at most, for cells that hold up to `most` requests: each level holds as
    many times more as the one before."""
    if most < 1:
        return []
    floors = sorted({ceil(most ** (level / LEVELS)) if level else 1 for level in range(LEVELS)})
    return [floor for floor in floors if floor <= most]


def heat_chart(
    heatmap: Mapping[str, Any],
    *,
    title: str,
    form: Format,
    count: Format,
    words: str,
    desc: str = "",
    width: int = 720,
    height: int = 240,
    bands: Sequence[Stretch] = (),
) -> str:
    """An SVG of `history.heatmap`'s {"step", "start", "rows": [[low, high]] in ms, "counts": [column][row]}.

    `form` writes response times, `count` whole numbers, `words` is what is counted ("requests") for the key.
    """
    rows, counts = heatmap.get("rows", []), heatmap.get("counts", [])
    step, start = float(heatmap.get("step", 1)), float(heatmap.get("start", 0))
    used = [row for row in range(len(rows)) if any(column[row] for column in counts)]
    kept = rows[used[0] : used[-1] + 1] if used else []
    span = (start, start + step * max(len(counts), 1))
    low, high = _edges(kept)
    ticks = log_ticks(low, high, form, height - 62, 18)
    left = max([24.0, *(room(shown) + 12 for _value, shown in ticks)])
    frame = Frame(left, 40, width - 10, height - 22, *span, log10(high / low))
    most = max((count for column in counts for count in column), default=0)
    body = [
        draw_bands(frame, bands),
        *(_level(frame, heatmap, (used[0], kept, low), bounds) for bounds in _bounds(most) if used),
        *(label(shown, left - 8, frame.y(log10(value / low)) + 4, anchor="end") for value, shown in ticks),
        draw_across(frame, time_ticks(*span, frame.right - left)),
        _key(most, left, count, words),
    ]
    return root("".join(body), width, height, title, desc, "heat")


def _edges(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Lowest and highest response time drawn; a row that begins at 0 is drawn as if it were one of a decade, also that
    of answers that took no time (connections that were refused)."""
    above = [edge for row in rows for edge in row if edge > 0]
    if not above:
        return 1.0, 1000.0
    low, high = rows[0][0] or above[0] / 10, rows[-1][1]
    return (low, high) if high > low > 0 else (1.0, 1000.0)


def _bounds(most: int) -> list[tuple[int, int, int]]:
    """(level, least count, most count) of each level; the levels of few counts are spread over all shades."""
    floors = levels(most)
    if not floors:
        return []
    ends = [*(floor - 1 for floor in floors[1:]), most]
    shades = [round(1 + index * (LEVELS - 1) / max(len(floors) - 1, 1)) for index in range(len(floors))]
    return list(zip(shades, floors, ends, strict=True))


def _level(frame: Frame, heatmap: Mapping[str, Any], rows: tuple[int, Any, float], bounds: tuple[int, int, int]) -> str:
    """All cells of one level as one path; neighbours in time are one rectangle."""
    (first, kept, low), (level, least, most) = rows, bounds
    counts, step = heatmap["counts"], float(heatmap.get("step", 1))
    found = []
    for index, (bottom, top) in enumerate(kept):
        y1, y0 = frame.y(log(max(bottom, low) / low, 10)), frame.y(log((top or 10 * low) / low, 10))
        begun: int | None = None
        for at in range(len(counts) + 1):
            inside = at < len(counts) and least <= counts[at][first + index] <= most
            if inside and begun is None:
                begun = at
            elif not inside and begun is not None:
                a, b = frame.x(frame.x0 + begun * step), frame.x(frame.x0 + at * step)
                found.append(f"M{short(a)} {short(y0)}H{short(b)}V{short(y1)}H{short(a)}Z")
                begun = None
    return element("path", d="".join(found), css=f"c-h{level}") if found else ""


def _key(most: int, left: float, count: Format, words: str) -> str:
    """What the shades mean."""
    bounds = _bounds(most)
    if not bounds:
        return ""
    first, x = count(1), left
    found = [label(first, x, 14)]
    x += room(first) + 6
    for level, _least, _most in bounds:
        found.append(element("rect", x=x, y="5", width="14", height="10", css=f"c-h{level}"))
        x += 15
    return "".join([*found, label(f"{count(most)} {words}", x + 6, 14)])
