"""The seconds of single steps, which only the kept minutes with their histograms tell apart."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from history import blocks
from history.comparing_seconds import Seconds, steady
from history.metrics.cells import Cell, Place, numbers
from history.models import BlockHistory, TestHistory
from history.shape import scenario_curve

FINE = 8  # minutes of a run that are looked at second by second; of longer ones each minute is one stretch
MOST = 24  # minutes that are looked at, evenly over the run: more would say little more, and take long to unpack
_TIMES = ("avg", "p50", "p90", "p95", "p99")
_Moments = list[tuple[int, Mapping[Place, Cell]]]


def of_steps(runs: Sequence[TestHistory]) -> dict[tuple[int, Place], Seconds]:
    """By run and place (scenario tag, number of the step), of scenarios with several steps; three queries."""
    if not runs:
        return {}
    minutes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    rows = BlockHistory.objects.filter(test_history__in=[run.pk for run in runs]).order_by("start")
    for run_id, pk, start in rows.values_list("test_history", "pk", "start"):
        minutes[run_id].append((start, pk))
    fine = [pk for of_run in minutes.values() if len(of_run) < FINE for _start, pk in of_run]
    coarse = [pk for of_run in minutes.values() if len(of_run) >= FINE for _start, pk in _evenly(of_run)]
    moments: dict[int, _Moments] = defaultdict(list)
    for run_id, start, packed in rows.filter(pk__in=fine).values_list("test_history", "start", "seconds"):
        moments[run_id] += ((start + t, places) for t, places in enumerate(blocks.seconds(bytes(packed))))
    for run_id, start, packed in rows.filter(pk__in=coarse).values_list("test_history", "start", "sums"):
        moments[run_id].append((start, blocks.sums(start, bytes(packed)).places))
    found = {}
    for run in runs:
        step = 1.0 if len(minutes[run.pk]) < FINE else float(blocks.LENGTH)
        found.update({(run.pk, place): one for place, one in _of_run(run, moments[run.pk], step)})
    return found


def _evenly(minutes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    many = min(len(minutes), MOST)
    return [minutes[at * len(minutes) // many] for at in range(many)]


def _of_run(run: TestHistory, moments: _Moments, step: float) -> Iterator[tuple[Place, Seconds]]:
    end = moments[-1][0] + step if moments else 0.0
    plans = {one.get("tag"): one for one in run.plan_snapshot.get("scenarios", [])}
    for place in sorted({place for _t, places in moments for place in places if place[1]}):
        columns: dict[str, list[Any]] = defaultdict(list)
        for t, places in moments:
            found = numbers(places.get(place, Cell()))
            columns["t"].append(t)
            columns["requests"].append(found.requests)
            columns["failures"].append(found.failures)
            for name in _TIMES:
                columns[name].append(getattr(found, name))
        curve = scenario_curve(plans[place[0]]) if place[0] in plans else []
        yield place, Seconds(columns, step, steady(curve, end), curve)
