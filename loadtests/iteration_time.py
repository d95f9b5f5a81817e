"""How long an iteration of a scenario takes, as it was measured last: by the plan's newest run, or when it was tried.

Known by the saved steps and their endpoints, so that scenarios may be moved and renamed in between. Steps that are sent
once for each user are no part of it; the think time is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from history.models import ScenarioHistory, TestHistory
from history.states import Status
from loadtests.models import Plan, Scenario, Step, Try


@dataclass(frozen=True, slots=True)
class Measured:
    """`seconds` of one iteration, think time included; `source` measured it, `when`."""

    seconds: float
    source: Literal["run", "try"]
    when: datetime


def measured(plan: Plan) -> dict[int, Measured]:
    """By the position of the scenario in the plan; without those of which nothing is known. What was measured last
    counts, be it under load or not."""
    tried, run = _last_try(plan), _last_run(plan)
    durations = _durations(tried.pk, tried.created_at) if tried else {}
    ran = list(run.scenarios.prefetch_related("steps")) if run else []
    found = {}
    for position, scenario in enumerate(plan.scenarios.all()):
        steps = list(scenario.steps.all())
        known = []
        by_try, by_run = _by_try(scenario, steps, durations), _by_run(scenario, steps, ran)
        if tried and by_try is not None:
            known.append(Measured(scenario.think_time + by_try / 1000, "try", tried.created_at))
        if run and run.completed_at and by_run is not None:
            known.append(Measured(scenario.think_time + by_run / 1000, "run", run.completed_at))
        if known:
            found[position] = max(known, key=lambda one: one.when)
    return found


def iteration_seconds(plan: Plan) -> dict[int, float]:
    """`measured`, as `planning.review` takes it."""
    return {position: one.seconds for position, one in measured(plan).items()}


def _last_try(plan: Plan) -> Try | None:
    heavy = ("result", "log", "plan_snapshot", "message")
    return Try.objects.filter(plan=plan, state=Try.State.PASSED).defer(*heavy).first()


def _last_run(plan: Plan) -> TestHistory | None:
    light = ("pk", "completed_at")
    over = TestHistory.objects.filter(plan=plan, deleted_at=None, status=Status.COMPLETED, total_requests__gt=0)
    return over.only(*light).order_by("-completed_at").first()


@lru_cache(maxsize=512)
def _durations(pk: int, _created: datetime) -> Mapping[int, float]:
    """Milliseconds by the key of the saved step. A try that is over never changes, and its answers are large."""
    result = Try.objects.values_list("result", flat=True).get(pk=pk)
    return {one["key"]: one["response"]["duration"] for one in result if one["key"] and one["response"]}


def _by_try(scenario: Scenario, steps: list[Step], durations: Mapping[int, float]) -> float | None:
    wanted = [step.pk for step in steps if not step.once]
    if not wanted or not all(key in durations for key in wanted):
        return None
    return _together(scenario, [durations[key] for key in wanted])


def _by_run(scenario: Scenario, steps: list[Step], ran: list[ScenarioHistory]) -> float | None:
    """By the scenario of the run that sent the same requests in the same order, the one of the same name first."""
    wanted = [step.endpoint_id for step in steps]
    for one in sorted(ran, key=lambda one: one.name != scenario.name):
        rows = list(one.steps.all())
        if [row.endpoint_id for row in rows] == wanted and None not in wanted:
            times = [
                row.avg_response_time if row.avg_response_time is not None else one.avg_response_time
                for row, step in zip(rows, steps, strict=True)
                if not step.once
            ]
            if times and None not in times:
                return _together(scenario, [time for time in times if time is not None])
    return None


def _together(scenario: Scenario, times: list[float]) -> float:
    return max(times) if scenario.load.get("batch") else sum(times)
