"""The seconds of a run over longer stretches, where there are more of them than a chart has pixels.

The value of a stretch is that of all its requests (percentiles of their merged histograms); beside it stand the lowest,
the highest and the 95th percentile of the values of its seconds, so that no peak hides.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from operator import mul
from typing import Any

from django.db.models import Q, QuerySet

from history.heatmap import step_for
from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import Snapshot
from history.metrics.stores import open_store
from history.minutes import Kept, kept
from history.models import TestHistory, TimelineHistory
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
    start: int | None = None,
    end: int | None = None,
    points: int = POINTS,
    step: int = 0,
    tags: Sequence[str] | None = None,
) -> Stretches:
    """The seconds from `start` up to `end` in at most `points` stretches, or in stretches of `step` seconds; of the
    scenarios `tags` (None: all).

    Columns: `history.tracks.COLUMNS`, and for tps, p95 and error_rate also `_min`, `_max` and `_p95`. Where a stretch
    is one second those are the same values. Where a run keeps no minutes (it is of an older version), a stretch of
    several seconds has its counts and its mean, and no percentiles. Raises `StoreError`.
    """
    stored = _stored(run, start, end, points, step, tags)
    if stored is not None:
        return stored
    whole, scenarios = seconds(run, tags)
    length = len(whole.get("t", []))
    first = min(max(start or 0, 0), length)
    last = max(first, min(length if end is None else end, length))
    step = step or step_for(last - first, points)
    if step == 1:
        cut = {tag: _cut(columns, first, last) for tag, columns in scenarios.items()}
        return Stretches(first, last, 1, length, _cut(whole, first, last), cut)
    known = kept(run)
    times = _times(known, first, min(last, known.length), step, list(scenarios)) if known else {}
    by_tag = {tag: drawn(columns, times.get(tag, {}), first, last, step) for tag, columns in scenarios.items()}
    return Stretches(first, last, step, length, drawn(whole, times.get("", {}), first, last, step), by_tag)


def seconds(run: TestHistory, tags: Sequence[str] | None = None) -> tuple[Columns, dict[str, Columns]]:
    """All seconds: of the whole run, and by scenario tag (`tags`: only of those). Of a run that lasts, those that were
    sent live already: a page that opens now gets the next one from its stream."""
    every = list(run.scenarios.values_list("scenario_tag", flat=True))
    chosen = [tag for tag in every if tags is None or tag in tags]
    stored: dict[str, Columns] = {}
    if run.is_finished:
        rows = _rows(run, chosen).values_list("scenario__scenario_tag", "columns")
        stored = {tag or "": columns for tag, columns in rows}
    if "" in stored:
        return stored[""], {tag: stored.get(tag, {}) for tag in chosen}
    _timeline, tracks = follow(_snapshots(run), chosen)
    shown = run.live_second
    return _first(tracks.whole, shown), {tag: _first(track, shown) for tag, track in tracks.scenarios.items()}


def _rows(run: TestHistory, tags: Sequence[str]) -> QuerySet[TimelineHistory]:
    return run.timelines.filter(Q(scenario=None) | Q(scenario__scenario_tag__in=tags))


def _first(track: Track, many: int) -> Columns:
    return {name: values[:many] for name, values in track.columns.items()}


def _stored(
    run: TestHistory, start: int | None, end: int | None, points: int, step: int, tags: Sequence[str] | None
) -> Stretches | None:
    """What was recorded, where that is what is asked for: it is read without the seconds, of which a long run has a
    great many."""
    if not run.is_finished or start:
        return None
    whole = run.timelines.filter(scenario=None).values_list("overview", flat=True).first()
    if not whole or (end is not None and end < whole["length"]):
        return None
    if whole["step"] != (step or step_for(whole["length"], points)):
        return None
    every = list(run.scenarios.values_list("scenario_tag", flat=True))
    chosen = [tag for tag in every if tags is None or tag in tags]
    rows = _rows(run, chosen).values_list("scenario__scenario_tag", "overview") if chosen else []
    found = {tag: overview["columns"] for tag, overview in rows if tag}
    return Stretches(0, whole["length"], whole["step"], whole["length"], whole["columns"], found)


def kept_overview(columns: Columns, track: Track) -> dict[str, Any]:
    """What is recorded of a run or a scenario: `{"step", "length", "columns"}`; {} where its seconds are few enough."""
    if track.stretch == 1:
        return {}
    length = len(columns["t"])
    return {"step": track.stretch, "length": length, "columns": drawn(columns, track.times, 0, length, track.stretch)}


def _times(known: Kept, start: int, end: int, step: int, tags: Sequence[str]) -> dict[str, Columns]:
    """The percentiles of each stretch by scenario tag, "" for the whole run."""
    found: dict[str, Columns] = {tag: {name: [] for name in PERCENTILES} for tag in ("", *tags)}
    if not tags:
        for cell in known.totals(start, end, step):
            add_times(found[""], cell.spread)
        return found
    for spreads in known.spreads(start, end, step):
        for tag, columns in found.items():
            add_times(columns, spreads.get(tag, _NONE))
    return found


_NONE = Histogram()


def drawn(columns: Mapping[str, list[Any]], times: Mapping[str, list[Any]], start: int, end: int, step: int) -> Columns:
    """Columns of stretches, made of those of seconds and the percentiles of the stretches (`times`; {}: not known)."""
    begins = range(start, end, step)
    nothing: list[list[Any]] = [[]] * len(begins)
    # Only these are kept in parts: of a long run there are a great many.
    needed = {*SPREAD, "requests", "avg", "vus"} & columns.keys()
    parts = {name: [values[t : t + step] for t in begins] for name in needed if (values := columns[name][:end])}
    found: Columns = {"t": list(begins)}
    for name in COLUMNS[1:]:
        if name in times:
            found[name] = list(times[name])
        elif name in COUNTED:
            found[name] = _sums(columns.get(name, [])[:end], begins)
        else:
            found[name] = [None] * len(begins)
    for at, counts in enumerate(parts.get("requests", [])):
        requests = sum(counts)
        found["tps"][at] = requests / len(counts)
        if requests:
            found["error_rate"][at] = min(100.0, 100.0 * found["failures"][at] / requests)
            averages = parts["avg"][at]
            if None in averages:
                averages = [avg or 0.0 for avg in averages]
            found["avg"][at] = sum(map(mul, averages, counts)) / requests
    for at, users in enumerate(parts.get("vus", [])):
        known = [vus for vus in users if vus is not None]
        found["vus"][at] = sum(known) / len(known) if known else None
    for name in SPREAD:
        _add_spread(found, name, parts.get(name, nothing))
    return found


def _sums(values: Sequence[int | None], begins: range) -> list[int | None]:
    """Of the values of each stretch that are known; None where none is."""
    step = begins.step
    if values and None not in values:
        return [sum(values[t : t + step]) for t in begins]  # type: ignore[arg-type]
    known = ([count for count in values[t : t + step] if count is not None] for t in begins)
    return [sum(counts) if counts else None for counts in known]


def _add_spread(found: Columns, name: str, parts: Sequence[Sequence[float | None]]) -> None:
    """The lowest, highest and 95th percentile (the smallest value that 95 % do not exceed) of the seconds' values."""
    lowest, highest, most = (found.setdefault(f"{name}_{ending}", []) for ending in ("min", "max", "p95"))
    for part in parts:
        known = sorted(part if None not in part else [value for value in part if value is not None])  # type: ignore[type-var]
        lowest.append(known[0] if known else None)
        highest.append(known[-1] if known else None)
        most.append(known[ceil(0.95 * len(known)) - 1] if known else None)


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
