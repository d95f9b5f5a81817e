"""A run once more: exactly as it was, or as a plan to change first."""

from dataclasses import replace
from typing import cast

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from history.models import TestHistory
from loadtests import editing, guard, launching, planning, run_audit
from loadtests.asking import parse, refusal
from loadtests.k6.plan import RunPlan
from loadtests.k6.plan_json import from_json
from loadtests.keeping import keep
from loadtests.models import Plan
from loadtests.payload import MARKS, LoadTestIn
from loadtests.runners import KUBERNETES
from loadtests.secrets import environment_of
from loadtests.shelving import refuse_archived
from metricvault.lib.errors import Conflict, Detail
from projects.models import DataFile, Endpoint


def run_again(run: TestHistory, user: User) -> TestHistory:
    """Queues what `run` sent, by value, with the secrets that its environment has now.

    Raises Conflict where something that it needs is gone, Refused where it is not allowed any more."""
    refuse_archived(run.plan)
    try:
        plan = replace(from_json(run.plan_snapshot), run="")
    except KeyError:
        raise Conflict(_("This result does not say what was sent. Start its plan instead.")) from None
    _check_what_it_needs(plan)
    plan, beyond = guard.examine(plan, run.project, thorough=True)
    problems = [*_generator_problems(plan), *beyond]
    if problems:
        with run_audit.refusals_noted(run.plan):
            raise refusal(problems, run.project if beyond else None)
    built = planning.BuiltPlan(run.project, plan, _endpoints(run), (), kept=run.asked)
    return launching.queue(built, user, run.plan, description=run.description, again=run)


def edit_again(run: TestHistory, user: User) -> tuple[Plan, bool]:
    """The plan of `run`; where that is gone or says otherwise now, a new one made of what ran, and True."""
    load_test = _asked(run)
    plan = editing.full_plans().filter(pk=run.plan_id or 0, archived_at=None).first()
    if plan is not None and (load_test is None or _says(plan) == load_test.model_dump(exclude=set(MARKS))):
        return plan, False
    if load_test is None:
        raise Conflict(_("This result does not say what was asked for, and its plan is gone. Build a new plan."))
    title = _("%(title)s, from run %(run)s") % {"title": load_test.title, "run": run.pk}
    made_of = _("made of run %(run)s") % {"run": run.pk}
    return keep(load_test.model_copy(update={"title": title[:200]}), run.project, user, made_of=made_of), True


def may_be_edited(run: TestHistory) -> bool:
    """Whether there is something to edit: a plan, or what it was made of."""
    return bool(run.plan_id or run.asked)


def _asked(run: TestHistory) -> LoadTestIn | None:
    """None for runs of a time when it was not kept."""
    return parse(run.asked)[0] if run.asked else None


def _says(plan: Plan) -> dict[str, object] | None:
    """What a saved plan asks for now; None where that cannot be read."""
    load_test = parse(editing.plan_payload(plan))[0]
    return load_test.model_dump(exclude=set(MARKS)) if load_test else None


def _check_what_it_needs(plan: RunPlan) -> None:
    environment_of(plan)
    keys = {table.key: table.name for table in plan.tables}
    gone = set(keys) - set(DataFile.objects.filter(pk__in=keys).values_list("pk", flat=True))
    if gone:
        names = ", ".join(sorted(keys[key] for key in gone))
        raise Conflict(_("These data files are gone: %(names)s. Edit the plan instead.") % {"names": names})


def _generator_problems(plan: RunPlan) -> list[Detail]:
    if settings.METRICVAULT_RUNNER == KUBERNETES or plan.generators == 1:
        return []
    message = _("This run had %(count)s load generators, and load comes from one machine here. Edit the plan instead.")
    return [Detail("generators", message % {"count": plan.generators})]


def _endpoints(run: TestHistory) -> tuple[tuple[Endpoint, ...], ...]:
    """Those of the steps; None for what was deleted meanwhile, which only the result's links miss."""
    found = []
    for scenario in run.scenarios.select_related("endpoint").prefetch_related("steps__endpoint"):
        steps = [step.endpoint for step in scenario.steps.all()] or [scenario.endpoint]
        found.append(cast("tuple[Endpoint, ...]", tuple(steps)))
    return tuple(found)
