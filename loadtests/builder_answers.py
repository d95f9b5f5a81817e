"""What the builder answers to an edit: only what the edit changes on the page."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import push_url

from loadtests import arranging, builder_page, editing
from loadtests.access import get_editable_plan, visible_plans
from loadtests.goals import executor_of
from loadtests.models import Plan, Scenario, Step
from metricvault.lib.errors import Missing
from projects.access import require_user


def key_of(text: str) -> int | None:
    """A key from an address or a form; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def editable_scenario(request: HttpRequest, pk: int) -> Scenario:
    """The scenario if this person may change it."""
    user = require_user(request)
    found = Scenario.objects.filter(pk=pk, plan__in=visible_plans(user)).first()
    if found is None:
        raise Missing(_("This scenario is gone. Load the page again."))
    found.plan = get_editable_plan(user, found.plan_id)
    return found


def step_of(scenario: Scenario, pk: int) -> Step:
    """A step of the scenario."""
    step = scenario.steps.select_related("endpoint").filter(pk=pk).first()
    if step is None:
        raise Missing(_("This step is gone. Load the page again."))
    step.scenario = scenario
    return step


def keep(request: HttpRequest, scenario: Scenario) -> set[str]:
    """Saves what stands in the form, whatever else a button does. Says what changed besides single values: "executor",
    "text" (stages were typed as text), "rows" (as rows)."""
    typed = {name: text for name, text in request.POST.items() if isinstance(text, str)}
    text, was = typed.pop("stages_text", None), typed.pop("stages_was", None)
    by_text = text is not None and text.replace("\r\n", "\n") != (was or "").replace("\r\n", "\n")
    if by_text:
        typed = {name: value for name, value in typed.items() if not name.startswith("stage.")}
    before, line = scenario.executor, arranging.stages_as_text(scenario)
    wanted = executor_of(typed.get("goal", ""), typed.get("way", ""), typed.get("executor", before))
    typed.pop("executor", None)
    editing.save_scenario(scenario, typed)
    changed: set[str] = set()
    if wanted != before:
        arranging.set_executor(scenario, wanted)
        changed.add("executor")
    if by_text:
        arranging.set_stage_text(scenario, text or "")
        changed.add("text")
    elif line != arranging.stages_as_text(scenario):
        arranging.forget_text(scenario)
        changed.add("rows")
    return changed


def context(found: Plan, chosen: int | None, step: int | None = None, *, may_edit: bool) -> dict[str, Any]:
    """Everything on the page of a plan, read anew."""
    full = editing.full_plans().get(pk=found.pk)
    return {**builder_page.context(full, chosen, step), "may_edit": may_edit}


def saved(request: HttpRequest, scenario: Scenario, changed: set[str]) -> HttpResponse:
    """After typing in a scenario: notes at its fields, its row, curve and totals; the controls stay as they are."""
    opened = key_of(request.POST.get("open", ""))
    if not _by_htmx(request):
        return back(request, scenario.plan, scenario.pk, opened)
    shown = context(scenario.plan, scenario.pk, opened, may_edit=True)
    more = {
        "notes": builder_page.fields(shown),
        "changed_rows": [row for row in shown["rows"] if row.chosen],
        "send_rows": "text" in changed,
        "send_text": "rows" in changed,
        "oob": True,
    }
    return render(request, "loadtests/saved.html", {**shown, **more})


def saved_plan(request: HttpRequest, found: Plan) -> HttpResponse:
    """After typing in the plan's own form; `chosen` and `open` say which scenario and step are shown."""
    chosen, opened = key_of(request.POST.get("chosen", "")), key_of(request.POST.get("open", ""))
    if not _by_htmx(request):
        return back(request, found, chosen, opened)
    shown = context(found, chosen, opened, may_edit=True)
    notes = [*shown["plan_form"].fields(), *builder_page.fields(shown)]
    more = {"notes": notes, "changed_rows": shown["rows"], "of_plan": True, "oob": True}
    return render(request, "loadtests/saved.html", {**shown, **more})


def changed_form(request: HttpRequest, scenario: Scenario, step: int | None = None) -> HttpResponse:
    """After a button in the form of a scenario: that form anew, and all that `saved` answers."""
    opened = step if step is not None else key_of(request.POST.get("open", ""))
    if not _by_htmx(request):
        return back(request, scenario.plan, scenario.pk, opened)
    shown = context(scenario.plan, scenario.pk, opened, may_edit=True)
    row = next((row for row in shown["rows"] if row.chosen), None)
    response = render(request, "loadtests/changed.html", {**shown, "only_form": True, "chosen_row": row})
    response["HX-Retarget"], response["HX-Reswap"] = "#scenario", "outerHTML"
    return push_url(response, _address(scenario.plan, shown))


def changed_list(request: HttpRequest, found: Plan, chosen: int | None) -> HttpResponse:
    """After a change in the list of scenarios: list and form anew."""
    if not _by_htmx(request):
        return back(request, found, chosen)
    shown = context(found, chosen, may_edit=True)
    response = render(request, "loadtests/changed.html", shown)
    response["HX-Retarget"], response["HX-Reswap"] = "#scenarios", "outerHTML"
    return push_url(response, _address(found, shown))


def back(request: HttpRequest, found: Plan, chosen: int | None, step: int | None = None) -> HttpResponse:
    """For a browser without scripts."""
    messages.success(request, _("Saved."))
    query = f"?scenario={chosen}" if chosen else ""
    return redirect(reverse("loadtests:plan", args=[found.pk]) + query + (f"&step={step}" if chosen and step else ""))


def _address(found: Plan, shown: dict[str, Any]) -> str:
    key = shown["chosen"].pk if shown["chosen"] else ""
    step = f"&step={shown['step'].step.pk}" if len(shown.get("step_rows", ())) > 1 and shown["step"] else ""
    return f"{reverse('loadtests:plan', args=[found.pk])}?scenario={key}{step}"


def _by_htmx(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
