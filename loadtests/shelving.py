"""Saved plans as things one keeps: copies of them, and an archive out of the way."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from loadtests import plan_audit
from loadtests.editing import copy_scenario
from loadtests.models import Plan
from metricvault.lib.errors import Conflict
from projects import audit

_NOT_COPIED = {"id", "created_at", "updated_at", "archived_at", "drafts", "created_by"}


@transaction.atomic
def duplicate(plan: Plan, user: User) -> Plan:
    """A copy of the plan with its scenarios, steps and stages; what was typed and not understood stays behind."""
    columns = {one.attname: getattr(plan, one.attname) for one in Plan._meta.concrete_fields
               if one.name not in _NOT_COPIED}  # fmt: skip
    title = _("Copy of %(title)s") % {"title": plan.title}
    copy = Plan.objects.create(**{**columns, "title": title[:200], "created_by": user})
    for position, scenario in enumerate(plan.scenarios.prefetch_related("stages", "steps")):
        copy_scenario(scenario, copy, position)
    audit.record(audit.Action.CREATED, copy, detail=_("a copy of plan %(id)s") % {"id": plan.pk})
    return copy


def archive(plan: Plan, now: datetime) -> None:
    """Out of the list, and not to be started; its results stay where they are."""
    if Plan.objects.filter(pk=plan.pk, archived_at=None).update(archived_at=now):
        audit.record_change(plan, {"archived": False}, {"archived": True})


def take_back(plan: Plan) -> None:
    """Back into the list."""
    if Plan.objects.filter(pk=plan.pk).exclude(archived_at=None).update(archived_at=None):
        audit.record_change(plan, {"archived": True}, {"archived": False})


@transaction.atomic
def delete(plan: Plan) -> None:
    """Deletes it; its results stay."""
    plan_audit.close(plan)
    audit.record(audit.Action.DELETED, plan, before={"scenarios": [one.name for one in plan.scenarios.all()]})
    plan.delete()


def refuse_archived(plan: Plan | None) -> None:
    """Raises Conflict where the plan is in the archive."""
    if plan is not None and plan.archived_at is not None:
        message = _("The plan “%(title)s” is in the archive. Bring it back before you run it.")
        raise Conflict(message % {"title": plan.title})
