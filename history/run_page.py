"""What the page of one run shows."""

from typing import Any

from django.utils.translation import gettext as _

from history import board_charts, shape
from history.baselines import baseline_of
from history.board_baseline import against
from history.board_failures import failing
from history.board_figures import Figures
from history.board_generators import generators
from history.board_rows import ScenarioRow, parts
from history.board_span import Chosen, measured
from history.error_kinds import vocabulary
from history.hosts import hosts
from history.models import TestHistory
from history.templatetags import numbers
from history.verdict_words import verdict

RULER = (1000.0, 40.0)  # the coordinates of the ruler's drawing
LOG_LINES = 200
SHOWN_AT_ONCE = 3  # scenarios whose stages are on the page from the beginning


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
        "parts": None if run.is_active else parts(run, found["rows"] if len(found["rows"]) <= SHOWN_AT_ONCE else []),
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
        "asked_in": "tps" if shape.in_rates(run.plan_snapshot) else "vus",
        "peak": board_charts.most_users(run),
        "iterated": board_charts.iterated(run),
        "ranked": found["rows"] if found["live"] else _slowest_first(found["rows"]),
        "shows_p90": any(row.percentile == "p90" for row in found["rows"]),
        "stepped": [row for row in found["rows"] if row.steps],
        "slow": found["figures"].percentile(f"p{run.response_time_percentile}"),
        "totals": totals(found["figures"]),
        "vocabulary": vocabulary() if found["live"] else None,
    }


def stages(run: TestHistory) -> dict[str, Any]:
    """The stages of all scenarios, where there are too many of them for the page itself."""
    rows = part(run, None)["rows"]
    return {"run": run, "rows": rows, "parts": parts(run, rows)}


def _slowest_first(rows: list[ScenarioRow]) -> list[ScenarioRow]:
    return sorted(rows, key=lambda row: -1.0 if row.figures.p95 is None else row.figures.p95, reverse=True)


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
