"""How long an iteration of each scenario took when the plan last ran."""

from collections.abc import Mapping

from history.models import ScenarioHistory, TestHistory
from history.states import Status
from loadtests.models import Plan


def iteration_seconds(plan: Plan) -> Mapping[int, float]:
    """Seconds of an iteration, by the position of its scenario, for those that the last completed run measured under
    the same name. Think time is that of now."""
    run = plan.test_histories.filter(status=Status.COMPLETED).order_by("-tested_at", "-pk").only("pk").first()
    if run is None:
        return {}
    measured = {row.name: row for row in _measured(run)}
    found = {}
    for at, scenario in enumerate(plan.scenarios.all()):
        row = measured.get(scenario.name)
        if row is None or row.avg_response_time is None:
            continue
        each = len([step for step in scenario.steps.all() if not step.once]) or 1
        if row.iterations and row.total_requests:
            each = max(1, round(row.total_requests / row.iterations))
        if scenario.load.get("batch"):
            each = 1
        found[at] = scenario.think_time + each * row.avg_response_time / 1000
    return found


def _measured(run: TestHistory) -> list[ScenarioHistory]:
    columns = ("name", "avg_response_time", "iterations", "total_requests")
    return list(ScenarioHistory.objects.filter(test_history=run).only(*columns))
