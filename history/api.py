"""REST: the results of runs, finished or not."""

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from history import answers
from history.access import get_run, visible_runs
from history.k6_script import k6_script
from history.models import TestHistory
from history.run_search import Wanted, found_keys, matching
from history.states import Outcome, Status
from projects.access import get_project, require_user
from projects.api import Page

router = Router(tags=["Results"])


class RunFilter(Page):
    q: str | None = Field(
        None,
        max_length=200,
        description="Words in title, project, plan, requests, notes, labels, release; or the number of the run",
    )
    label: str | None = Field(None, max_length=60, description="Only those with this label")
    release: str | None = Field(None, max_length=60, description="Only those of this release")
    status: Status | Literal["active"] | None = Field(None, description="Only those in this state; active: not over")
    outcome: Outcome | None = Field(None, description="Only those with this verdict")
    project_id: int | None = Field(None, ge=1, le=2**63 - 1, description="Only this project's")
    plan_id: int | None = Field(None, ge=1, le=2**63 - 1, description="Only this plan's")
    pinned: bool = Field(False, description="Only the pinned ones")

    def wanted(self) -> Wanted:
        """As the list's page has it."""
        return Wanted(
            q=_words(self.q),
            project=self.project_id,
            plan=self.plan_id,
            status=self.status or "",
            outcome=self.outcome or "",
            label=_words(self.label),
            release=_words(self.release),
            pinned=self.pinned,
        )


def _words(text: str | None) -> str:
    return (text or "").replace("\0", " ")


@router.get("/test-history/simple", response=answers.SimpleList, summary="All runs, in short")
def simple(request: HttpRequest, page: Query[RunFilter]) -> dict[str, Any]:
    """The newest first; searched and filtered as the list's page is."""
    wanted = page.wanted()
    keys = found_keys(matching(visible_runs(require_user(request)), wanted), wanted)
    rows = TestHistory.objects.filter(pk__in=list(_part(keys, page)))  # in the list's order by themselves
    rows = rows.select_related("project").prefetch_related("labels").only(*answers.SHORT)
    return {"items": [answers.simple(run) for run in rows], "count": len(keys) if wanted.q else keys.count()}


@router.get("/test-history/projects/{int:project_id}", response=answers.FullList, summary="The runs of a project")
def of_project(request: HttpRequest, project_id: int, page: Query[Page]) -> dict[str, Any]:
    """Every measured column, the newest first."""
    project = get_project(require_user(request), project_id)
    runs = project.test_histories.filter(deleted_at=None).select_related("project").defer(*answers.HEAVY)
    return {"items": [answers.full(run) for run in _part(runs, page)], "count": runs.count()}


@router.get("/test-history/{int:run_id}/details", response=answers.Details, summary="One run with its scenarios")
def details(request: HttpRequest, run_id: int) -> dict[str, Any]:
    """Every measured column of the run, its scenarios and their stages, and the verdict with its reasons."""
    run = get_run(require_user(request), run_id, related=["project"], without=answers.UNSAID)
    return answers.details(run)


def _part(runs: Any, page: Page) -> Any:
    return runs[page.offset : page.offset + page.limit]


_SCRIPT = {
    "responses": {200: {"description": "The file", "content": {"text/javascript": {"schema": {"type": "string"}}}}}
}


@router.get("/test-history/{int:run_id}/script", openapi_extra=_SCRIPT, summary="The k6 script of a run")
def script(request: HttpRequest, run_id: int) -> HttpResponse:
    """As it ran, with the plan inside; secrets are not in it."""
    return k6_script(get_run(require_user(request), run_id))
