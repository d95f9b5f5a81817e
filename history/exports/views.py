"""Pages: the files of a run."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from history.access import get_run
from history.exports import answers
from projects.access import require_user


@require_safe
def csv_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """`/runs/{id}/export.csv?part=summary|timeline|errors|failures`."""
    return answers.csv_file(get_run(require_user(request), pk), request.GET.get("part", "summary"))


@require_safe
def json_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """`/runs/{id}/export.json`."""
    return answers.json_file(get_run(require_user(request), pk))


@require_safe
def zip_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """`/runs/{id}/export.zip`."""
    return answers.zip_file(get_run(require_user(request), pk))


@require_safe
def html_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """`/runs/{id}/report.html`; `?download` gives it as a file."""
    return answers.html_file(get_run(require_user(request), pk), download="download" in request.GET)


@require_safe
def junit_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """`/runs/{id}/junit.xml`."""
    return answers.junit_file(get_run(require_user(request), pk))


@require_safe
def chart_file(request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
    """`/runs/{id}/chart/{name}.svg?scenario=`; `?download` gives it as a file."""
    run = get_run(require_user(request), pk)
    return answers.chart_file(run, name, request.GET.get("scenario", ""), download="download" in request.GET)
