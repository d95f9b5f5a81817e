"""The scenarios, steps, stages and phases of a run as its pages show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from history import shape
from history.board_figures import Column, Figures, Shown, of_row, wide_cells, wide_columns
from history.models import PhaseHistory, ScenarioHistory, StepHistory, TestHistory


class ScenarioRow:
    """A scenario: its numbers, which targets they miss, its stages with their names, its steps.

    `figures`: instead of what is recorded, those of a chosen span; `steps`: the same by position of the step.
    """

    def __init__(
        self,
        scenario: ScenarioHistory,
        planned: Sequence[shape.Band],
        figures: Figures | None = None,
        steps: Mapping[int, Figures] | None = None,
    ) -> None:
        self.scenario, self.planned = scenario, planned
        self.figures = of_row(scenario) if figures is None else figures
        self.percentile = f"p{scenario.response_time_percentile}"
        self.missed = missed(scenario, self.figures, pace=figures is None)
        words = {"errors": _("errors"), "pace": _("throughput")}
        self.missed_words = ", ".join(words.get(kind, kind) for kind in self.missed)
        targets = (scenario.response_time_target, scenario.error_rate_target, scenario.tps_target)
        self.has_target = any(target is not None for target in targets)
        self.judged_live = targets[:2] != (None, None)  # throughput is judged at the end
        own = list(scenario.steps.all())
        found = [StepRow(step, None if steps is None else steps.get(step.position, Figures())) for step in own]
        self.journey = len(own) if len(own) > 1 else 0
        self.steps = found if self.journey or any(one.checks for one in found) else []
        self.failed_checks = sum(check["failed"] or 0 for one in found for check in one.checks)

    def over(self, figures: Figures) -> set[str]:
        """Which figures of a part of the scenario miss the scenario's targets."""
        kinds = missed(self.scenario, figures, pace=False)
        return {"error_rate" if kind == "errors" else kind for kind in kinds}


def missed(scenario: ScenarioHistory, figures: Figures, *, pace: bool = True) -> list[str]:
    """Which targets the scenario misses with these numbers: "p95" (the percentile of its target), "errors", "pace"."""
    name = f"p{scenario.response_time_percentile}"
    found = [name] if _over(figures.percentile(name), scenario.response_time_target) else []
    if _over(figures.error_rate, scenario.error_rate_target):
        found.append("errors")
    if pace and _over(scenario.tps_target, figures.tps):
        found.append("pace")
    return found


def _over(value: float | None, target: float | None) -> bool:
    return value is not None and target is not None and value > target


class StepRow:
    """A step; `checks` with their `share` of answers that failed, in percent. Checks are counted for the whole run."""

    def __init__(self, step: StepHistory, figures: Figures | None = None) -> None:
        self.step, self.number = step, step.position + 1
        self.figures = of_row(step) if figures is None else figures
        self.title = step.name if step.name != step.request_name else ""
        self.checks = [self._check(check) for check in step.checks]

    def _check(self, check: dict[str, Any]) -> dict[str, Any]:
        passed, failed = check.get("passed"), check.get("failed")
        total = (passed or 0) + (failed or 0)
        share = 100.0 * (failed or 0) / total if total else None
        return {**check, "passed": passed, "failed": failed, "total": total, "share": share}


@dataclass(frozen=True, slots=True)
class PartRow:
    """A stage or a phase in the wide table. `start`, `end`: seconds of the run, None where it is no single stretch."""

    name: str
    start: float | None
    end: float | None
    cells: list[Shown]
    duration: float | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class PartGroup:
    """The phases and stages of the run (`row` None) or of one scenario."""

    row: ScenarioRow | None
    parts: list[PartRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Parts:
    """The table of phases and stages."""

    columns: list[Column]
    groups: list[PartGroup]

    @property
    def whole(self) -> list[PartGroup]:
        """The run, where its phases are kept."""
        return [group for group in self.groups if group.row is None]

    @property
    def scenarios(self) -> list[PartGroup]:
        """Each scenario."""
        return [group for group in self.groups if group.row is not None]


def parts(run: TestHistory, rows: Sequence[ScenarioRow]) -> Parts:
    """Every metric of the run for each phase of the load, and for each phase and stage of each scenario."""
    phases: dict[int | None, list[PhaseHistory]] = {}
    for phase in run.phases.all():
        phases.setdefault(phase.scenario_id, []).append(phase)
    found: list[tuple[ScenarioRow | None, list[_Part]]] = [(None, [_of_phase(one) for one in phases.get(None, [])])]
    for row in rows:
        stages = [
            _Part(band.name, band.start, band.end, of_row(stage), getattr(stage, "kind", ""))
            for band, stage in zip(row.planned, row.scenario.stages.all(), strict=False)
        ]
        own = [_of_phase(one) for one in phases.get(row.scenario.pk, [])]
        found.append((row, [*stages, *(own if len(own) < len(stages) else [])]))
    columns = wide_columns(part.figures for _row, group in found for part in group)
    groups = [PartGroup(row, [part.shown(columns, row) for part in group]) for row, group in found if group]
    return Parts(columns, groups)


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    start: float | None
    end: float | None
    figures: Figures
    kind: str

    def shown(self, columns: list[Column], row: ScenarioRow | None) -> PartRow:
        over = row.over(self.figures) if row else set()
        return PartRow(
            self.name, self.start, self.end, wide_cells(self.figures, columns, over), self.figures.duration, self.kind
        )


def _of_phase(phase: PhaseHistory) -> _Part:
    return _Part(str(phase.get_kind_display()), None, None, of_row(phase), phase.kind)
