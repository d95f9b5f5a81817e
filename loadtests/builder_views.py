"""The builder: one plan, its scenarios, its script. Each edit saves and answers with what it changes on the page."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import push_url

from loadtests import builder_page, editing, planning
from loadtests.access import get_editable_plan, get_plan, visible_plans
from loadtests.k6.script import build_script
from loadtests.models import Plan, Scenario
from metricvault.lib.errors import Missing
from projects.access import can_edit, require_user

NO_STORE = "no-store"  # a page that comes back from the cache would show what was typed before


@require_safe
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """The builder, `?scenario=` chooses; HTMX gets scenarios and form alone."""
    user = require_user(request)
    found = get_plan(user, pk)
    chosen = _key(request.GET.get("scenario", ""))
    context = _context(found, chosen, may_edit=can_edit(user, found.project))
    partial = bool(request.htmx) and not request.htmx.boosted  # type: ignore[attr-defined]
    template = "loadtests/changed.html" if partial else "loadtests/builder.html"
    response = render(request, template, {**context, "oob": partial})
    response["Cache-Control"] = NO_STORE
    return response


@require_POST
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Title, description and target, as they are typed; `chosen` is the scenario whose form is open."""
    found = get_editable_plan(require_user(request), pk)
    editing.save_plan(found, request.POST.dict())
    return _saved(request, found, _key(request.POST.get("chosen", "")))


@require_safe
def script(request: HttpRequest, pk: int) -> HttpResponse:
    """The script before anything runs, or what keeps it from being written; `?download` gives the file."""
    user = require_user(request)
    found = get_plan(user, pk)
    context = _context(found, None, may_edit=can_edit(user, found.project))
    built = planning.review(context["plan"]).built
    context["script"] = build_script(built.plan) if built else ""
    if "download" in request.GET and built:
        name = f"{slugify(found.title) or 'plan'}-{found.pk}.js"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(context["script"], content_type="text/javascript; charset=utf-8", headers=headers)
    response = render(request, "loadtests/script.html", context)
    response["Cache-Control"] = NO_STORE
    return response


@require_POST
def save_scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """What is typed, saved; the form itself is left alone, so that nothing typed meanwhile is lost."""
    scenario = _scenario(request, pk)
    media_type = scenario.content_type
    _keep(request, scenario)
    if scenario.content_type != media_type:
        # Another kind of body needs another example, unless a person has written this one.
        if _is_example(scenario):
            editing.fill_from_document(scenario, scenario.content_type)
            scenario.save()
        return _changed(request, scenario.plan, scenario.pk)
    return _saved(request, scenario.plan, scenario.pk)


@require_POST
def reset_scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """Start over from the example: values and body are those of the document again."""
    scenario = _scenario(request, pk)
    _keep(request, scenario)
    editing.fill_from_document(scenario, scenario.content_type)
    scenario.save()
    return _changed(request, scenario.plan, pk)


@require_POST
def duplicate_scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """A copy at the end, chosen."""
    scenario = _scenario(request, pk)
    _keep(request, scenario)
    return _changed(request, scenario.plan, editing.duplicate_scenario(scenario).pk)


@require_POST
def delete_scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes it out of the plan; the next one is chosen."""
    scenario = _scenario(request, pk)
    after = list(scenario.plan.scenarios.filter(position__gt=scenario.position).values_list("pk", flat=True)[:1])
    editing.delete_scenario(scenario)
    return _changed(request, scenario.plan, after[0] if after else None)


@require_POST
def add_stage(request: HttpRequest, pk: int) -> HttpResponse:
    """One more stage."""
    scenario = _scenario(request, pk)
    _keep(request, scenario)
    editing.add_stage(scenario)
    return _changed(request, scenario.plan, pk)


@require_POST
def delete_stage(request: HttpRequest, pk: int, stage_pk: int) -> HttpResponse:
    """One stage less."""
    scenario = _scenario(request, pk)
    _keep(request, scenario)
    editing.delete_stage(scenario, stage_pk)
    return _changed(request, scenario.plan, pk)


def _key(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _scenario(request: HttpRequest, pk: int) -> Scenario:
    """The scenario if this person may change it."""
    user = require_user(request)
    found = Scenario.objects.filter(pk=pk, plan__in=visible_plans(user)).select_related("endpoint").first()
    if found is None:
        raise Missing(_("This scenario is gone. Load the page again."))
    found.plan = get_editable_plan(user, found.plan_id)
    return found


def _keep(request: HttpRequest, scenario: Scenario) -> None:
    """Whatever else a button does, what stands in the form is not lost."""
    editing.save_scenario(scenario, request.POST.dict())


def _is_example(scenario: Scenario) -> bool:
    content = (scenario.endpoint.request_body or {}).get("content", []) if scenario.endpoint else []
    return not scenario.body or scenario.body in (one["text"] for one in content)


def _context(found: Plan, chosen: int | None, *, may_edit: bool) -> dict[str, Any]:
    full = editing.full_plans().get(pk=found.pk)
    return {**builder_page.context(full, chosen), "may_edit": may_edit}


def _saved(request: HttpRequest, found: Plan, chosen: int | None) -> HttpResponse:
    """Notes at the fields, the curve, the totals, the list: all but the controls."""
    if not request.htmx:  # type: ignore[attr-defined]
        return _back(request, found, chosen)
    return render(request, "loadtests/saved.html", {**_context(found, chosen, may_edit=True), "oob": True})


def _changed(request: HttpRequest, found: Plan, chosen: int | None) -> HttpResponse:
    """Scenarios and form anew, and all that `_saved` answers."""
    if not request.htmx:  # type: ignore[attr-defined]
        return _back(request, found, chosen)
    context = _context(found, chosen, may_edit=True)
    response = render(request, "loadtests/changed.html", {**context, "oob": True})
    response["HX-Retarget"], response["HX-Reswap"] = "#scenarios", "outerHTML"
    key = context["chosen"].pk if context["chosen"] else ""
    return push_url(response, f"{reverse('loadtests:plan', args=[found.pk])}?scenario={key}")


def _back(request: HttpRequest, found: Plan, chosen: int | None) -> HttpResponse:
    """For a browser without scripts."""
    messages.success(request, _("Saved."))
    choice = f"?scenario={chosen}" if chosen else ""
    return redirect(reverse("loadtests:plan", args=[found.pk]) + choice)
