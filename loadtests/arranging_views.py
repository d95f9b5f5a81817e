"""The builder's buttons on stages, steps and their rows. Each saves what stands in the form before it acts."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from loadtests import arranging, picking
from loadtests.builder_answers import changed_form, editable_scenario, keep, key_of, step_of
from loadtests.editing import ROWS
from loadtests.profiles import PROFILES, USUAL
from metricvault.lib.errors import Detail, Refused
from metricvault.lib.htmx import render_page

_DIRECTIONS = {"up": -1, "down": 1}
MOST_PEAK, MOST_MINUTES = 2_000_000, 60 * 24 * 30


@require_POST
def add_stage(request: HttpRequest, pk: int) -> HttpResponse:
    """One more stage."""
    scenario = editable_scenario(request, pk)
    keep(request, scenario)
    arranging.add_stage(scenario)
    return changed_form(request, scenario)


@require_POST
def delete_stage(request: HttpRequest, pk: int, stage_pk: int) -> HttpResponse:
    """One stage less."""
    scenario = editable_scenario(request, pk)
    keep(request, scenario)
    arranging.delete_stage(scenario, stage_pk)
    return changed_form(request, scenario)


@require_POST
def duplicate_stage(request: HttpRequest, pk: int, stage_pk: int) -> HttpResponse:
    """A copy behind it."""
    scenario = editable_scenario(request, pk)
    keep(request, scenario)
    arranging.duplicate_stage(scenario, stage_pk)
    return changed_form(request, scenario)


@require_POST
def move_stage(request: HttpRequest, pk: int, stage_pk: int, direction: str) -> HttpResponse:
    """One place up or down."""
    scenario = editable_scenario(request, pk)
    by = _by(direction)
    keep(request, scenario)
    arranging.move(scenario, list(scenario.stages.all()), stage_pk, by)
    return changed_form(request, scenario)


@require_POST
def order_stages(request: HttpRequest, pk: int) -> HttpResponse:
    """The order in which the rows stand, `order` by key."""
    scenario = editable_scenario(request, pk)
    keep(request, scenario)
    arranging.put_in_order(scenario, list(scenario.stages.all()), _keys(request, "order"))
    return changed_form(request, scenario)


@require_POST
def profile(request: HttpRequest, pk: int) -> HttpResponse:
    """The stages of a profile, for this scenario or (`?all`) for all."""
    scenario = editable_scenario(request, pk)
    name = next((one for one in PROFILES if one == request.POST.get("profile")), None)
    if name is None:
        raise Refused(_("Choose a profile."), [Detail("profile", _("Choose a profile."))])
    peak, minutes = USUAL[name]
    try:
        peak = int(request.POST.get("peak", "") or peak)
        minutes = float(request.POST.get("minutes", "") or minutes)
    except ValueError:
        peak = 0
    if not (1 <= peak <= MOST_PEAK and 0.1 <= minutes <= MOST_MINUTES):
        message = _("Write a peak from 1 up, and how many minutes it takes.")
        raise Refused(message, [Detail("peak", message)])
    keep(request, scenario)
    scenarios = list(scenario.plan.scenarios.all()) if "all" in request.GET else [scenario]
    for one in scenarios:
        one.plan = scenario.plan
    arranging.apply_profile(scenario.plan, scenarios, name, peak, minutes)
    return changed_form(request, scenario)


@require_http_methods(["GET", "HEAD", "POST"])
def add_step(request: HttpRequest, pk: int) -> HttpResponse:
    """More steps for a scenario, from the endpoints of its project, in the order of the document."""
    scenario = editable_scenario(request, pk)
    plan = scenario.plan
    asked = request.POST if request.method == "POST" else request.GET
    context = {**picking.context(plan.project, asked), "plan": plan, "scenario": scenario}
    if request.method == "POST" and context["chosen"]:
        made = arranging.append_steps(scenario, context["chosen"])
        step = f"&step={made[0].pk}" if made else ""
        return redirect(reverse("loadtests:plan", args=[plan.pk]) + f"?scenario={pk}{step}")
    context["problem"] = _("Choose at least one endpoint.") if request.method == "POST" else ""
    status = 422 if context["problem"] else 200
    return render_page(request, "loadtests/add_step.html", "loadtests/picker.html", context, status)


@require_POST
def delete_step(request: HttpRequest, pk: int, step_pk: int) -> HttpResponse:
    """One step less."""
    scenario = editable_scenario(request, pk)
    keep(request, scenario)
    arranging.delete_step(scenario, step_pk)
    return changed_form(request, scenario)


@require_POST
def duplicate_step(request: HttpRequest, pk: int, step_pk: int) -> HttpResponse:
    """A copy behind it, open."""
    scenario = editable_scenario(request, pk)
    keep(request, scenario)
    copy = arranging.duplicate_step(scenario, step_pk)
    return changed_form(request, scenario, copy.pk if copy else None)


@require_POST
def move_step(request: HttpRequest, pk: int, step_pk: int, direction: str) -> HttpResponse:
    """One place up or down."""
    scenario = editable_scenario(request, pk)
    by = _by(direction)
    keep(request, scenario)
    arranging.move(scenario, list(scenario.steps.all()), step_pk, by)
    return changed_form(request, scenario)


@require_POST
def order_steps(request: HttpRequest, pk: int) -> HttpResponse:
    """The order in which the steps stand, `step_order` by key."""
    scenario = editable_scenario(request, pk)
    keep(request, scenario)
    arranging.put_in_order(scenario, list(scenario.steps.all()), _keys(request, "step_order"))
    return changed_form(request, scenario)


@require_POST
def add_row(request: HttpRequest, pk: int, step_pk: int, kind: str) -> HttpResponse:
    """One more check, value to take or header."""
    scenario = editable_scenario(request, pk)
    kind = _kind(kind)
    keep(request, scenario)
    arranging.add_row(step_of(scenario, step_pk), kind)
    return changed_form(request, scenario, step_pk)


@require_POST
def delete_row(request: HttpRequest, pk: int, step_pk: int, kind: str, number: int) -> HttpResponse:
    """One row less."""
    scenario = editable_scenario(request, pk)
    kind = _kind(kind)
    keep(request, scenario)
    arranging.delete_row(step_of(scenario, step_pk), kind, number)
    return changed_form(request, scenario, step_pk)


def _by(direction: str) -> int:
    if direction not in _DIRECTIONS:
        raise Http404
    return _DIRECTIONS[direction]


def _kind(kind: str) -> str:
    if kind not in ROWS:
        raise Http404
    return kind


def _keys(request: HttpRequest, name: str) -> list[int]:
    return [key for key in map(key_of, request.POST.getlist(name)) if key is not None]
