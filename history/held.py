"""The last stage of a breakpoint test that kept every target, and what the next one missed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as N_

from history.metrics.abort import Limit, limits
from history.metrics.timeline import Cell
from history.models import ScenarioHistory
from history.pace import RATES, USERS
from history.reasons import Reason, reason

PROFILE = "breakpoint"
_REACHED = 95.0  # percent of the iterations asked for that have to begin
_RATE = N_("%(load)s iterations/s")
_USERS = N_("%(load)s users")


@dataclass(frozen=True, slots=True)
class _Stage:
    """A stage that was begun: what it led to, as it reads; why it does not count as held, None where it does."""

    level: dict[str, Any]
    missed: Reason | None
    whole: bool


def found(plan: Mapping[str, Any], scenarios: list[ScenarioHistory], measured: Mapping[int, Cell]) -> list[Reason]:
    """A reason for each scenario of a plan snapshot made by the profile; [] for other plans. `measured`: by
    `StageHistory.pk`, what its own seconds hold."""
    if plan.get("profile") != PROFILE:
        return []
    asked = {one["tag"]: one for one in plan.get("scenarios", [])}
    rows = [row for row in scenarios if row.executor in RATES | USERS and row.scenario_tag in asked]
    reasons = []
    for row in rows:
        stages = list(_stages(row, asked[row.scenario_tag], limits(plan), measured))
        if stages:
            reasons.append(_held(stages, row.request_name if len(rows) > 1 else ""))
    return reasons


def _held(stages: list[_Stage], request: str) -> Reason:
    best = max((at for at, stage in enumerate(stages) if stage.whole and not stage.missed), default=-1)
    worse = next((stage for stage in stages[best + 1 :] if stage.missed), None)
    about = f"{request}: " if request else ""
    if worse is None:
        return reason("held_all", good=True, request=about, level=stages[best].level)
    if best < 0:
        return reason("held_none", request=about, next=worse.level, why=worse.missed)
    return reason("held", request=about, level=stages[best].level, next=worse.level, why=worse.missed)


def _stages(
    row: ScenarioHistory, asked: Mapping[str, Any], of: list[Limit], measured: Mapping[int, Cell]
) -> Iterator[_Stage]:
    unit = float((asked.get("load") or {}).get("time_unit") or 1.0) if row.executor in RATES else 1.0
    before = 0.0
    own = [limit for limit in of if limit.scenario in {"", row.scenario_tag} and limit.kind != "tps"]
    for stage in row.stages.all():
        load, cell = stage.target / unit, measured.get(stage.pk, Cell())
        lasted = stage.test_duration or 0.0
        if lasted > 0 and load > 0:
            level = {"text": _RATE if row.executor in RATES else _USERS, "values": {"load": load}}
            wanted = _wanted(row, before, load, stage.duration, lasted) if row.executor in RATES else 0.0
            yield _Stage(level, _missed(own, cell, wanted), lasted > stage.duration - 1)
        before = load


def _wanted(row: ScenarioHistory, before: float, load: float, duration: float, lasted: float) -> float:
    """The iterations that a stage asks for while it lasts."""
    if row.executor == "constant-arrival-rate" or not duration:
        return load * min(lasted, duration)
    reached = before + (load - before) * min(1.0, lasted / duration)
    return (before + reached) / 2 * lasted


def _missed(of: list[Limit], cell: Cell, wanted: float) -> Reason | None:
    for limit in of:
        value = limit.value(cell, 1)
        if value is None or not limit.missed_by(value):
            continue
        if limit.kind == "errors":
            return reason("failing", value=round(value, 3), target=limit.target)
        return reason("slow", percentile=limit.kind, value=round(value, 3), target=limit.target)
    begun = 100.0 * (wanted - cell.dropped) / wanted if wanted else 100.0
    return reason("short", value=round(max(0.0, begun), 2)) if begun < _REACHED else None
