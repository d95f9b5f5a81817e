"""The seconds of a run over longer stretches, where there are more of them than a chart has pixels.

The value of a stretch is that of all its requests (percentiles of their merged histograms); beside it stand the lowest,
the highest and the 95th percentile of the values of its seconds, so that no peak hides.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.db.models import Q

from history.heatmap import step_for
from history.metrics.cells import Cell, sum_cells
from history.metrics.remote_write import Snapshot
from history.metrics.stores import open_store
from history.minutes import Kept, kept
from history.models import TestHistory
from history.tracks import COLUMNS, COUNTED, PERCENTILES, Track, add_times, follow

POINTS = 600  # stretches of a run whose overview is kept
SPREAD = ("tps", "p95", "error_rate")  # of these the seconds' lowest, highest and 95th percentile are told
Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Stretches:
    """The seconds [start, end) in stretches of `step`: columns of the whole run and by scenario tag. `length`: seconds
    that the run has."""

    start: int
    end: int
    step: int
    length: int
    whole: Columns
    scenarios: dict[str, Columns]


def stretches(
    run: TestHistory,
    start: int | None,
    end: int | None,
    points: int,
    step: int | None = None,
    tags: Sequence[str] | None = None,
) -> Stretches:
    """The seconds from `start` up to `end` in at most `points` stretches, or in stretches of `step` seconds; of the
    scenarios `tags` (None: of all).

    Columns: `history.tracks.COLUMNS`, and for tps, p95 and error_rate also `_min`, `_max` and `_p95`. Where a stretch
    is one second those are the same values. Where a run keeps no minutes (it is of an older version), a stretch of
    several seconds has its counts and its mean, and no percentiles. Raises `StoreError`.
    """
    whole, scenarios = seconds(run, tags)
    length = len(whole.get("t", []))
    first = min(max(start or 0, 0), length)
    last = max(first, min(length if end is None else end, length))
    step = step or step_for(last - first, points)
    if step == 1:
        cut = {tag: _cut(columns, first, last) for tag, columns in scenarios.items()}
        return Stretches(first, last, 1, length, _cut(whole, first, last), cut)
    stored = _stored(run, step, tags) if (first, last) == (0, length) else {}
    if stored:
        by_tag = {tag: stored.get(tag, {}) for tag in scenarios}
        return Stretches(first, last, step, length, stored[""], by_tag)
    known = kept(run)
    times = _times(known, first, min(last, known.length), step, list(scenarios)) if known else {}
    by_tag = {tag: drawn(columns, times.get(tag, {}), first, last, step) for tag, columns in scenarios.items()}
    return Stretches(first, last, step, length, drawn(whole, times.get("", {}), first, last, step), by_tag)


def seconds(run: TestHistory, tags: Sequence[str] | None = None) -> tuple[Columns, dict[str, Columns]]:
    """All seconds: of the whole run, and by scenario tag, of `tags` (None: of all). Of a run that lasts, those that
    were sent live already: a page that opens now gets the next one from its stream."""
    rows = {pk: tag for pk, tag in run.scenarios.values_list("pk", "scenario_tag") if tags is None or tag in tags}
    stored: dict[int | None, Columns] = {}
    if run.is_finished:
        stored.update(run.timelines.filter(_of(tags)).values_list("scenario_id", "columns"))
    if stored:
        return stored.get(None, {}), {tag: stored.get(pk, {}) for pk, tag in rows.items()}
    _timeline, tracks = follow(_snapshots(run), list(rows.values()))
    shown = run.live_second
    by_tag = {tag: _first(track, shown) for tag, track in tracks.scenarios.items()}
    return _first(tracks.whole, shown), by_tag


def _first(track: Track, many: int) -> Columns:
    return {name: values[:many] for name, values in track.columns.items()}


def _of(tags: Sequence[str] | None) -> Q:
    """The timelines of the whole run and of these scenarios: those of a long run are megabytes each."""
    return Q() if tags is None else Q(scenario=None) | Q(scenario__scenario_tag__in=tags)


def _stored(run: TestHistory, step: int, tags: Sequence[str] | None) -> dict[str, Columns]:
    """What was recorded for this step, by scenario tag, "" for the whole run; {} where nothing was."""
    rows = run.timelines.filter(_of(tags)).values_list("scenario__scenario_tag", "overview")
    found = {tag or "": overview["columns"] for tag, overview in rows if overview.get("step") == step}
    return found if "" in found else {}


def _times(known: Kept, start: int, end: int, step: int, tags: Sequence[str]) -> dict[str, Columns]:
    """The percentiles of each stretch by scenario tag, "" for the whole run."""
    found: dict[str, Columns] = {tag: {name: [] for name in PERCENTILES} for tag in ("", *tags)}
    for places in known.sums(start, end, step):
        by_tag: dict[str, Cell] = {}
        for (tag, _step), cell in places.items():
            by_tag.setdefault(tag, Cell()).add(cell)
        by_tag[""] = sum_cells(by_tag.values())
        for tag, columns in found.items():
            add_times(columns, by_tag.get(tag, Cell()))
    return found


def drawn(columns: Mapping[str, list[Any]], times: Mapping[str, list[Any]], start: int, end: int, step: int) -> Columns:
    """Columns of stretches, made of those of seconds and the percentiles of the stretches (`times`; {}: not known)."""
    begins = range(start, end, step)
    parts = {name: [values[t : min(t + step, end)] for t in begins] for name, values in columns.items() if name != "t"}
    found: Columns = {"t": list(begins)}
    for name in COLUMNS[1:]:
        if name in times:
            found[name] = list(times[name])
        elif name in COUNTED:
            found[name] = [_sum(part) for part in parts.get(name, [[]] * len(begins))]
        else:
            found[name] = [None] * len(begins)
    weights = parts.get("requests", [])
    for at, counts in enumerate(weights):
        requests = sum(counts)
        found["tps"][at] = requests / len(counts)
        if requests:
            found["error_rate"][at] = min(100.0, 100.0 * found["failures"][at] / requests)
            found["avg"][at] = sum((avg or 0.0) * n for avg, n in zip(parts["avg"][at], counts, strict=True)) / requests
    for at, users in enumerate(parts.get("vus", [])):
        known = [vus for vus in users if vus is not None]
        found["vus"][at] = sum(known) / len(known) if known else None
    for name in SPREAD:
        _add_spread(found, name, parts.get(name, [[]] * len(begins)))
    return found


def _sum(part: Sequence[int | None]) -> int | None:
    known = [count for count in part if count is not None]
    return sum(known) if known else None


def _add_spread(found: Columns, name: str, parts: Sequence[Sequence[float | None]]) -> None:
    """The lowest, highest and 95th percentile (the smallest value that 95 % do not exceed) of the seconds' values."""
    for ending in ("min", "max", "p95"):
        found[f"{name}_{ending}"] = []
    for part in parts:
        known = sorted(value for value in part if value is not None)
        found[f"{name}_min"].append(known[0] if known else None)
        found[f"{name}_max"].append(known[-1] if known else None)
        found[f"{name}_p95"].append(known[ceil(0.95 * len(known)) - 1] if known else None)


def _cut(columns: Columns, start: int, end: int) -> Columns:
    """Seconds as stretches of one second."""
    length = end - start
    found = {name: columns[name][start:end] if name in columns else [None] * length for name in COLUMNS}
    found["t"] = list(range(start, end))
    for name in SPREAD:
        for ending in ("min", "max", "p95"):
            found[f"{name}_{ending}"] = found[name]
    return found


def _snapshots(run: TestHistory) -> Iterator[Snapshot]:
    return (snapshot for _cursor, snapshot in open_store().read(run.pk))
