"""The measured part of a run's page: of the whole run as recorded, or of a chosen span of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from django.http import QueryDict

from history import shape
from history.board_answers import breakdown, distribution, of_heatmap
from history.board_figures import Figures, of_part, of_row
from history.board_rows import ScenarioRow
from history.models import ScenarioHistory, TestHistory
from history.spans import Span
from history.spans import span as span_of


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whole seconds [start, end) of a run, as an address names them."""

    start: int
    end: int


def chosen(query: QueryDict) -> Chosen | None:
    """`?from=&to=`; None where the address names no span. Odd values name none rather than fail: the address is shared
    and kept as a bookmark."""
    try:
        start, end = floor(float(str(query["from"]))), ceil(float(str(query["to"])))
    except (KeyError, ValueError, OverflowError):
        return None
    return Chosen(max(0, start), end) if 0 <= max(0, start) < end < 10**7 else None


def measured(run: TestHistory, scenarios: list[ScenarioHistory], span: Chosen | None) -> dict[str, Any]:
    """What tiles and tables show. `span`: None for the whole run; `kept` is False where a span was asked for of a run
    that keeps no minutes, `live` where the numbers come by the stream."""
    planned = {one["tag"]: shape.stages(one) for one in run.plan_snapshot.get("scenarios", [])}
    found = span_of(run, span.start, span.end) if span else None
    if span and found is not None:
        return _of_span(found, scenarios, planned)
    figures = of_row(run)
    return {
        "span": None,
        "kept": span is None,
        "live": run.is_active,
        "figures": figures,
        "rows": [ScenarioRow(one, planned.get(one.scenario_tag, [])) for one in scenarios],
        "answers": breakdown(run.answers),
        "distribution": None if run.is_active else distribution(of_heatmap(run), figures),
    }


def _of_span(found: Span, scenarios: list[ScenarioHistory], planned: Mapping[str, list[shape.Band]]) -> dict[str, Any]:
    seconds = found.seconds
    figures = of_part(found.whole, seconds, (found.vus_min, found.vus_avg, found.vus_max))
    rows = []
    for one in scenarios:
        tag = one.scenario_tag
        part = found.scenarios.get(tag)
        own = of_part(part, seconds) if part else Figures()
        steps = {step.position: _of_step(found, tag, step.position, own, seconds) for step in one.steps.all()}
        rows.append(ScenarioRow(one, planned.get(tag, []), own, steps))
    return {
        "span": found,
        "kept": True,
        "live": False,
        "figures": figures,
        "rows": rows,
        "answers": breakdown(found.whole.answers),
        "distribution": distribution(((bar.low_ms, bar.high_ms, bar.count) for bar in found.distribution), figures),
    }


def _of_step(found: Span, tag: str, position: int, scenario: Figures, seconds: float) -> Figures:
    """Requests carry the number of their step only in scenarios that have several."""
    part = found.steps.get((tag, str(position + 1)))
    if part is not None:
        return of_part(part, seconds)
    several = any(one == tag and step for one, step in found.steps)
    return Figures() if several else scenario
