"""Pages of one run: live while it runs, its result afterwards, its log and its script."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from history import run_page
from history.access import get_run
from history.hosts import hosts
from history.k6_report import k6_report
from projects.access import can_edit, require_user

LOG_LINES = 200


@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """The live page while the run is active, its result afterwards. HTMX asks for the state alone, and reloads
    the whole page once the run is over."""
    user = require_user(request)
    found = get_run(user, pk)
    if request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        if not found.is_active:
            return HttpResponseClientRefresh()
        context = {"run": found, "may_edit": can_edit(user, found.project), "host": hosts(found.plan_snapshot)}
        context["on_cluster"] = found.runner != "local"
        return render(request, "history/run/state.html", context)
    context = {**run_page.context(found), "may_edit": can_edit(user, found.project)}
    template = "history/run/live.html" if found.is_active else "history/run/result.html"
    return render(request, template, context)


@require_safe
def generators(request: HttpRequest, pk: int) -> HttpResponse:
    """The pods of a run on a cluster, for HTMX."""
    found = get_run(require_user(request), pk)
    return render(request, "history/run/generators.html", {"run": found, **run_page.generators(found)})


@require_safe
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """k6's log: its last lines for HTMX, else the whole as a text file."""
    found = get_run(require_user(request), pk)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "history/run/log.html", {"run": found, "lines": run_page.tail(found.log, LOG_LINES)})
    return HttpResponse(found.log, content_type="text/plain; charset=utf-8")


@require_safe
def script(request: HttpRequest, pk: int) -> HttpResponse:
    """The k6 script of the run as a file."""
    found = get_run(require_user(request), pk)
    name = found.k6_script_file_name or f"{slugify(found.title) or 'run'}-{found.pk}.js"
    headers = {"Content-Disposition": f'attachment; filename="{name.rsplit("/", 1)[-1]}"'}
    return HttpResponse(found.script, content_type="text/javascript; charset=utf-8", headers=headers)


@require_safe
def report(request: HttpRequest, pk: int, instance: str) -> HttpResponse:
    """What k6's own dashboard left of one load generator, as a page; `?download` gives it as a file."""
    return k6_report(get_run(require_user(request), pk), instance, download="download" in request.GET)
