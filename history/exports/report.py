"""The report of a run: one HTML page that has everything in itself, to read, to send, to print."""

from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from history import run_page, shape
from history.board_answers import Answer, breakdown
from history.board_figures import of_row
from history.board_rows import missed
from history.drawing import LIGHT
from history.exports import charts
from history.exports.tables import headers
from history.hosts import hosts
from history.models import FailedRequest, PhaseHistory, ScenarioHistory, TestHistory
from history.templatetags import numbers
from history.verdict import time_of
from history.verdict_words import verdict
from metricvault import __version__

_MOST_FAILURES = 200  # of a run; the tables have all
_LONGEST_TEXT = 3000
_NO_STRETCH = "–"


def report(run: TestHistory) -> str:
    """The page in the reader's language."""
    scenarios = list(run.scenarios.prefetch_related("stages", "steps", "phases"))
    planned = {one["tag"]: one for one in run.plan_snapshot.get("scenarios", []) if "tag" in one}
    failures = list(run.failures.select_related("step__scenario")[:_MOST_FAILURES])
    return render_to_string(
        "history/exports/report.html",
        {
            "run": run,
            "verdict": verdict(run),
            "slow": time_of(run),
            "rows": [Endpoint(one, planned.get(one.scenario_tag, {})) for one in scenarios],
            "several": len(scenarios) > 1,
            "phases": list(run.phases.filter(scenario=None)),
            "charts": _charts(run),
            "totals": run_page.totals(of_row(run)),
            "answers": _answers(run, scenarios),
            "failures": [Failure.of(one) for one in failures],
            "more_failures": max(0, run.failures.count() - len(failures)),
            "facts": facts(run),
            "planned": shape.duration(run.plan_snapshot),
            "notes": list(run.notes.select_related("author")),
            "colours": mark_safe(LIGHT),  # noqa: S308  # nosec B308  # a constant of ours
            "made_at": timezone.now(),
            "version": __version__,
        },
    )


def _charts(run: TestHistory) -> list[tuple[str, SafeString]]:
    """(name, picture): the drawing escapes every word itself."""
    kept = charts.seconds(run)
    sizes = {"heatmap": {"height": 250}, "distribution": {"height": 180}}
    drawn = []
    for name in charts.names(kept):
        size: dict[str, Any] = {"width": 820, "height": 190, **sizes.get(name, {})}
        drawn.append((str(charts.TITLES[name]), mark_safe(charts.chart(run, name, kept, None, **size))))  # noqa: S308  # nosec B308  # drawing escapes every word
    return drawn


class Endpoint:
    """A scenario with its parts as the report shows them. `load`: what was asked of it, in words."""

    def __init__(self, scenario: ScenarioHistory, asked: dict[str, Any]) -> None:
        self.scenario = scenario
        self.name = scenario.request_name or scenario.name
        self.missed = missed(scenario, of_row(scenario))
        targets = (scenario.response_time_target, scenario.error_rate_target, scenario.tps_target)
        self.has_target = any(target is not None for target in targets)
        self.time_missed = any(kind.startswith("p") and kind != "pace" for kind in self.missed)
        self.phases: list[PhaseHistory] = list(scenario.phases.all())
        steps = list(scenario.steps.all())
        self.steps = steps if len(steps) > 1 or any(step.checks for step in steps) else []
        bands = shape.stages(asked) if asked else []
        stages = list(scenario.stages.all())
        named = [band.name for band in bands] if len(bands) == len(stages) else [str(stage) for stage in stages]
        times = [f"{numbers.clock(band.start)}–{numbers.clock(band.end)}" for band in bands]
        times = times if len(times) == len(stages) else [_NO_STRETCH] * len(stages)
        self.stages = list(zip(named, times, stages, strict=True))


def _answers(run: TestHistory, scenarios: list[ScenarioHistory]) -> list[tuple[str, list[Answer]]]:
    """What was answered how often, the whole run first where there are several scenarios."""
    found = [(_("All requests"), breakdown(run.answers))] if run.answers and len(scenarios) > 1 else []
    return [*found, *((one.request_name or one.name, breakdown(one.answers)) for one in scenarios if one.answers)]


@dataclass(frozen=True, slots=True)
class Failure:
    """A failing request as text."""

    row: FailedRequest
    request: str
    sent: str
    status: str
    got: str

    @classmethod
    def of(cls, row: FailedRequest) -> "Failure":
        """What was sent and what was answered; long texts are cut, and say so."""
        sent, got = row.request or {}, row.response or {}
        request = f"{sent.get('method', '')} {sent.get('url', '')}".strip()
        status = f"{got.get('status', '')} {got.get('status_text', '')}".strip()
        return cls(row, request, _message(sent), status, _message(got))


def _message(part: dict[str, Any]) -> str:
    body = str(part.get("body") or "")
    rest = len(body) - _LONGEST_TEXT
    if rest > 0:
        words = _("… and %(count)s characters more") % {"count": numbers.count(rest)}
        body = f"{body[:_LONGEST_TEXT]}\n{words}"
    return "\n\n".join(one for one in (headers(part.get("headers")), body) if one)


def facts(run: TestHistory) -> list[tuple[str, str]]:
    """Where, when and with what the run was made, in words."""
    generators = int(run.plan_snapshot.get("generators", 1))
    found = [
        (_("Run"), str(run.pk)),
        (_("Project"), run.project.title),
        (_("Plan"), run.plan.title if run.plan else ""),
        (_("Host"), hosts(run.plan_snapshot)),
        (_("Release"), run.release),
        (_("Labels"), ", ".join(label.text for label in run.labels.all())),
        (_("Started by"), str(run.started_by or "")),
        (_("Runner"), run.runner),
        (_("Load generators"), numbers.count(generators) if generators > 1 else ""),
        (_("k6 exit code"), "" if run.exit_code is None else str(run.exit_code)),
    ]
    return [(name, value) for name, value in found if value]
