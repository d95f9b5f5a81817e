"""Changes of plans, for the audit. The builder saves as one types; nobody wants an entry for each letter.

Before its first change the state of the plan is kept aside (`PlanEdit`), with who makes it. The difference to what the
plan is by then becomes one entry: when that person has rested for `REST`, after `LONGEST` at the latest, and at once
when the plan is started, tried, imported over or deleted, or when somebody else begins to change it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import transaction
from django.db.models import Prefetch, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from loadtests.k6.plan import LEVEL, StagePlan
from loadtests.models import Plan, PlanEdit, Scenario, Step
from loadtests.stage_text import write
from projects import audit
from projects.models import Endpoint

REST, LONGEST = timedelta(minutes=2), timedelta(minutes=10)
_PLAN = (
    "title", "description", "target_tps", "response_time_target", "response_time_percentile", "error_rate_target",
    "abort_after", "generators", "k6_dashboard", "profile",
)  # fmt: skip
_SCENARIO = (
    "name", "executor", "think_time", "response_time_target", "response_time_percentile", "error_rate_target",
    "tps_target",
)  # fmt: skip
_STEP = ("name", "values", "content_type", "headers", "statuses", "checks", "extracts", "once")
Given = ParamSpec("Given")
Answer = TypeVar("Answer")
Part = TypeVar("Part", Plan, Scenario, Step)


def changes_plan(change: Callable[Concatenate[Part, Given], Answer]) -> Callable[Concatenate[Part, Given], Answer]:
    """For functions that change a plan, or the scenario or step that is their first argument: all or nothing, and the
    audit knows how the plan was."""

    @wraps(change)
    def noted(part: Part, /, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        with transaction.atomic():
            begin(_plan_of(part))
            return change(part, *args, **kwargs)

    return noted


def _plan_of(part: Plan | Scenario | Step) -> Plan:
    if isinstance(part, Step):
        return part.scenario.plan
    return part.plan if isinstance(part, Scenario) else part


def begin(plan: Plan, now: datetime | None = None) -> None:
    """The plan is about to be changed by whoever acts."""
    who = audit.who_acts()
    if getattr(plan, "audit_begun", False):
        return
    plan.audit_begun = True  # type: ignore[attr-defined]  # one request changes it in several steps
    now = now or timezone.now()
    open_edit = PlanEdit.objects.filter(plan=plan.pk).first()
    if open_edit is not None and not _goes_on(open_edit, who, now):
        _record(plan, open_edit, now)
        open_edit = None
    if open_edit is None:
        values = {"before": state_of(plan), "who": asdict(who), "begun_at": now}
        PlanEdit.objects.get_or_create(plan=plan, defaults=values)


def _goes_on(edit: PlanEdit, who: audit.Who, now: datetime) -> bool:
    kept = edit.who
    same = (kept["actor_id"], kept["token_name"], kept["way"]) == (who.actor_id, who.token_name, who.way)
    return same and now - edit.begun_at < LONGEST


def close(plan: Plan) -> None:
    """Records what was changed so far, if anything was."""
    edit = PlanEdit.objects.filter(plan=plan.pk).first()
    if edit is not None:
        _record(plan, edit, timezone.now())


def close_old(now: datetime) -> int:
    """Records the changes of those who have rested, or went on for long; answers of how many plans."""
    over = Q(begun_at__lt=now - LONGEST) | Q(plan__updated_at__lt=now - REST)
    rows = list(PlanEdit.objects.filter(over).select_related("plan__project")[:100])
    for edit in rows:
        _record(edit.plan, edit, now)
    return len(rows)


def _record(plan: Plan, edit: PlanEdit, now: datetime) -> None:
    with transaction.atomic():
        if PlanEdit.objects.filter(pk=edit.pk).delete()[0]:  # not where another process was first
            with audit.acting(audit.Who(**edit.who)):
                since = _("in the builder, since %(time)s UTC") % {"time": f"{edit.begun_at:%H:%M:%S}"}
                audit.record_change(plan, edit.before, state_of(plan), detail=since)


def state_of(plan: Plan) -> dict[str, Any]:
    """A plan as the database has it, flat: a value for each field of the plan, its scenarios and steps."""
    row = Plan.objects.select_related("environment").get(pk=plan.pk)
    state: dict[str, Any] = {name: getattr(row, name) for name in _PLAN}
    state["environment"] = str(row.environment) if row.environment else None
    state |= {f"{kind}.{name}": value for kind, some in row.options.items() for name, value in some.items()}
    endpoints = Prefetch("steps__endpoint", Endpoint.everything.only("method", "path"))
    scenarios = list(row.scenarios.prefetch_related("stages", "steps", endpoints))
    state["scenarios"] = [one.pk for one in scenarios]
    for scenario in scenarios:
        state |= _scenario(scenario)
    return state


def _scenario(scenario: Scenario) -> dict[str, Any]:
    place = f"scenario {scenario.pk}"
    stages = [StagePlan(one.duration, one.target) for one in scenario.stages.all()]
    steps = list(scenario.steps.all())
    state: dict[str, Any] = {f"{place}: {name}": getattr(scenario, name) for name in _SCENARIO}
    state[f"{place}: stages"] = write(stages, level=scenario.executor in LEVEL)
    state |= {f"{place}: {name}": value for name, value in scenario.load.items()}
    state[f"{place}: steps"] = [one.pk for one in steps]
    for step in steps:
        state |= {f"{place}, step {step.pk}: {name}": getattr(step, name) for name in _STEP}
        state[f"{place}, step {step.pk}: request"] = str(step.endpoint or "")
        state[f"{place}, step {step.pk}: body"] = _body(step.body)
    return state


def _body(text: str) -> str:
    """Bodies may hold what is nobody's business: the audit says that one changed, not what is in it."""
    return f"{len(text):,} · {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}" if text else ""
