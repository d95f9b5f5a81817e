"""What came of a run: the one function that judges it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop as N_

from history import findings, held, sent, trust
from history.findings import Lack
from history.hosts import hosts
from history.metrics.abort import Broken
from history.metrics.timeline import Cell
from history.models import ScenarioHistory, TestHistory
from history.reasons import Reason, reason
from history.states import Outcome, Status
from history.tracks import starts
from history.trust import Measurement

ALL = N_("All requests")
TARGET = "target"  # `TestHistory.stop_reason` of a run that was ended because it missed a target


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the judge needs beside the measured columns. `answered`: requests that got any HTTP answer. `stages`: what
    the seconds of each stage hold, by `StageHistory.pk`. `broken`: the target for which the run was ended. `since`: as
    `history.since.Since.found`. `budget`: percent of iterations that may be dropped."""

    measurement: Measurement
    answered: int
    lack: Lack = field(default_factory=Lack)
    stages: Mapping[int, Cell] = field(default_factory=dict)
    broken: Broken | None = None
    since: Mapping[tuple[str, str], int] = field(default_factory=dict)
    budget: float = 1.0


def judge(run: TestHistory, scenarios: list[ScenarioHistory], evidence: Evidence) -> tuple[Outcome, list[Reason]]:
    """The outcome and its reasons, bad ones first. The measured columns of `run` and `scenarios` are filled."""
    if not run.total_requests:
        return Outcome.ERROR, [reason("no_requests")]
    spoilt, told = trust.found(evidence.measurement)
    if not evidence.answered:
        return Outcome.ERROR, [reason("target_unreachable", host=hosts(run.plan_snapshot)), *spoilt, *told]
    missed, met = _targets(run, scenarios, evidence.since)
    first = [*_ended(run, scenarios, evidence.broken), *held.found(run.plan_snapshot, scenarios, evidence.stages)]
    notes = findings.found(run, scenarios, evidence.lack, missed, evidence.budget)
    spoilt = [*spoilt, *sent.short(run, scenarios, evidence.budget), *_silent(run, scenarios, begun=True)]
    if spoilt:
        return Outcome.INVALID, [*spoilt, *first, *missed, *notes, *met, *told]
    if missed or not all(one["good"] for one in first):
        return Outcome.TARGETS_MISSED, [*first, *missed, *notes, *met, *told]
    return Outcome.PASSED, [*first, *(met or [reason("no_targets", good=True)]), *notes, *told]


def exit_code_of(run: TestHistory) -> int | None:
    """What a program that waits for a run exits with: 0 passed, 1 targets missed, 2 invalid, 3 error or failed,
    4 stopped or timed out; None while it is active."""
    if run.is_active:
        return None
    if run.status in (Status.STOPPED, Status.TIMED_OUT):
        return 4
    return _EXIT_CODES.get(run.outcome, 3) if run.status == Status.COMPLETED else 3


_EXIT_CODES = {str(Outcome.PASSED): 0, str(Outcome.TARGETS_MISSED): 1, str(Outcome.INVALID): 2}


def _ended(run: TestHistory, scenarios: list[ScenarioHistory], broken: Broken | None) -> list[Reason]:
    """Why the run was ended before its time."""
    if run.stop_reason != TARGET:
        return []
    if broken is None:  # late pushes mended the seconds that the live numbers were judged by
        return [reason("ended_for_target")]
    limit = broken.limit
    names: dict[str, Any] = {row.scenario_tag: row.request_name for row in scenarios}
    request = names.get(limit.scenario, "") if limit.scenario else _all()
    kind = "pace" if limit.kind == "tps" else limit.kind
    why = _compared(kind, False, broken.value, limit.target, request)
    return [reason("ended_over_target", seconds=broken.seconds, why=why)]


def _all() -> dict[str, Any]:
    return {"text": ALL, "values": {}}


def _targets(
    run: TestHistory, scenarios: list[ScenarioHistory], since: Mapping[tuple[str, str], int]
) -> tuple[list[Reason], list[Reason]]:
    """Those that were missed, and those that were met."""
    found: list[Reason] = []
    if run.target_tps is not None and run.avg_tps is not None:
        met, at = run.avg_tps >= run.target_tps, since.get(("", "tps"))
        found.append(_compared("tps", met, run.avg_tps, run.target_tps, "", at))
    found += _kept(run, _all(), since, "")
    for scenario in scenarios:
        name, tag = scenario.request_name, scenario.scenario_tag
        if not scenario.total_requests:
            continue
        found += _kept(scenario, name, since, tag)
        pace, least = scenario.avg_tps, scenario.tps_target
        if least is not None and pace is not None:
            found.append(_compared("pace", pace >= least, pace, least, name, since.get((tag, "tps"))))
    missed = [*_silent(run, scenarios, begun=False), *(one for one in found if not one["good"])]
    return missed, [one for one in found if one["good"]]


def _kept(
    row: TestHistory | ScenarioHistory, request: Any, since: Mapping[tuple[str, str], int], tag: str
) -> list[Reason]:
    """Response times and errors of the run or a scenario against what they may be."""
    found = []
    value, target, kind = time_of(row), row.response_time_target, f"p{row.response_time_percentile}"
    if target is not None and value is not None:
        found.append(_compared(kind, value <= target, value, target, request, since.get((tag, kind))))
    value, target = row.avg_error_rate, row.error_rate_target
    if target is not None and value is not None:
        found.append(_compared("errors", value <= target, value, target, request, since.get((tag, "errors"))))
    return found


def _silent(run: TestHistory, scenarios: list[ScenarioHistory], *, begun: bool) -> list[Reason]:
    """Targets of scenarios that sent no request. `begun`: those that should have; else those that had not begun when
    the plan ended the run itself."""
    found, begins = [], starts(run.plan_snapshot)
    for row in scenarios:
        targets = (row.response_time_target, row.error_rate_target, row.tps_target)
        if row.total_requests or all(target is None for target in targets):
            continue
        came_too_late = run.stop_reason == TARGET and begins.get(row.scenario_tag, 0.0) >= (run.test_duration or 0.0)
        if came_too_late != begun:
            found.append(reason("target_without_samples", request=row.request_name))
    return found


def time_of(row: TestHistory | ScenarioHistory) -> float | None:
    """The response time that the target is about: the percentile that was chosen, in milliseconds."""
    value: float | None = getattr(row, f"p{row.response_time_percentile}_response_time")
    return value


def _compared(kind: str, met: bool, value: float, target: float, request: Any, since: int | None = None) -> Reason:
    """`by`: how far from the target, in percent of it (of an error rate: in percentage points); `since`: in seconds."""
    code = f"{kind}_{'met' if met else 'missed'}"
    more: dict[str, Any] = {}
    if not met:
        if kind == "errors" or target:
            by = value - target if kind == "errors" else 100.0 * (value - target) / target
            more["by"] = round(by, 3)
        if since is not None:
            more["since"] = since
    return reason(code, good=met, value=round(value, 3), target=target, request=request, **more)
