"""How a plan, an endpoint or a project went from run to run; numbers are columns of the models, as they stand."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from history.access import visible_runs
from history.models import Baseline, RunLabel, ScenarioHistory, StepHistory, TestHistory
from history.states import FINISHED, Outcome, Status
from metricvault.lib.errors import Missing
from projects.access import Person, get_project, project_scope
from projects.models import Endpoint, Project

PERCENTILES = ("p50", "p95", "p99")
MEASURES = (*PERCENTILES, "tps", "errors")
LAST = (20, 50, 100)  # runs; more are asked for by 0
MOST = 500  # however many are asked for
_COLUMNS = {
    "p50": "p50_response_time",
    "p95": "p95_response_time",
    "p99": "p99_response_time",
    "tps": "avg_tps",
    "errors": "avg_error_rate",
    "requests": "total_requests",
}
_RUN = ("pk", "title", "plan_id", "plan__title", "tested_at", "status", "outcome", "release")
_TARGETS = ("response_time_target", "response_time_percentile", "error_rate_target")
Kind = Literal["plan", "endpoint", "project"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a trend is of. `request` is METHOD /path/{template} of an endpoint, else ""."""

    kind: Kind
    title: str
    project: Project
    plan_id: int | None = None
    request: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run measured; ms, requests/s, percent. `valid`: it ended by itself and its result is to be trusted.
    `several`: of how many steps of the run this is the one with the most requests. `targets` by measure."""

    run_id: int
    title: str
    plan_id: int | None
    plan_title: str
    tested_at: datetime
    status: str
    outcome: str
    release: str
    requests: int | None
    p50: float | None
    p95: float | None
    p99: float | None
    tps: float | None
    errors: float | None
    targets: Mapping[str, float]
    labels: tuple[str, ...] = ()
    baseline: bool = False
    several: int = 1

    @property
    def valid(self) -> bool:
        return self.status == Status.COMPLETED and self.outcome in (Outcome.PASSED, Outcome.TARGETS_MISSED)

    def of(self, measure: str) -> float | None:
        """A measure of `MEASURES`."""
        value: float | None = getattr(self, measure)
        return value


@dataclass(frozen=True, slots=True)
class Trend:
    """`readings`: the oldest first. `more`: whether there are older runs than these."""

    subject: Subject
    readings: tuple[Reading, ...] = field(default_factory=tuple)
    more: bool = False


def plan_subject(user: Person, pk: int) -> Subject:
    """A plan, or `Missing`: a stranger learns nothing of it."""
    plans: Any = TestHistory._meta.get_field("plan").related_model  # by its string key: a lower room knows no plans
    plan = plans.objects.filter(project_scope(user, "project__"), pk=pk).select_related("project").first()
    if plan is None:
        raise Missing(_("There is no plan %(id)s.") % {"id": pk})
    return Subject("plan", plan.title, plan.project, plan_id=plan.pk)


def project_subject(user: Person, pk: int) -> Subject:
    """A project, or `Missing`."""
    project = get_project(user, pk)
    return Subject("project", project.title, project)


def endpoint_subject(user: Person, pk: int) -> Subject:
    """An endpoint by its key, or `Missing`; runs are found by its method and path, whichever document it is of."""
    rows = Endpoint.everything.filter(project_scope(user, "openapi_spec__project__"))
    endpoint = rows.select_related("openapi_spec__project").filter(pk=pk).first()
    if endpoint is None:
        raise Missing(_("There is no endpoint %(id)s.") % {"id": pk})
    return request_subject(endpoint.openapi_spec.project, f"{endpoint.method} {endpoint.path}")


def request_subject(project: Project, request: str) -> Subject:
    """An endpoint by what runs call it."""
    return Subject("endpoint", request, project, request=request)


def trend(user: Person, subject: Subject, last: int = LAST[1]) -> Trend:
    """The last runs of it that measured something; 0: as many as `MOST`. A constant number of queries."""
    wanted = min(last, MOST) if last else MOST
    runs = visible_runs(user).filter(project=subject.project, status__in=FINISHED, total_requests__gt=0)
    if subject.kind == "endpoint":
        rows, more = _of_request(runs, subject.request, wanted)
    else:
        if subject.kind == "plan":
            runs = runs.filter(plan=subject.plan_id)
        columns = (*_RUN, *_COLUMNS.values(), *_TARGETS, "target_tps")
        found = list(runs.order_by("-tested_at", "-pk").values(*columns)[: wanted + 1])
        rows, more = [_reading(row, row) for row in found[:wanted]], len(found) > wanted
    return Trend(subject, tuple(reversed(_annotated(rows, subject))), more)


def requests_of(run_id: int) -> list[str]:
    """The endpoints of a run, to go on to their trends."""
    steps = StepHistory.objects.filter(scenario__test_history=run_id).values_list("request_name", flat=True)
    return sorted({name for name in steps if name})


def _reading(run: Mapping[str, Any], numbers: Mapping[str, Any], **more: Any) -> Reading:
    targets = {
        f"p{numbers['response_time_percentile']}": numbers["response_time_target"],
        "errors": numbers["error_rate_target"],
        "tps": numbers.get("target_tps", numbers.get("tps_target")),
    }
    return Reading(
        run_id=run["pk"],
        title=run["title"],
        plan_id=run["plan_id"],
        plan_title=run["plan__title"] or "",
        tested_at=run["tested_at"],
        status=run["status"],
        outcome=run["outcome"],
        release=run["release"],
        targets={name: value for name, value in targets.items() if value is not None},
        **{name: numbers[column] for name, column in _COLUMNS.items()},
        **more,
    )


def _of_request(runs: QuerySet[TestHistory], request: str, wanted: int) -> tuple[list[Reading], bool]:
    """The newest runs with this request; of steps, and of scenarios of runs that had no steps yet."""
    parts: dict[int, list[dict[str, Any]]] = defaultdict(list)
    steps = StepHistory.objects.filter(request_name=request, scenario__test_history__in=runs)
    targets = {name: f"scenario__{name}" for name in (*_TARGETS, "tps_target")}
    for row in _newest(steps, "scenario__test_history", targets, wanted):
        parts[row["run"]].append(row)
    scenarios = ScenarioHistory.objects.filter(request_name=request, steps=None, test_history__in=runs)
    plain = {name: name for name in (*_TARGETS, "tps_target")}
    for row in _newest(scenarios, "test_history", plain, wanted):
        parts[row["run"]].append(row)
    known = runs.filter(pk__in=parts).order_by("-tested_at", "-pk").values(*_RUN)[: wanted + 1]
    found = []
    for run in known:
        busiest = max(parts[run["pk"]], key=lambda row: row["total_requests"] or 0)
        found.append(_reading(run, busiest, several=len(parts[run["pk"]])))
    return found[:wanted], len(found) > wanted


def _newest(rows: Any, run: str, targets: Mapping[str, str], wanted: int) -> Iterable[dict[str, Any]]:
    """Rows of the newest runs first; twice as many as runs, as one may have the request twice."""
    ordered = rows.order_by(f"-{run}__tested_at", f"-{run}")
    for row in ordered.values(run, *_COLUMNS.values(), *targets.values())[: 2 * wanted + 2]:
        yield {**row, "run": row[run], **{name: row[column] for name, column in targets.items()}}


def _annotated(rows: list[Reading], subject: Subject) -> list[Reading]:
    """With labels, and which of them are baselines."""
    keys = [row.run_id for row in rows]
    labels: dict[int, list[str]] = defaultdict(list)
    for run, text in RunLabel.objects.filter(test_history__in=keys).values_list("test_history", "text"):
        labels[run].append(text)
    of = Q(plan=subject.plan_id) if subject.kind == "plan" else Q(project=subject.project)
    bases = set(Baseline.objects.filter(of).values_list("test_history", flat=True))
    return [replace(row, labels=tuple(labels[row.run_id]), baseline=row.run_id in bases) for row in rows]
