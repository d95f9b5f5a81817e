"""REST: the results of runs, finished or not."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from history import answers
from history.access import get_run, visible_runs
from projects.access import get_project, require_user

router = Router(tags=["Results"])


class Page(Schema):
    """Which part of a list."""

    limit: int = Field(50, ge=1, le=500, description="How many items at most")
    offset: int = Field(0, ge=0, le=10**9, description="How many items to leave out at the start")


@router.get("/test-history/simple", response=answers.SimpleList, summary="All runs, in short")
def simple(request: HttpRequest, page: Query[Page]) -> dict[str, Any]:
    """The newest first."""
    runs = visible_runs(require_user(request)).select_related("project")
    return {"items": [answers.simple(run) for run in _part(runs, page)], "count": runs.count()}


@router.get("/test-history/projects/{int:project_id}", response=answers.FullList, summary="The runs of a project")
def of_project(request: HttpRequest, project_id: int, page: Query[Page]) -> dict[str, Any]:
    """Every measured column, the newest first."""
    project = get_project(require_user(request), project_id)
    runs = project.test_histories.select_related("project")
    return {"items": [answers.full(run) for run in _part(runs, page)], "count": runs.count()}


@router.get("/test-history/{int:run_id}/details", response=answers.Details, summary="One run with its scenarios")
def details(request: HttpRequest, run_id: int) -> dict[str, Any]:
    """Every measured column of the run, its scenarios and their stages, and the verdict with its reasons."""
    return answers.details(get_run(require_user(request), run_id))


def _part(runs: Any, page: Page) -> Any:
    return runs[page.offset : page.offset + page.limit]
