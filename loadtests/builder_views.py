"""The builder: one plan, its scenarios, its script. Each edit saves and answers with what it changes on the page.

The buttons of stages, steps and their rows are in `arranging_views`.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from loadtests import editing, planning
from loadtests.access import get_editable_plan, get_plan
from loadtests.builder_answers import (
    changed_form,
    changed_list,
    context,
    editable_scenario,
    keep,
    key_of,
    saved,
    saved_plan,
    step_of,
)
from loadtests.highlighting import highlighted
from loadtests.k6.package import build_package
from loadtests.k6.script import build_script
from loadtests.load_spec import data_of
from loadtests.models import Scenario, Step
from projects import audit
from projects.access import can_edit, require_user

NO_STORE = "no-store"  # a page that comes back from the cache would show what was typed before


@require_safe
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """The builder, `?scenario=&step=` choose; HTMX gets scenarios and form alone."""
    user = require_user(request)
    found = get_plan(user, pk)
    chosen, step = key_of(request.GET.get("scenario", "")), key_of(request.GET.get("step", ""))
    shown = context(found, chosen, step, may_edit=can_edit(user, found.project))
    partial = bool(request.htmx) and not request.htmx.boosted  # type: ignore[attr-defined]
    response = render(request, "loadtests/changed.html" if partial else "loadtests/builder.html", shown)
    response["Cache-Control"] = NO_STORE
    return response


@require_POST
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """What concerns the plan as a whole, as it is typed. Another environment brings other variables: all anew."""
    found = get_editable_plan(require_user(request), pk)
    before = found.environment_id
    editing.save_plan(found, request.POST.dict())
    if found.environment_id != before:
        return changed_list(request, found, key_of(request.POST.get("chosen", "")))
    return saved_plan(request, found)


@require_safe
def script(request: HttpRequest, pk: int) -> HttpResponse:
    """The script before anything runs, or what keeps it from being written; `?download` gives the file, `?zip` a folder
    with its data that runs with plain `k6 run`."""
    user = require_user(request)
    found = get_plan(user, pk)
    shown = context(found, None, may_edit=can_edit(user, found.project))
    built = planning.review(shown["plan"]).built
    shown["script"] = build_script(built.plan) if built else ""
    name = f"{slugify(found.title) or 'plan'}-{found.pk}"
    if built and {"download", "zip"} & request.GET.keys():
        audit.record(audit.Action.EXPORTED, found, detail="k6" if "download" in request.GET else "k6, ZIP")
    if "download" in request.GET and built:
        return _file(shown["script"].encode(errors="replace"), f"{name}.js", "text/javascript; charset=utf-8")
    if "zip" in request.GET and built:
        return _file(build_package(built.plan, data_of(built.plan)), f"{name}.zip", "application/zip")
    shown["highlighted"] = highlighted(shown["script"])
    response = render(request, "loadtests/script.html", shown)
    response["Cache-Control"] = NO_STORE
    return response


def _file(content: bytes, name: str, kind: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@require_POST
def save_scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """What is typed, saved; the form itself is left alone, so that nothing typed meanwhile is lost, unless a choice
    asks for other fields."""
    scenario = editable_scenario(request, pk)
    opened = key_of(request.POST.get("open", ""))
    before = _choices(scenario, opened)
    changed = keep(request, scenario)
    after = _choices(scenario, opened)
    if before[:1] != after[:1]:
        # Another kind of body needs another example, unless a person has written this one.
        step = step_of(scenario, opened or 0)
        if _is_example(step):
            _fill(step)
    if before != after or ("executor" in changed and "text" not in changed):
        return changed_form(request, scenario)
    return saved(request, scenario, changed)


def _choices(scenario: Scenario, opened: int | None) -> list[object]:
    """What decides which fields the open step has: its content type, the kinds of its checks and extractions."""
    step = scenario.steps.filter(pk=opened or 0).only("content_type", "checks", "extracts").first()
    if step is None:
        return []
    return [step.content_type, *([row.get("kind") for row in rows] for rows in (step.checks, step.extracts))]


def _is_example(step: Step) -> bool:
    content = (step.endpoint.request_body or {}).get("content", []) if step.endpoint else []
    return not step.body or step.body in (one["text"] for one in content)


def _fill(step: Step) -> None:
    editing.fill_from_document(step, step.content_type)
    step.save()


@require_POST
def reset_step(request: HttpRequest, pk: int, step_pk: int) -> HttpResponse:
    """Start over from the example: values and body are those of the document again."""
    scenario = editable_scenario(request, pk)
    keep(request, scenario)
    _fill(step_of(scenario, step_pk))
    return changed_form(request, scenario, step_pk)


@require_POST
def duplicate_scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """A copy at the end, chosen."""
    scenario = editable_scenario(request, pk)
    keep(request, scenario)
    return changed_list(request, scenario.plan, editing.duplicate_scenario(scenario).pk)


@require_POST
def delete_scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes it out of the plan; the next one is chosen."""
    scenario = editable_scenario(request, pk)
    after = list(scenario.plan.scenarios.filter(position__gt=scenario.position).values_list("pk", flat=True)[:1])
    editing.delete_scenario(scenario)
    return changed_list(request, scenario.plan, after[0] if after else None)
