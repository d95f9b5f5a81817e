"""What came of a run: the one function that judges it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop as N_

from history import findings, held
from history.findings import Lack
from history.hosts import hosts
from history.metrics.abort import Broken
from history.metrics.summary import Summary
from history.metrics.timeline import Cell
from history.models import ScenarioHistory, TestHistory
from history.reasons import Reason, reason
from history.states import Outcome

# A stored count that differs from k6's by more than this share makes the result invalid (DESIGN.md, section 2).
TOLERANCE = 0.5  # percent
ALL = N_("All requests")
TARGET = "target"  # `TestHistory.stop_reason` of a run that was ended because it missed a target


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the judge needs beside the measured columns. `answered`: requests that got any HTTP answer. `stages`: what
    the seconds of each stage hold, by `StageHistory.pk`. `broken`: the target for which the run was ended."""

    stored_requests: int
    answered: int
    summary: Summary | None
    generators: int = 1
    summaries: int = 1
    lack: Lack = field(default_factory=Lack)
    stages: Mapping[int, Cell] = field(default_factory=dict)
    broken: Broken | None = None


def judge(run: TestHistory, scenarios: list[ScenarioHistory], evidence: Evidence) -> tuple[Outcome, list[Reason]]:
    """The outcome and its reasons, bad ones first. The measured columns of `run` and `scenarios` are filled."""
    if not run.total_requests:
        return Outcome.ERROR, [reason("no_requests")]
    if not evidence.answered:
        why = reason("target_unreachable", host=hosts(run.plan_snapshot))
        return Outcome.ERROR, [why, *_trust(evidence)[1]]
    missed, met = _targets(run, scenarios)
    first = [*_ended(run, scenarios, evidence.broken), *held.found(run.plan_snapshot, scenarios, evidence.stages)]
    notes = findings.found(run, scenarios, evidence.lack, missed)
    valid, trust = _trust(evidence)
    if not valid:
        return Outcome.INVALID, [*trust, *first, *missed, *notes, *met]
    if missed or not all(one["good"] for one in first):
        return Outcome.TARGETS_MISSED, [*first, *missed, *notes, *met, *trust]
    return Outcome.PASSED, [*first, *(met or [reason("no_targets", good=True)]), *notes, *trust]


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


def _targets(run: TestHistory, scenarios: list[ScenarioHistory]) -> tuple[list[Reason], list[Reason]]:
    found: list[Reason] = []
    if run.target_tps is not None and run.avg_tps is not None:
        found.append(_compared("tps", run.avg_tps >= run.target_tps, run.avg_tps, run.target_tps, ""))
    found += _kept(run, _all())
    for scenario in scenarios:
        targets = (scenario.response_time_target, scenario.error_rate_target, scenario.tps_target)
        if any(target is not None for target in targets) and not scenario.total_requests:
            found.append(reason("target_without_samples", request=scenario.request_name))
            continue
        found += _kept(scenario, scenario.request_name)
        pace, least = scenario.avg_tps, scenario.tps_target
        if least is not None and pace is not None:
            found.append(_compared("pace", pace >= least, pace, least, scenario.request_name))
    return [one for one in found if not one["good"]], [one for one in found if one["good"]]


def _kept(row: TestHistory | ScenarioHistory, request: Any) -> list[Reason]:
    """Response times and errors of the run or a scenario against what they may be."""
    found = []
    value, target = time_of(row), row.response_time_target
    if target is not None and value is not None:
        found.append(_compared(f"p{row.response_time_percentile}", value <= target, value, target, request))
    value, target = row.avg_error_rate, row.error_rate_target
    if target is not None and value is not None:
        found.append(_compared("errors", value <= target, value, target, request))
    return found


def time_of(row: TestHistory | ScenarioHistory) -> float | None:
    """The response time that the target is about: the percentile that was chosen, in milliseconds."""
    value: float | None = getattr(row, f"p{row.response_time_percentile}_response_time")
    return value


def _compared(kind: str, met: bool, value: float, target: float, request: Any) -> Reason:
    code = f"{kind}_{'met' if met else 'missed'}"
    return reason(code, good=met, value=round(value, 3), target=target, request=request)


def _trust(evidence: Evidence) -> tuple[bool, list[Reason]]:
    """Whether the counts of the two witnesses agree well enough, and the sentence about it."""
    if evidence.summary is None and 0 < evidence.summaries < evidence.generators:
        missing = evidence.generators - evidence.summaries
        count = evidence.stored_requests
        return True, [reason("summaries_missing", missing=missing, wanted=evidence.generators, count=count)]
    if evidence.summary is None:
        return True, [reason("no_summary", count=evidence.stored_requests)]
    k6, stored = evidence.summary.whole.requests, evidence.stored_requests
    if k6 == stored:
        return True, [reason("counts_agree", good=True, count=k6)]
    share = 100.0 * abs(k6 - stored) / max(k6, 1)
    return share <= TOLERANCE, [reason("counts_differ", k6=k6, stored=stored, share=round(share, 3))]
