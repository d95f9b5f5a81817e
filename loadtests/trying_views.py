"""Try once, in the builder: start it, follow it, look at each step, take values out of its answers."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from history.reasons import explain
from loadtests import approving, editing, planning, taking, tried, trying
from loadtests.access import get_editable_plan, visible_plans
from loadtests.k6.pretty import pretty
from loadtests.models import Plan, Try
from metricvault.lib.errors import Missing, Refused
from projects.access import can_edit, require_user


@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Tries the plan as it stands; what is wrong with it is said instead."""
    user = require_user(request)
    plan = editing.full_plans().get(pk=get_editable_plan(user, pk).pk)
    try:
        row = trying.start(planning.from_plan(plan), user, plan)
    except Refused as refusal:
        ways_out = approving.ways_out(refusal.details, plan.project_id)
        context = {"plan": plan, "row": None, "details": refusal.details, "refused": refusal.message}
        return render(request, "loadtests/try.html", {**context, "ways_out": ways_out})
    return _drawer(request, row, may_edit=True)


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The try as it is now; while it lasts, its drawer asks again."""
    row, may_edit = _try(request, pk)
    return _drawer(request, row, may_edit=may_edit)


@require_safe
def step(request: HttpRequest, pk: int, at: int) -> HttpResponse:
    """Request and answer of one step, fetched when it is opened."""
    row, may_edit = _try(request, pk)
    if at >= len(row.result):
        raise Missing(_("This try has no such step."))
    return render(request, "loadtests/try_step.html", {"row": row, "may_edit": may_edit, **_shown(row, at)})


@require_POST
def take_value(request: HttpRequest, pk: int, at: int) -> HttpResponse:
    """`pick`: adds a value of the answer to what the step takes, for later steps."""
    row, _may_edit = _try(request, pk)
    plan = get_editable_plan(require_user(request), row.plan_id or 0)
    found = taking.step_of(row, at)
    extract, fresh = taking.take(found, request.POST.get("pick", ""))
    text = (
        _("Later steps may use {{%(name)s}}: it is taken from %(place)s.")
        if fresh
        else _("{{%(name)s}} is taken from %(place)s already.")
    )
    text = text % {"name": extract["name"], "place": extract["expression"]}
    if not request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        messages.success(request, text)
        return redirect("loadtests:plan", plan.pk)
    context = {"row": row, "plan": plan, "step": found, **_shown(row, at)}
    response = render(request, "loadtests/try_taken.html", context)
    return trigger_client_event(response, "toast", {"text": text, "level": "success"})


def _try(request: HttpRequest, pk: int) -> tuple[Try, bool]:
    """The try of a plan that this person may see, and whether they may change the plan."""
    user = require_user(request)
    visible = Try.objects.filter(plan__in=visible_plans(user)).defer("plan_snapshot")
    row = visible.filter(pk=pk).select_related("plan__project").first()
    if row is None or row.plan is None:
        raise Missing(_("There is no try %(id)s.") % {"id": pk})
    return trying.look(row, timezone.now()), can_edit(user, row.plan.project)


def _drawer(request: HttpRequest, row: Try, *, may_edit: bool) -> HttpResponse:
    opened = next((at for at, one in enumerate(row.result) if one["state"] == tried.FAILED), 0)
    active = row.state in trying.ACTIVE
    context = {
        "row": row,
        "plan": row.plan,
        "may_edit": may_edit,
        "active": active,
        "why": next(iter(explain([row.message])), None) if row.message else None,
        "steps": [_line(one, at, opened == at and not active) for at, one in enumerate(trying.steps(row))],
        "several": len({one["scenario"] for one in row.result}) > 1,
        "total": sum(one["response"]["duration"] for one in row.result if one["response"]),
        **({} if active or not row.result else _shown(row, opened)),
    }
    if context["why"] and context.get("problems"):  # its first problem is said above all already
        context["problems"] = context["problems"][1:]
    response = render(request, "loadtests/try.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _line(one: Mapping[str, Any], at: int, opened: bool) -> dict[str, Any]:
    """A step in the list; the first of each scenario names it."""
    return {**one, "index": at, "opened": opened, "reached": one["request"] is not None and bool(one["request"]["url"])}


def _shown(row: Try, at: int) -> dict[str, Any]:
    """What is shown of one step."""
    one = row.result[at]
    answer, sent = one["response"], one["request"]
    return {
        "at": at,
        "one": one,
        "problems": explain(one["problems"]),
        "sent": sent,
        "sent_body": pretty(sent["body"], cut=sent["cut"]) if sent else None,
        "answer": answer,
        "body": pretty(answer["body"], cut=answer["cut"]) if answer else None,
        "fresh": _fresh(row, one),
    }


def _fresh(row: Try, one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the step takes by now and did not take yet when it was tried."""
    if one["key"] is None or not isinstance(row.plan, Plan):
        return []
    try:
        found = taking.step_of(row, row.result.index(one))
    except Missing:
        return []
    known = {(extract["kind"], extract["expression"]) for extract in one["extracts"]}
    return [extract for extract in found.extracts if (extract.get("kind"), extract.get("expression")) not in known]
