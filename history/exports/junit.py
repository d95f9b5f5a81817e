"""The verdict as JUnit XML, for programs that show tests: one suite a run, one case for each target.

Format: what Jenkins (its junit-10.xsd) and GitLab read. A missed target is a failure with the sentence of the verdict;
a run that proves nothing (invalid, ended before its time, failed) is an error of the case "measurement", and so the
suite is never green; what was not measured is skipped. Numbers stand in `properties` (the run) and `system-out` (an
endpoint), as `name: value` lines.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree  # nosec B405  # it writes, and reads nothing

from django.utils.translation import gettext as _

from history.drawing.markup import allowed
from history.exports.tables import ITERATED, MEASURED, USERS
from history.models import ScenarioHistory, TestHistory
from history.reasons import Reason, explain, reason
from history.states import Outcome, Status
from history.verdict import exit_code_of, time_of
from history.verdict_words import sentence


@dataclass(frozen=True, slots=True)
class Case:
    """`kind`: "" (passed), "failure", "error" or "skipped", with its sentence."""

    group: str
    name: str
    kind: str = ""
    words: str = ""
    type: str = ""
    numbers: tuple[tuple[str, Any], ...] = ()


def junit(run: TestHistory) -> bytes:
    """The document, in UTF-8."""
    cases = list(_cases(run))
    if run.outcome == Outcome.TARGETS_MISSED and not any(one.kind for one in cases):
        # A target that is no single number: a stage that was not held, a threshold of k6.
        cases.append(Case(run.title, _("verdict"), "failure", sentence(run), run.outcome))
    counts = {kind: str(sum(one.kind == kind for one in cases)) for kind in ("failure", "error", "skipped")}
    totals = {"tests": str(len(cases)), "failures": counts["failure"], "errors": counts["error"]}
    lasted = {"time": _plain(run.test_duration or 0.0)}
    root = ElementTree.Element("testsuites", {"name": allowed(run.title), **totals, **lasted})
    about = {"name": allowed(run.title), **totals, "skipped": counts["skipped"], **lasted}
    moment = run.tested_at.strftime("%Y-%m-%dT%H:%M:%S")
    suite = ElementTree.SubElement(root, "testsuite", {**about, "timestamp": moment, "hostname": "metricvault"})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(run):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _plain(value)})
    for one in cases:
        _add(suite, one)
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="utf-8") + b"\n"


def _add(suite: ElementTree.Element, one: Case) -> None:
    about = {"classname": allowed(one.group), "name": allowed(one.name), "time": "0"}
    case = ElementTree.SubElement(suite, "testcase", about)
    if one.kind:
        said = {"message": allowed(one.words)}
        if one.type and one.kind != "skipped":
            said["type"] = one.type
        found = ElementTree.SubElement(case, one.kind, said)
        if one.kind != "skipped":
            found.text = allowed(one.words)
    if one.numbers:
        out = ElementTree.SubElement(case, "system-out")
        out.text = "\n".join(f"{name}: {_plain(value)}" for name, value in one.numbers)


def _plain(value: Any) -> str:
    """A number as it is stored."""
    return allowed("" if value is None else repr(value) if isinstance(value, float) else str(value))


def _properties(run: TestHistory) -> Iterator[tuple[str, Any]]:
    about = {"run": run.pk, "project": run.project.title, "status": run.status, "outcome": run.outcome}
    about["exit_code"] = exit_code_of(run)
    yield from about.items()
    if run.release:
        yield "release", run.release
    yield from _numbers(run, [*USERS, *ITERATED])
    for phase in run.phases.filter(scenario=None):
        yield from _numbers(phase, [*USERS, *ITERATED], f"{phase.kind} ")


def _numbers(row: Any, names: list[str], before: str = "") -> Iterator[tuple[str, Any]]:
    for name in names:
        if (value := getattr(row, name)) is not None:
            yield f"{before}{name}", value


def _cases(run: TestHistory) -> Iterator[Case]:
    yield _measurement(run)
    everything = _("All requests")
    rows = list(run.scenarios.prefetch_related("steps", "stages", "phases"))
    times = Counter(one.request_name for one in rows)
    goals = [("errors", run.avg_error_rate, run.error_rate_target, False), ("tps", run.avg_tps, run.target_tps, True)]
    yield from _judged(run, run, everything, goals)
    for one in rows:
        goals = [
            ("errors", one.avg_error_rate, one.error_rate_target, False),
            ("pace", one.avg_tps, one.tps_target, True),
        ]
        for case in _judged(run, one, one.request_name or one.name, goals):
            # Build servers tell cases apart by their names alone.
            yield replace(case, group=f"{case.group} · {one.name}") if times[one.request_name] > 1 else case


def _measurement(run: TestHistory) -> Case:
    """Whether the run came to its end and its numbers can be trusted."""
    case: dict[str, Any] = {"group": run.title, "name": _("measurement")}
    if run.status == Status.COMPLETED and run.outcome in (Outcome.PASSED, Outcome.TARGETS_MISSED):
        return Case(**case)
    kind = run.outcome or run.status
    words = sentence(run)
    return Case(**case, kind="error", words=words, type=kind)


Goal = tuple[str, float | None, float | None, bool]


def _judged(run: TestHistory, row: TestHistory | ScenarioHistory, request: str, goals: list[Goal]) -> Iterator[Case]:
    """A case for each target of a row; of a scenario without one, a case all the same."""
    of_run = isinstance(row, TestHistory)
    time: Goal = (f"p{row.response_time_percentile}", time_of(row), row.response_time_target, False)
    cases = [_target(run, request, goal, of_run) for goal in (time, *goals) if goal[2] is not None]
    if isinstance(row, ScenarioHistory):
        if not cases:
            kind, words = ("", "") if row.total_requests else ("skipped", _("No request was measured."))
            cases = [Case(request, _("measured, without a target"), kind, words)]
        cases[0] = replace(cases[0], numbers=tuple(_endpoint(row)))
    yield from cases


def _endpoint(row: ScenarioHistory) -> Iterator[tuple[str, Any]]:
    """Everything that was measured of a scenario and its parts."""
    yield from (("scenario", row.name), ("request", row.request_name), *_numbers(row, ITERATED))
    for phase in row.phases.all():
        yield from _numbers(phase, ITERATED, f"{phase.kind} ")
    for stage in row.stages.all():
        yield from _numbers(stage, ITERATED, f"stage {stage.position + 1} ")
    for step in row.steps.all():
        yield from _numbers(step, MEASURED, f"step {step.position + 1} ")


def _target(run: TestHistory, request: str, goal: Goal, of_run: bool) -> Case:
    kind, value, target, least = goal
    assert target is not None
    about = {"p": _("response time"), "e": _("errors"), "t": _("throughput")}
    name = about["t"] if kind in ("pace", "tps") else about["e"] if kind == "errors" else f"{kind} {about['p']}"
    if value is None:
        return Case(request, name, "skipped", _("No request was measured."))
    missed = value < target if least else value > target
    if not missed:
        return Case(request, name)
    code = f"{kind}_missed"
    return Case(request, name, "failure", _sentence(run, code, request, of_run, value, target), code)


def _sentence(run: TestHistory, code: str, request: str, of_run: bool, value: float, target: float) -> str:
    """As the verdict says it; where that kept none (a run that was stopped), the same sentence made now."""
    for stored in run.reasons:
        params = stored.get("params", {})
        about = params.get("request", "")
        same = not isinstance(about, str) or not about if of_run else about == request
        if stored.get("code") == code and same and params.get("value") == round(value, 3):
            return _said(stored)
    return _said(reason(code, value=value, target=target, request=request))


def _said(one: Reason | dict[str, Any]) -> str:
    return next((found["message"] for found in explain([one])), "")
