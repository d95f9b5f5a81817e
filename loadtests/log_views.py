"""k6's log of a run that lasts, as it comes: asked of what runs k6, while somebody looks."""

from contextlib import suppress

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from history import run_page
from history.access import get_run
from history.models import TestHistory
from history.states import Status
from loadtests.runners import RunnerError, open_runner
from projects.access import require_user

_FRESH = 2.0  # seconds; of many generators longer, for each of them is asked
_GENERATORS_A_SECOND = 10
_KEPT = 60.0
_STOP_POLLING = 286  # htmx


@require_safe
def live_log(request: HttpRequest, pk: int) -> HttpResponse:
    """`/runs/ID/log/live`: the last lines, for HTMX to ask every two seconds, until the run is over."""
    run = get_run(require_user(request), pk)
    lines = run_page.tail(log_end(run), run_page.LOG_LINES)
    status = 200 if run.is_active else _STOP_POLLING
    return render(request, "history/run/log.html", {"run": run, "lines": lines}, status=status)


def log_end(run: TestHistory) -> str:
    """The end of k6's log. However many look, whoever runs k6 is asked once in `_FRESH` seconds."""
    if run.status not in {Status.STARTING, Status.RUNNING}:
        return run.log
    key = f"log-end-{run.pk}"
    fresh = max(_FRESH, int(run.plan_snapshot.get("generators", 1)) / _GENERATORS_A_SECOND)
    if cache.add(f"{key}-asked", True, fresh):
        with suppress(RunnerError):  # the sweep says what is wrong; what was seen last stays
            cache.set(key, open_runner(run.runner).log_tail(run.job_name), _KEPT)
    return cache.get(key) or run.log
