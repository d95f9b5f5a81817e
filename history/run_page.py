"""What the page of one run shows."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from history import board_charts, shape
from history.baselines import baseline_of
from history.board_baseline import against
from history.board_figures import Figures
from history.board_generators import generators
from history.board_failures import failing
from history.board_rows import ScenarioRow, parts
from history.board_span import Chosen, measured
from history.error_kinds import vocabulary
from history.hosts import hosts
from history.models import TestHistory
from history.reasons import Explained
from history.states import Outcome, Status
from history.templatetags import numbers

MET = frozenset({"p50_met", "p90_met", "p95_met", "p99_met", "errors_met", "tps_met", "pace_met"})
# What a reader has to know of the load, and is no target that was missed.
NOTES = frozenset({"dropped", "not_done", "no_rows", "closed_model", "slowed", "no_summary", "summaries_missing"})
RULER = (1000.0, 40.0)  # the coordinates of the ruler's drawing
LOG_LINES = 200


def context(run: TestHistory, span: Chosen | None = None) -> dict[str, Any]:
    """Everything both pages of a run need, live and result; a constant number of queries."""
    scenarios = list(run.scenarios.select_related("endpoint").prefetch_related("stages", "steps"))
    rate = shape.in_rates(run.plan_snapshot)
    curve = shape.asked_rate(run.plan_snapshot) if rate else shape.asked(run.plan_snapshot)
    planned = shape.duration(run.plan_snapshot)
    found = part(run, span, scenarios)
    return {
        **found,
        "planned": planned,
        "ruler": shape.points(curve, *RULER),
        "ticks": [planned * quarter / 4 for quarter in range(5)],
        "chart_plan": board_charts.chart_plan(run, scenarios, curve, planned),
        "charts": board_charts.charts(run, scenarios),
        "parts": None if run.is_active else parts(run, found["rows"]),
        "host": hosts(run.plan_snapshot),
        "verdict": verdict(run),
        "log_tail": tail(run.log, LOG_LINES),
        "baseline": against(run, baseline_of(run)) if run.is_finished else None,
        **failing(run),
        **generators(run),
    }


def part(run: TestHistory, span: Chosen | None, scenarios: list[Any] | None = None) -> dict[str, Any]:
    """What changes with the span that is looked at: tiles, tables, breakdown, distribution."""
    if scenarios is None:
        scenarios = list(run.scenarios.select_related("endpoint").prefetch_related("stages", "steps"))
    found = measured(run, scenarios, span)
    return {
        **found,
        "run": run,
        "asked_for": span,
        "planned": shape.duration(run.plan_snapshot),
        "peak": board_charts.most_users(run),
        "iterated": board_charts.iterated(run),
        "ranked": found["rows"] if found["live"] else _slowest_first(found["rows"]),
        "shows_p90": any(row.percentile == "p90" for row in found["rows"]),
        "stepped": [row for row in found["rows"] if row.steps],
        "slow": found["figures"].percentile(f"p{run.response_time_percentile}"),
        "totals": totals(found["figures"]),
        "vocabulary": vocabulary() if found["live"] else None,
    }


def _slowest_first(rows: list[ScenarioRow]) -> list[ScenarioRow]:
    return sorted(rows, key=lambda row: -1.0 if row.figures.p95 is None else row.figures.p95, reverse=True)


def verdict(run: TestHistory) -> dict[str, Any]:
    """The banner: `kind` (its shape and colour), `title` in words with what to do (`advice`), and the few `reasons`
    that prove it. Targets that are met are counted, not listed: the table of endpoints has them all."""
    met = sum(one["code"] in MET for one in run.explained)
    first, _gap, advice = run.message.partition(". ")
    first = first.rstrip(".")
    if run.status == Status.STOPPED:
        kind, title = "stopped", first or _("Stopped before the end")
    elif run.status in (Status.FAILED, Status.TIMED_OUT) or run.outcome == Outcome.ERROR:
        kind, title = "error", first or _("The run ended with an error")
    elif run.outcome == Outcome.TARGETS_MISSED:
        kind, title = "missed", _("Targets missed: %(reason)s") % {"reason": first}
    elif run.outcome == Outcome.INVALID:
        kind, title = "invalid", _("Invalid: %(reason)s") % {"reason": first}
    elif not met:
        kind, title = "passed", _("Passed: the run was measured, no target was set")
    else:
        words = ngettext("Passed: the target is met", "Passed: all %(count)s targets are met", met)
        kind, title = "passed", words % {"count": numbers.count(met)}
    said = run.message if kind != "passed" else ""
    detail = next((one["detail"] for one in run.explained if one["message"] == said), "") if said else ""
    rest = [one for one in run.explained if one["message"] != said and one["code"] not in {*MET, "no_targets"}]
    if met and kind != "passed":
        words = ngettext("%(count)s target is met.", "%(count)s targets are met.", met)
        rest.append(Explained(code="met", good=True, message=words % {"count": numbers.count(met)}, detail=""))
    told = [{**one, "mark": _mark(one)} for one in rest]
    return {"kind": kind, "title": title, "advice": advice if said else "", "detail": detail, "reasons": told}


def _mark(one: Explained) -> str:
    return "passed" if one["good"] else "invalid" if one["code"] in NOTES else "missed"


def totals(found: Figures) -> list[tuple[str, list[str]]]:
    """Every measured rate: (measure, [average, lowest, highest, p50, p90, p95, p99]); "" where none is."""
    nothing = ["", "", "", ""]
    tps = [numbers.tps(value) for value in (found.tps, found.min_tps, found.max_tps)]
    slow = (found.avg, found.min, found.max, found.p50, found.p90, found.p95, found.p99)
    errors = [numbers.percent(value) for value in (found.error_rate, found.min_error_rate, found.max_error_rate)]
    users = [numbers.rate(value) for value in (found.vus, found.min_vus, found.max_vus)]
    return [
        (_("Throughput"), [*tps, *nothing]),
        (_("Response time"), [numbers.ms(value) for value in slow]),
        (_("Error rate"), [*errors, *nothing]),
        (_("Virtual users"), [*users, *nothing]),
    ]


def tail(text: str, lines: int) -> list[tuple[str, str]]:
    """The last lines of k6's log as (kind, line); kind is "bad" for errors, "warn" for warnings, else ""."""
    found = []
    for line in text.splitlines()[-lines:]:
        bad = "level=error" in line or "level=fatal" in line or line.startswith(("ERRO", "FATA"))
        warn = "level=warning" in line or line.startswith("WARN")
        found.append(("bad" if bad else "warn" if warn else "", line))
    return found
