"""Response times over time: how many requests of a stretch of time took how long. Counts are whole and add up."""

from collections.abc import Iterable, Sequence, Set
from typing import Any

from history.metrics.cells import Cell
from history.metrics.native_histogram import Histogram, upper_bound
from history.minutes import kept
from history.models import TestHistory

COLUMNS = 240
_ROWS = 48  # more would be thinner than a line
_STEPS = (1, 2, 5, 10, 15, 20, 30, 60)  # seconds of a column; longer ones are whole minutes


def heatmap(
    run: TestHistory, start: int | None = None, end: int | None = None, columns: int = COLUMNS
) -> dict[str, Any]:
    """The seconds from `start` up to `end` in at most `columns` columns: `{"start", "end", "step", "rows", "counts"}`.

    `step`: seconds of a column, the last one may have fewer; `rows`: [low, high] in milliseconds, ascending, [0, 0] for
    requests that took no time because there was no answer; `counts`: by column, then by row. Their sum is the number of
    requests. {} where the run keeps no minutes, or has not measured a second. Raises `StoreError`.
    """
    if start is None and end is None and columns == COLUMNS and run.is_finished:
        row = run.timelines.filter(scenario=None).only("heatmap").first()
        if row is not None and row.heatmap:
            return dict(row.heatmap)
    known = kept(run)
    if known is None or not known.length:
        return {}
    first = min(max(start or 0, 0), known.length - 1)
    last = max(first + 1, min(known.length if end is None else end, known.length))
    step = step_for(last - first, columns)
    return drawn(known.totals(first, last, step), first, last, step)


def step_for(seconds: float, columns: int) -> int:
    """The seconds of a column where `seconds` are shown in at most `columns`."""
    for step in _STEPS:
        if step * columns >= seconds:
            return step
    return 60 * -int(-seconds // (60 * columns))


def drawn(cells: Iterable[Cell], start: int, end: int, step: int) -> dict[str, Any]:
    """The heatmap of cells of `step` seconds each, see `heatmap`."""
    spreads = [cell.spread for cell in cells]
    indexes = {index for spread in spreads for index in spread.buckets}
    rows, base, width = _rows(indexes, any(spread.zero for spread in spreads))
    counts = [_column(spread, rows, base, width) for spread in spreads]
    return {"start": start, "end": end, "step": step, "rows": rows, "counts": counts}


def _rows(indexes: Set[int], zero: bool) -> tuple[list[list[float]], int, int]:
    """The rows, the number of the first one with a length, and how many buckets make one."""
    rows: list[list[float]] = [[0.0, 0.0]] if zero else []
    if not indexes:
        return rows, 0, 1
    width = 1
    while max(indexes) // width - min(indexes) // width + 1 > _ROWS:
        width *= 2
    base, last = min(indexes) // width, max(indexes) // width
    for number in range(base, last + 1):
        rows.append([upper_bound(number * width - 1), upper_bound(number * width + width - 1)])
    return rows, base, width


def _column(spread: Histogram, rows: Sequence[object], base: int, width: int) -> list[int]:
    counts = [0] * len(rows)
    if spread.zero:
        counts[0] = int(spread.zero)
    several = len(rows) and rows[0] == [0.0, 0.0]
    for index, count in spread.buckets.items():
        counts[index // width - base + int(bool(several))] += int(count)
    return counts
