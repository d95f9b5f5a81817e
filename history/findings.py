"""What a result has to tell beside its targets: checks that failed, load that was not sent, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from history import sent
from history.models import ScenarioHistory, StepHistory, TestHistory
from history.pace import COUNTED, USERS
from history.reasons import Reason, reason

_MOST = 6  # checks that the verdict names; the table of steps has all


@dataclass(frozen=True, slots=True)
class Lack:
    """What kept load from being sent, by scenario tag: iterations for which a table had no row left, and seconds in
    which users sent less than half of what they usually do."""

    no_rows: Mapping[str, int] = field(default_factory=dict)
    slowed: Mapping[str, int] = field(default_factory=dict)


def found(
    run: TestHistory, scenarios: list[ScenarioHistory], lack: Lack, missed: list[Reason], budget: float
) -> list[Reason]:
    """The remarks on a measured run. `missed`: the targets that it missed; `budget`: percent of iterations that may be
    dropped, beyond which that is more than a remark."""
    reasons = [*_checks(scenarios)]
    for row in scenarios:
        reasons += _not_sent(row, lack, told=sent.over_budget(run, row, budget))
    paced = [one for one in missed if one["code"] in {"tps_missed", "pace_missed"}]
    if paced and any(row.executor in USERS for row in scenarios):
        reasons.append(reason("closed_model"))
    return reasons


def _not_sent(row: ScenarioHistory, lack: Lack, *, told: bool) -> Iterator[Reason]:
    if row.dropped_iterations and not told:
        share, code = sent.dropped_share(row), "not_done" if row.executor in COUNTED else "dropped"
        yield reason(code, request=row.request_name, count=row.dropped_iterations, share=round(share, 3))
    if count := lack.no_rows.get(row.scenario_tag, 0):
        yield reason("no_rows", request=row.request_name, count=count)
    if seconds := lack.slowed.get(row.scenario_tag, 0):
        yield reason("slowed", request=row.request_name, seconds=seconds)


def _checks(scenarios: list[ScenarioHistory]) -> list[Reason]:
    """Of each step that has some, those that failed most come first."""
    every = [(step, check) for row in scenarios for step in row.steps.all() for check in step.checks]
    failed = [(step, check) for step, check in every if check.get("failed")]
    failed.sort(key=lambda one: -one[1]["failed"])
    more = [reason("more_checks", count=len(failed) - _MOST)] if len(failed) > _MOST else []
    return [*(_check(step, check) for step, check in failed[:_MOST]), *more]


def _check(step: StepHistory, check: Mapping[str, Any]) -> Reason:
    failed, passed, text = check["failed"], check["passed"], check["text"]
    total = failed + passed
    if check["kind"] == "extract":
        name = text.partition(" = ")[0]
        return reason("extract_failed", step=step.request_name, failed=failed, total=total, name=name)
    return reason("check_failed", step=step.request_name, failed=failed, total=total, check=text)
