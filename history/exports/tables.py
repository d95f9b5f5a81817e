"""The tables of a run, row by row: its summary, its seconds, its errors, its first failing requests."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from history import verdict_words
from history.models import Iterated, Measured, PhaseHistory, ScenarioHistory, StageHistory, StepHistory, TestHistory
from history.tracks import COLUMNS
from history.verdict import exit_code_of

Row = list[Any]
MEASURED = [column.name for column in Measured._meta.fields]
ITERATED = [column.name for column in Iterated._meta.fields]
USERS = ["min_vus", "avg_vus", "max_vus"]
_TARGETS = ["response_time_target", "response_time_percentile", "error_rate_target", "tps_target"]
_RUN = ["run", "title", "tested_at", "release", "status", "outcome", "exit_code", "verdict"]
_PART = ["part", "scenario", "scenario_tag", "request", "position", "kind", "executor", "duration", "target"]


def head(column: str) -> str:
    """A column with its unit: `p95_response_time_ms`. TPS is requests per second, counts are whole numbers."""
    if column in ("duration", "test_duration"):
        return f"{column}_s"
    if column in ("data_sent", "data_received"):
        return f"{column}_bytes"
    if "response_time" in column and "percentile" not in column:
        return f"{column}_ms"
    return f"{column}_percent" if "error_rate" in column else column


def _second_head(column: str) -> str:
    if column == "t":
        return "second"
    if column in ("avg", "p50", "p90", "p95", "p99"):
        return f"{column}_ms"
    return {"error_rate": "error_rate_percent", "sent": "sent_bytes", "received": "received_bytes"}.get(column, column)


class Summary:
    """Every part of the run with everything that was measured of it. `part`: run, phase, scenario, step, stage."""

    name = "summary"
    head = [*_RUN, *(head(name) for name in (*_PART, *_TARGETS, *USERS, *ITERATED))]

    def __init__(self, run: TestHistory) -> None:
        self.run = run
        self.about = [run.pk, run.title, run.tested_at, run.release, run.status, run.outcome]
        self.about += [exit_code_of(run), verdict_words.sentence(run)]

    def rows(self) -> Iterator[Row]:
        """The run, its phases, then each scenario with its phases, steps and stages."""
        run = self.run
        targets = [run.response_time_target, run.response_time_percentile, run.error_rate_target, run.target_tps]
        yield self._row(run, part="run", targets=targets)
        for phase in run.phases.filter(scenario=None):
            yield self._row(phase, part="phase", kind=phase.kind)
        for scenario in run.scenarios.all():
            yield from self._scenario(scenario)

    def _scenario(self, one: ScenarioHistory) -> Iterator[Row]:
        about: dict[str, Any] = {"scenario": one.name, "scenario_tag": one.scenario_tag, "request": one.request_name}
        targets = [getattr(one, name) for name in _TARGETS]
        whole: dict[str, Any] = {**about, "position": one.position, "executor": one.executor}
        yield self._row(one, part="scenario", targets=targets, **whole)
        for phase in one.phases.all():
            yield self._row(phase, part="phase", kind=phase.kind, **about)
        for step in one.steps.all():
            own = {"request": step.request_name, "position": step.position}
            yield self._row(step, part="step", **{**about, **own})
        for stage in one.stages.all():
            its = {"position": stage.position, "kind": stage.kind, "duration": stage.duration, "target": stage.target}
            yield self._row(stage, part="stage", **{**about, **its})

    def _row(self, measured: "Part", targets: Row | None = None, **part: Any) -> Row:
        numbers = [getattr(measured, name, None) for name in (*USERS, *ITERATED)]
        return [*self.about, *(part.get(name) for name in _PART), *(targets or [None] * len(_TARGETS)), *numbers]


Part = TestHistory | ScenarioHistory | StageHistory | StepHistory | PhaseHistory


class Timeline:
    """Each second of the run and of each scenario; `scenario` is empty for the whole run."""

    name = "timeline"
    head = ["run", "scenario", "scenario_tag", "time", *(_second_head(name) for name in COLUMNS)]

    def __init__(self, run: TestHistory) -> None:
        self.run = run

    def rows(self) -> Iterator[Row]:
        """One timeline is in memory at a time."""
        for pk, name, tag in timelines(self.run):
            columns = self.run.timelines.values_list("columns", flat=True).get(pk=pk)
            seconds = columns.get("t") or []
            kept = [columns.get(column) for column in COLUMNS]
            for at, t in enumerate(seconds):
                moment = (self.run.tested_at + timedelta(seconds=t)).isoformat(timespec="seconds")
                yield [self.run.pk, name, tag, moment, *(row[at] if row else None for row in kept)]


def timelines(run: TestHistory) -> list[tuple[int, str, str]]:
    """(key, name, tag) of the timelines of a run: the whole run first ("" and ""), then its scenarios in order."""
    rows = run.timelines.order_by("scenario__position", "scenario_id")
    found = [
        (pk, name or "", tag or "")
        for pk, name, tag in rows.values_list("pk", "scenario__name", "scenario__scenario_tag")
    ]
    return sorted(found, key=lambda one: bool(one[2]))


class Errors:
    """How often each answer came, by scenario, and each check and extraction that was looked at. `kind`: answer (then
    `what` is the status, or k6's error code after "0:"), check, or extract."""

    name = "errors"
    head = ["run", "scenario", "scenario_tag", "request", "position", "kind", "what", "count", "passed", "failed"]

    def __init__(self, run: TestHistory) -> None:
        self.run = run

    def rows(self) -> Iterator[Row]:
        """The whole run first, as scenario ""."""
        yield from ([self.run.pk, "", "", "", None, "answer", *one, None, None] for one in answers(self.run.answers))
        for one in self.run.scenarios.prefetch_related("steps"):
            about = [self.run.pk, one.name, one.scenario_tag]
            for answer in answers(one.answers):
                yield [*about, one.request_name, None, "answer", *answer, None, None]
            for step in one.steps.all():
                for check in step.checks:
                    kind = "extract" if check.get("kind") == "extract" else "check"
                    found = [check.get("text"), None, check.get("passed"), check.get("failed")]
                    yield [*about, step.request_name, step.position, kind, *found]


def answers(counts: dict[str, int]) -> list[tuple[str, int]]:
    """The most frequent first."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


class Failures:
    """The first failing requests of each step, with what was sent and answered; secrets were masked in k6."""

    name = "failures"
    head = [
        *("run", "scenario", "scenario_tag", "position", "step", "second", "kind", "method", "url", "request_headers"),
        *("request_body", "status", "response_headers", "response_body", "error", "checks"),
    ]

    def __init__(self, run: TestHistory) -> None:
        self.run = run

    def rows(self) -> Iterator[Row]:
        """In the order of scenarios and steps."""
        rows = self.run.failures.select_related("step__scenario")
        for one in rows.order_by("step__scenario__position", "step__position", "t", "pk").iterator(chunk_size=50):
            sent, got = one.request or {}, one.response or {}
            scenario = one.step.scenario
            about = [scenario.name, scenario.scenario_tag, one.step.position, str(one.step), one.t, one.kind]
            request = [sent.get("method"), sent.get("url"), headers(sent.get("headers")), sent.get("body")]
            response = [got.get("status"), headers(got.get("headers")), got.get("body")]
            yield [self.run.pk, *about, *request, *response, one.error, "\n".join(map(str, one.checks))]


def headers(given: Any) -> str:
    """Headers as lines, whichever way they were kept: by name, or as pairs."""
    pairs = given.items() if isinstance(given, dict) else given or []
    return "\n".join(f"{name}: {value}" for name, value in pairs)


TABLES: dict[str, type[Summary | Timeline | Errors | Failures]] = {
    table.name: table for table in (Summary, Timeline, Errors, Failures)
}
