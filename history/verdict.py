"""What came of a run: the one function that judges it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from history.metrics.summary import Summary
from history.models import ScenarioHistory, TestHistory
from history.reasons import Reason, reason
from history.states import Outcome

# A stored count that differs from k6's by more than this share makes the result invalid (DESIGN.md, section 2).
TOLERANCE = 0.5  # percent


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the judge needs beside the measured columns. `answered`: requests that got any HTTP answer."""

    stored_requests: int
    answered: int
    summary: Summary | None
    generators: int = 1
    summaries: int = 1


def judge(run: TestHistory, scenarios: list[ScenarioHistory], evidence: Evidence) -> tuple[Outcome, list[Reason]]:
    """The outcome and its reasons, bad ones first. The measured columns of `run` and `scenarios` are filled."""
    if not run.total_requests:
        return Outcome.ERROR, [reason("no_requests")]
    if not evidence.answered:
        return Outcome.ERROR, [reason("target_unreachable", host=_host(run)), *_trust(evidence)[1]]
    missed, met = _targets(run, scenarios)
    valid, trust = _trust(evidence)
    if not valid:
        return Outcome.INVALID, [*trust, *missed, *met]
    if missed:
        return Outcome.TARGETS_MISSED, [*missed, *met, *trust]
    return Outcome.PASSED, [*(met or [reason("no_targets", good=True)]), *trust]


def _targets(run: TestHistory, scenarios: list[ScenarioHistory]) -> tuple[list[Reason], list[Reason]]:
    found: list[Reason] = []
    if run.target_tps is not None and run.avg_tps is not None:
        found.append(_compared("tps", run.avg_tps >= run.target_tps, run.avg_tps, run.target_tps, ""))
    for scenario in scenarios:
        has_target = scenario.response_time_target is not None or scenario.error_rate_target is not None
        if has_target and not scenario.total_requests:
            found.append(reason("target_without_samples", request=scenario.request_name))
            continue
        value, target = scenario.p95_response_time, scenario.response_time_target
        if target is not None and value is not None:
            found.append(_compared("p95", value <= target, value, target, scenario.request_name))
        value, target = scenario.avg_error_rate, scenario.error_rate_target
        if target is not None and value is not None:
            found.append(_compared("errors", value <= target, value, target, scenario.request_name))
    return [one for one in found if not one["good"]], [one for one in found if one["good"]]


def _compared(kind: str, met: bool, value: float, target: float, request: str) -> Reason:
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


def _host(run: TestHistory) -> str:
    urls = [scenario["request"]["url"] for scenario in run.plan_snapshot.get("scenarios", [])]
    return ", ".join(sorted({urlsplit(url).netloc for url in urls}))
