"""REST: saved plans, their files, and starting one."""

import json
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from history.access import get_editable_run
from loadtests import again, editing, launching, planning, shelving
from loadtests.access import get_editable_plan, get_plan, visible_plans
from loadtests.api import Started, started
from loadtests.api_body import payload_of
from loadtests.fields import Key
from loadtests.keeping import keep
from loadtests.models import Plan
from loadtests.payload import MARKS
from loadtests.plan_file import read_plan
from loadtests.plan_file_views import file_answer
from metricvault.lib.errors import Detail, Malformed, ProductError, Refused
from metricvault.lib.invalid import sentence
from projects.access import get_editable_project, get_project, require_user

router = Router(tags=["Plans"])
_YAML = {"type": "string", "description": "A plan file: docs/plan-file.md", "example": "metricvault: 1\ntitle: …\n"}
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


class PlanFilter(Schema):
    limit: int = Field(50, ge=1, le=500, description="How many items at most")
    offset: int = Field(0, ge=0, le=10**9, description="How many items to leave out at the start")
    project_id: int | None = Field(None, ge=1, le=2**63 - 1, description="Only this project's")
    archived: bool = Field(False, description="Those in the archive instead of the others")


class PlanOut(Schema):
    id: int
    title: str
    description: str
    project_id: int
    project: str
    scenario_count: int
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Plans(Schema):
    items: list[PlanOut]
    count: int


class Problem(Schema):
    field: str
    message: str


class PlanDetail(PlanOut):
    """`load_test` is the body of POST /load-testing; a plan with problems does not start."""

    load_test: dict[str, Any]
    problems: list[Problem]
    warnings: list[Problem]


class FileIn(BaseModel):
    """Where a plan file goes."""

    model_config = ConfigDict(extra="ignore")
    project_id: Key = Field(description="The project that the endpoints, environments and data files are looked for in")
    plan_id: Key | None = Field(None, description="A plan of that project to be replaced; left out: a new plan")
    file: str | None = Field(None, description="The text of the plan file")


_PLACE = [
    {"name": name, "in": "query", "required": False, "schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
     "description": "Where the body is the file itself"} for name in ("project_id", "plan_id")
]  # fmt: skip
_FILE_BODY = {
    "parameters": _PLACE,
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": _YAML},
            "application/json": {"schema": FileIn.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["project_id", "file"],
                    "properties": {
                        "project_id": {"type": "integer"},
                        "plan_id": {"type": "integer"},
                        "file": {"type": "string", "format": "binary", "description": "The plan file"},
                    },
                }
            },
        },
    },
}
_SCHEMA = {name: field for name, field in planning.json_schema()["properties"].items() if name in MARKS}
_MARKS = {
    "requestBody": {
        "required": False,
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": _SCHEMA},
                "example": {"labels": ["nightly"], "release": "4.18"},
            }
        },
    }
}
_FILE_ANSWER = {"responses": {200: {"description": "The file", "content": {"application/yaml": {"schema": _YAML}}}}}


@router.get("/plan", response=Plans, summary="Saved plans")
def list_plans(request: HttpRequest, chosen: Query[PlanFilter]) -> dict[str, Any]:
    """The last changed first."""
    user = require_user(request)
    rows = visible_plans(user).filter(archived_at__isnull=not chosen.archived)
    if chosen.project_id is not None:
        rows = rows.filter(project=get_project(user, chosen.project_id))
    count = rows.count()
    rows = _counted(rows).order_by("-updated_at", "-pk")
    return {"items": [_row(one) for one in rows[chosen.offset : chosen.offset + chosen.limit]], "count": count}


@router.post(
    "/plan/file", response={200: PlanDetail, 201: PlanDetail}, openapi_extra=_FILE_BODY, summary="Import a plan file"
)
def import_plan(request: HttpRequest) -> Any:
    """As a new plan (201), or over an existing one (200). 422 names every line that is wrong; nothing is made then."""
    user = require_user(request)
    asked, source = _file_input(request)
    try:
        project = get_editable_project(user, asked.project_id)
    except ProductError as error:
        error.details = (Detail("project_id", error.message),)
        raise
    old = get_editable_plan(user, asked.plan_id) if asked.plan_id is not None else None
    if old is not None and old.project_id != project.pk:
        message = _("This plan belongs to another project.")
        raise Refused(message, [Detail("plan_id", message)])
    plan = keep(read_plan(source, project).load_test, project, user, old)
    return Status(200 if old else 201, _detail(plan))


@router.get("/plan/{int:plan_id}", response=PlanDetail, summary="One plan")
def read_plan_row(request: HttpRequest, plan_id: int) -> dict[str, Any]:
    """With what it asks for, and what keeps it from being run."""
    return _detail(get_plan(require_user(request), plan_id))


@router.get("/plan/{int:plan_id}/file", openapi_extra=_FILE_ANSWER, summary="A plan as a file")
def plan_file(request: HttpRequest, plan_id: int) -> HttpResponse:
    """YAML, the same for the same plan: to be kept beside the tested code."""
    return file_answer(get_plan(require_user(request), plan_id))


@router.post("/plan/{int:plan_id}/run", response={202: Started}, openapi_extra=_MARKS, summary="Start a saved plan")
def run_plan(request: HttpRequest, plan_id: int) -> Any:
    """As `POST /load-testing` with what the plan asks for; the body may be left out. 409 where it is in the archive."""
    user = require_user(request)
    plan = editing.full_plans().get(pk=get_editable_plan(user, plan_id).pk)
    shelving.refuse_archived(plan)
    payload = planning.from_plan(plan)
    if request.content_type == "application/json" and request.body.strip():
        payload |= {name: value for name, value in payload_of(request).items() if name in MARKS}
    return Status(202, started(request, launching.start(payload, user, plan)))


@router.post("/plan/{int:plan_id}/duplicate", response={201: PlanDetail}, summary="Duplicate a plan")
def duplicate_plan(request: HttpRequest, plan_id: int) -> Any:
    """A copy with its scenarios, steps and stages."""
    user = require_user(request)
    return Status(201, _detail(shelving.duplicate(get_editable_plan(user, plan_id), user)))


@router.post("/plan/{int:plan_id}/archive", response=PlanDetail, summary="Put a plan into the archive")
def archive_plan(request: HttpRequest, plan_id: int) -> dict[str, Any]:
    """It leaves the list and cannot be started; its results stay."""
    plan = get_editable_plan(require_user(request), plan_id)
    shelving.archive(plan, timezone.now())
    return _detail(plan)


@router.post("/plan/{int:plan_id}/unarchive", response=PlanDetail, summary="Bring a plan back from the archive")
def take_plan_back(request: HttpRequest, plan_id: int) -> dict[str, Any]:
    """It can be started again."""
    plan = get_editable_plan(require_user(request), plan_id)
    shelving.take_back(plan)
    return _detail(plan)


@router.delete("/plan/{int:plan_id}", response={204: None}, summary="Delete a plan")
def delete_plan(request: HttpRequest, plan_id: int) -> Any:
    """Its results stay."""
    shelving.delete(get_editable_plan(require_user(request), plan_id))
    return Status(204, None)


@router.post("/test-history/{int:run_id}/again", response={202: Started}, summary="Run again what a run sent")
def run_again(request: HttpRequest, run_id: int) -> Any:
    """Exactly what it sent, with the secrets that its environment has now. 409 where something it needs is gone."""
    user = require_user(request)
    return Status(202, started(request, again.run_again(get_editable_run(user, run_id), user)))


@router.post("/test-history/{int:run_id}/plan", response={200: PlanDetail, 201: PlanDetail}, summary="Edit and run")
def plan_of_run(request: HttpRequest, run_id: int) -> Any:
    """The plan of a run (200); where that is gone or says otherwise now, a new one made of what ran (201)."""
    user = require_user(request)
    plan, is_new = again.edit_again(get_editable_run(user, run_id), user)
    return Status(201 if is_new else 200, _detail(plan))


def _counted(rows: Any) -> Any:
    return rows.select_related("project").annotate(scenario_count=Count("scenarios"))


def _row(plan: Any) -> dict[str, Any]:
    names = ("title", "description", "project_id", "scenario_count", "archived_at", "created_at", "updated_at")
    return {"id": plan.pk, "project": plan.project.title, **{name: getattr(plan, name) for name in names}}


def _detail(plan: Plan) -> dict[str, Any]:
    full = editing.full_plans().get(pk=plan.pk)
    review = planning.review(full)
    return {
        **_row(_counted(Plan.objects.filter(pk=plan.pk)).get()),
        "load_test": planning.from_plan(full),
        "problems": [{"field": one.field, "message": one.message} for one in review.problems],
        "warnings": [{"field": one.field, "message": one.message} for one in review.warnings],
    }


def _file_input(request: HttpRequest) -> tuple[FileIn, bytes | str]:
    """What is asked, and the file: as JSON, as a form, or as the body itself with the rest in the address."""
    if request.content_type == "application/json" and "project_id" not in request.GET:
        try:
            asked = _asked(json.loads(request.body))
        except (ValueError, RecursionError):
            raise Malformed(_("The body is not valid JSON.")) from None
        return asked, asked.file or ""
    if request.content_type in _FORMS:
        upload = request.FILES.get("file")
        asked = _asked(_numbers(request.POST.dict()))
        return asked, upload.read() if upload else (asked.file or "")
    return _asked(_numbers(request.GET.dict())), request.body


def _numbers(texts: dict[str, str]) -> dict[str, Any]:
    return {name: int(text) if text.isdecimal() and len(text) < 20 and name != "file" else text
            for name, text in texts.items() if text}  # fmt: skip


def _asked(raw: Any) -> FileIn:
    try:
        return FileIn.model_validate(raw)
    except ValidationError as error:
        details = [Detail(".".join(map(str, one["loc"])), sentence(one)) for one in error.errors(include_url=False)]
        names = ", ".join(dict.fromkeys(detail.field for detail in details if detail.field))
        raise Refused(_("Some values cannot be taken: %(fields)s.") % {"fields": names or "-"}, details) from None
