"""REST: the files of a run."""

from typing import Any, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Query, Router, Schema

from history.access import get_run
from history.exports import answers
from projects.access import require_user

router = Router(tags=["Results"])
Part = Literal["summary", "timeline", "errors", "failures"]
Chart = Literal[
    "throughput", "response-time", "errors", "users", "dropped", "checks", "data", "heatmap", "distribution"
]


class Table(Schema):
    """Which table."""

    part: Part = Field(
        "summary",
        description="summary: every scenario, step, stage and phase; timeline: each second; errors: answers and "
        "checks; failures: the first failing requests",
    )


class Picture(Schema):
    """Of what the chart is."""

    scenario: str = Field("", max_length=80, description="Only this scenario's, by its scenario_tag")


def _file(content_type: str, description: str) -> dict[str, Any]:
    schema = {"type": "object"} if content_type == "application/json" else {"type": "string", "format": "binary"}
    content = {content_type: {"schema": schema}}
    return {"responses": {200: {"description": description, "content": content}}}


@router.get("/test-history/{int:run_id}/export.csv", summary="A table of a run", openapi_extra=_file("text/csv", "CSV"))
def export_csv(request: HttpRequest, run_id: int, table: Query[Table]) -> HttpResponseBase:
    """UTF-8 with a byte order mark, one table a file. 409 while the run lasts."""
    return answers.csv_file(get_run(require_user(request), run_id), table.part)


@router.get(
    "/test-history/{int:run_id}/export.json",
    summary="The whole result of a run",
    openapi_extra=_file("application/json", "metricvault-run/1, as docs/exports.md describes it"),
)
def export_json(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Everything that was measured; `POST /test-history/import` takes it back. 409 while the run lasts."""
    return answers.json_file(get_run(require_user(request), run_id))


@router.get(
    "/test-history/{int:run_id}/export.zip",
    summary="All files of a run",
    openapi_extra=_file("application/zip", "Tables, result, report and JUnit XML"),
)
def export_zip(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """In one archive. 409 while the run lasts."""
    return answers.zip_file(get_run(require_user(request), run_id))


@router.get(
    "/test-history/{int:run_id}/report.html",
    summary="The report of a run",
    openapi_extra=_file("text/html", "One page that has everything in itself"),
)
def report_html(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """To read, to send and to print, in the language that `Accept-Language` asks for. 409 while the run lasts."""
    return answers.html_file(get_run(require_user(request), run_id))


@router.get(
    "/test-history/{int:run_id}/junit.xml",
    summary="The verdict as JUnit XML",
    openapi_extra=_file("application/xml", "One suite, one case for each target"),
)
def junit_xml(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """A missed target is a failure; a run that proves nothing is an error. 409 while the run lasts."""
    return answers.junit_file(get_run(require_user(request), run_id))


@router.get(
    "/test-history/{int:run_id}/chart/{name}.svg",
    summary="A chart of a run as a picture",
    openapi_extra=_file("image/svg+xml", "SVG"),
)
def chart_svg(request: HttpRequest, run_id: int, name: Chart, picture: Query[Picture]) -> HttpResponseBase:
    """Of the whole run, or of one scenario. 409 while the run lasts."""
    return answers.chart_file(get_run(require_user(request), run_id), name, picture.scenario)
