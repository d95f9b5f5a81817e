"""What gets worse from run to run.

The rule: a plan, or one endpoint of it, is worse where its last two runs both are

- p95 more than 10 % (and 1 ms) over what it was,
- error rate more than one point over it,
- throughput more than 10 % under it, of runs that asked for the same load.

What it was is the baseline's number. Without a baseline it is the median of the last ten passed runs before those two,
three at least. One run alone says nothing: the next may be as before. Only runs count that ended by themselves with a
result that is valid, and parts of them with `LEAST_REQUESTS`. Runs without a plan belong together where they are of
the same endpoints of a project.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from history.access import visible_runs
from history.comparing_setups import load_of
from history.models import Baseline, ScenarioHistory, StepHistory, TestHistory
from history.run_search import newest
from history.states import Outcome, Status
from history.templatetags import numbers
from projects.access import Person

IN_A_ROW = 2
EARLIER = 10  # passed runs before those
LEAST_EARLIER = 3
LEAST_REQUESTS = 100
SHARE, LEAST_MS, POINTS = 0.10, 1.0, 1.0
NEWEST = 800  # valid runs that are looked at, so that a long history costs no more than a short one
MOST_GROUPS = 50  # plans (or sets of endpoints) among them, those that ran last
_COLUMNS = {"p95": "p95_response_time", "errors": "avg_error_rate", "tps": "avg_tps"}
_KINDS = tuple(_COLUMNS)

Group = tuple[int, int | None, str]  # project, plan, set of endpoints ("" of a plan)
Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Regression:
    """What got worse. `title`: of the plan, or of its last run where there is none; `request`: the endpoint, "" for all
    requests. `measure`: "p95" (ms), "errors" (percent) or "tps" (requests/s); `value`: of the last run, `baseline`:
    what it was, `base_run`: the baseline, None where it is a median. `change`: percent, of errors points. `runs`: the
    last ones, the oldest first, and `values`: theirs. `link`: the query of the trend's address."""

    title: str
    project_id: int
    project: str
    plan_id: int | None
    request: str
    measure: str
    value: float
    baseline: float
    change: float
    base_run: int | None
    runs: tuple[int, ...]
    values: tuple[float | None, ...]
    link: Mapping[str, str]

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return {"errors": numbers.percent, "tps": numbers.tps}.get(self.measure, numbers.ms)(self.value)

    @property
    def shown_change(self) -> str:
        """`+18.2 %`, of errors `+1.27 points`."""
        form = numbers.points if self.measure == "errors" else numbers.delta
        return form(self.value, self.baseline)

    @property
    def shown_measure(self) -> str:
        """`p95, POST /orders`."""
        name = {"errors": _("error rate"), "tps": _("throughput")}.get(self.measure, self.measure)
        return f"{name}, {self.request}" if self.request else str(name)

    @property
    def weight(self) -> float:
        """How bad, to put the worst first: a point of errors weighs as much as 10 % of response time."""
        return abs(self.change) * (10.0 if self.measure == "errors" else 1.0)


def worst(user: Person, limit: int = 5, project_ids: Iterable[int] | None = None) -> list[Regression]:
    """The worst of what `found` finds."""
    return found(user, project_ids)[:limit]


def found(user: Person, project_ids: Iterable[int] | None = None) -> list[Regression]:
    """All of what got worse in the projects a person may see (or in some of them), the worst first; seven queries at
    most, however many runs there are."""
    runs = visible_runs(user)
    if project_ids is not None:
        runs = runs.filter(project__in=list(project_ids))
    groups = _groups(runs)
    bases = _baselines(groups, runs)
    keys = {run["pk"] for of in groups.values() for run in of} | {base["pk"] for base in bases.values()}
    parts = _parts(keys)
    worse: list[Regression] = []
    for group, of in groups.items():
        worse += _of_group(group, of, bases.get(group), parts)
    return sorted(_same_load(worse), key=lambda one: (-one.weight, one.project_id, one.title, one.request))


_RUN = ("pk", "title", "plan_id", "plan__title", "project_id", "project__title", "endpoint_set", "outcome")


def _groups(runs: QuerySet[TestHistory]) -> dict[Group, list[dict[str, Any]]]:
    """The newest valid runs by plan, the newest first, of the plans that ran last."""
    valid = runs.filter(
        status=Status.COMPLETED,
        outcome__in=(Outcome.PASSED, Outcome.TARGETS_MISSED),
        total_requests__gte=LEAST_REQUESTS,
    )
    groups: dict[Group, list[dict[str, Any]]] = defaultdict(list)
    for row in newest(valid, NEWEST).values(*_RUN, *_COLUMNS.values()):
        belongs = row["endpoint_set"] if row["plan_id"] is None else ""
        if row["plan_id"] is not None or belongs:
            groups[row["project_id"], row["plan_id"], belongs].append(row)
    latest = list(groups.items())[:MOST_GROUPS]  # in the order of their newest runs
    return {group: _wanted(of) for group, of in latest if len(of) >= IN_A_ROW}


def _wanted(of: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last runs, and the passed ones before them."""
    passed = [run for run in of[IN_A_ROW:] if run["outcome"] == Outcome.PASSED]
    return [*of[:IN_A_ROW], *passed[:EARLIER]]


def _baselines(groups: Mapping[Group, Any], runs: QuerySet[TestHistory]) -> dict[Group, dict[str, Any]]:
    rows = Baseline.objects.filter(project__in={project for project, _plan, _set in groups})
    of = {row.test_history_id: (row.project_id, row.plan_id, row.endpoint_set) for row in rows}
    known = runs.filter(pk__in=of).values(*_RUN, *_COLUMNS.values())
    return {of[run["pk"]]: run for run in known if of[run["pk"]] in groups}


def _parts(runs: Iterable[int]) -> dict[int, dict[str, Values]]:
    """The endpoints of each run with their numbers; of several steps with one request the busiest."""
    keys = list(runs)
    columns = ("total_requests", *_COLUMNS.values())
    steps = StepHistory.objects.filter(scenario__test_history__in=keys)
    older = ScenarioHistory.objects.filter(test_history__in=keys, steps=None)
    found: dict[int, dict[str, Values]] = defaultdict(dict)
    busiest: dict[tuple[int, str], int] = {}
    for run, request, count, *measured in [
        *steps.values_list("scenario__test_history", "request_name", *columns),
        *older.values_list("test_history", "request_name", *columns),
    ]:
        if request and (count or 0) >= LEAST_REQUESTS and count > busiest.get((run, request), 0):
            busiest[run, request] = count
            found[run][request] = dict(zip(_KINDS, measured, strict=True))
    return found


def _of_group(
    group: Group, of: Sequence[dict[str, Any]], base: dict[str, Any] | None, parts: Mapping[int, Mapping[str, Values]]
) -> list[Regression]:
    newest = of[0]
    if base is not None and base["pk"] in [run["pk"] for run in of[:IN_A_ROW]]:
        return []  # twice in a row has not come yet since it was made the baseline
    wholes = {run["pk"]: {"": _values(run)} for run in [*of, *([base] if base else [])]}
    worse = []
    for requests in (wholes, parts):
        for request in requests.get(newest["pk"], {}):  # nosec B113  # a dict
            series = [requests.get(run["pk"], {}).get(request) for run in of]  # nosec B113  # a dict
            was = requests.get(base["pk"], {}).get(request) if base else None  # nosec B113  # a dict
            if base and was is None:
                continue
            for measure in _KINDS:
                if judged := _judged(measure, series, was):
                    worse.append(_regression(group, of, base, request, measure, series, judged))
    return worse


def _values(run: Mapping[str, Any]) -> Values:
    return {name: run[column] for name, column in _COLUMNS.items()}


def _judged(measure: str, series: Sequence[Values | None], was: Values | None) -> tuple[float, float] | None:
    """(value, what it was) where the rule holds; `series`: the newest first."""
    last = [values[measure] for values in series[:IN_A_ROW] if values]
    if was is not None:
        before = was[measure]
    else:
        earlier = [value for values in series[IN_A_ROW:] if values and (value := values[measure]) is not None]
        before = median(earlier) if len(earlier) >= LEAST_EARLIER else None
    if before is None or len(last) < IN_A_ROW:
        return None
    known = [value for value in last if value is not None]
    holds = len(known) == IN_A_ROW and all(is_worse(measure, value, before) for value in known)
    return (known[0], before) if holds else None


def is_worse(measure: str, value: float, before: float) -> bool:
    """The rule for a single run."""
    if measure == "errors":
        return value > before + POINTS
    if measure == "tps":
        return value < before * (1 - SHARE)
    return value > before * (1 + SHARE) and value > before + LEAST_MS


def _regression(
    group: Group,
    of: Sequence[dict[str, Any]],
    base: dict[str, Any] | None,
    request: str,
    measure: str,
    series: Sequence[Values | None],
    judged: tuple[float, float],
) -> Regression:
    (project, plan, _set), newest, (value, before) = group, of[0], judged
    link = {"project": str(project), "request": request} if request else {"project": str(project)}
    if plan is not None and not request:
        link = {"plan": str(plan)}
    return Regression(
        title=newest["plan__title"] or newest["title"],
        project_id=project,
        project=newest["project__title"],
        plan_id=plan,
        request=request,
        measure=measure,
        value=value,
        baseline=before,
        change=value - before if measure == "errors" else 100.0 * (value / before - 1),
        base_run=base["pk"] if base else None,
        runs=tuple(run["pk"] for run in reversed(of)),
        values=tuple(one[measure] if one else None for one in reversed(series)),
        link={**link, "measure": measure},
    )


def _same_load(worse: list[Regression]) -> list[Regression]:
    """Without less throughput of runs that asked for less: all of the compared ones have to have asked for the same."""
    slower = {one for found in worse if found.measure == "tps" for one in (*found.runs, found.base_run) if one}
    if not slower:
        return worse
    plans = dict(TestHistory.objects.filter(pk__in=slower).values_list("pk", "plan_snapshot"))
    loads = {pk: repr(load_of(plan)) for pk, plan in plans.items()}

    def compared(one: Regression) -> list[int]:
        return [*one.runs[-IN_A_ROW:], one.base_run] if one.base_run else list(one.runs)

    return [one for one in worse if one.measure != "tps" or len({loads[pk] for pk in compared(one)}) == 1]
