"""Pages of one run: live while it runs, its result afterwards, its log and its script."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh, push_url

from history import board_generators, board_seconds, board_series, run_page
from history.access import get_run
from history.board_failures import failing
from history.board_span import chosen
from history.hosts import hosts
from history.k6_report import k6_report
from history.k6_script import k6_script
from projects.access import can_edit, require_user


@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """The live page while the run is active, its result afterwards; `?from=&to=` chooses a span of it. HTMX asks for
    the state alone, and reloads the whole page once the run is over."""
    user = require_user(request)
    found = get_run(user, pk)
    if request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        if not found.is_active:
            return HttpResponseClientRefresh()
        context = {"run": found, "may_edit": can_edit(user, found.project), "host": hosts(found.plan_snapshot)}
        context["on_cluster"] = found.runner not in ("local", "import")
        return render(request, "history/run/state.html", context)
    context = {**run_page.context(found, chosen(request.GET)), "may_edit": can_edit(user, found.project)}
    template = "history/run/live.html" if found.is_active else "history/run/result.html"
    return render(request, template, context)


@require_safe
def span(request: HttpRequest, pk: int) -> HttpResponse:
    """The tables and tiles of a run for the span `?from=&to=` (whole seconds), or, without one, of the whole run. For
    HTMX; the address of the page then names the span."""
    found = get_run(require_user(request), pk)
    asked = chosen(request.GET)
    address = reverse("history:run", args=[pk]) + (f"?from={asked.start}&to={asked.end}" if asked else "")
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(address)
    context = run_page.part(found, asked)
    return push_url(render(request, "history/run/span.html", context), address)


@require_safe
def series(request: HttpRequest, pk: int) -> HttpResponse:
    """What the charts of the page draw, as JSON, in as many stretches as there are pixels; `?from=&to=` for a part."""
    found = get_run(require_user(request), pk)
    return JsonResponse(board_series.series(found, chosen(request.GET)))


@require_safe
def seconds(request: HttpRequest, pk: int) -> HttpResponse:
    """The numbers of the charts as a table, for HTMX; of the span `?from=&to=`, or of the whole run."""
    found = get_run(require_user(request), pk)
    return render(request, "history/run/seconds.html", board_seconds.table(found, chosen(request.GET)))


@require_safe
def stages(request: HttpRequest, pk: int) -> HttpResponse:
    """The stages of each scenario, for HTMX: a run of many endpoints has them apart."""
    found = get_run(require_user(request), pk)
    return render(request, "history/run/stages_by_endpoint.html", run_page.stages(found))


@require_safe
def failures(request: HttpRequest, pk: int) -> HttpResponse:
    """The first failing requests, for HTMX: nothing to swap where there are no more than the `?seen=` ones."""
    found = get_run(require_user(request), pk)
    context = {"run": found, **failing(found)}
    if found.is_active and request.GET.get("seen") == str(context["failing_count"]):
        return HttpResponse(status=204)
    return render(request, "history/run/failures.html", context)


@require_safe
def generators(request: HttpRequest, pk: int) -> HttpResponse:
    """The pods of a run on a cluster, for HTMX."""
    found = get_run(require_user(request), pk)
    return render(request, "history/run/generators.html", {"run": found, **board_generators.generators(found)})


@require_safe
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """k6's log: its last lines for HTMX, else the whole as a text file."""
    found = get_run(require_user(request), pk)
    if request.htmx:  # type: ignore[attr-defined]
        lines = run_page.tail(found.log, run_page.LOG_LINES)
        return render(request, "history/run/log.html", {"run": found, "lines": lines})
    return HttpResponse(found.log, content_type="text/plain; charset=utf-8")


@require_safe
def script(request: HttpRequest, pk: int) -> HttpResponse:
    """The k6 script of the run as a file."""
    found = get_run(require_user(request), pk)
    return k6_script(found)


@require_safe
def report(request: HttpRequest, pk: int, instance: str) -> HttpResponse:
    """What k6's own dashboard left of one load generator, as a page; `?download` gives it as a file."""
    return k6_report(get_run(require_user(request), pk), instance, download="download" in request.GET)
