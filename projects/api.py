"""REST: projects, their OpenAPI documents and endpoints."""

import json
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema, Status
from pydantic import AfterValidator, BaseModel, StringConstraints, ValidationError

from metricvault.lib.errors import Detail, Malformed, NotAllowed, ProductError, Refused
from projects import answers, catalogue
from projects.access import (
    get_editable_project,
    get_owned_project,
    get_project,
    require_user,
    sees_everything,
    visible_projects,
)
from projects.models import Project
from projects.project_keeping import delete_spec as drop_spec
from projects.project_keeping import keep_project
from projects.sealing import checked_headers
from projects.spec_import import analyze as import_document

router = Router(tags=["Projects"])


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError(_("This text has a character that cannot be kept: NUL, or half of a pair."))
    return text


Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_without_nul)
]
Summary = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_without_nul)]
Text = Annotated[str, StringConstraints(max_length=100_000), AfterValidator(_without_nul)]
Word = Annotated[str, StringConstraints(max_length=500), AfterValidator(_without_nul)]
RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Page(Schema):
    """Which part of a list."""

    limit: int = Field(50, ge=1, le=500, description="How many items at most")
    offset: int = Field(0, ge=0, le=10**9, description="How many items to leave out at the start")


# BaseModel, for ninja's Schema reads attributes, too: a body that is a JSON text has one called `title`.
class ProjectIn(BaseModel):
    """A new project."""

    title: Title = Field(description="What it is called", examples=["Storefront"])
    summary: Summary = Field("", description="One line", examples=["Web shop, staging"])
    description: Text = Field("", description="As long as it takes")


class ProjectPatch(BaseModel):
    """What to change; what is left out stays."""

    title: Title | None = Field(None, examples=["Storefront"])
    summary: Summary | None = None
    description: Text | None = None


class AnalyzeIn(BaseModel):
    """A document to import: its address or its text."""

    project_id: RowId = Field(description="The project it belongs to", examples=[1])
    openapi_url: Word | None = Field(
        None, description="Where the document is", examples=["https://petstore3.swagger.io/api/v3/openapi.json"]
    )
    document: str | None = Field(None, description="The document itself, JSON or YAML")
    headers: dict[str, str] | None = Field(
        None,
        description="Request headers for a protected address. Kept encrypted for the next import, sent to that host "
        "only, never shown again",
        examples=[{"Authorization": "Bearer …"}],
    )


class SpecFilter(Page):
    project_id: RowId | None = Field(None, description="Only this project's")


class EndpointFilter(Page):
    project_id: RowId | None = Field(None, description="Only this project's")
    openapi_spec_id: RowId | None = Field(None, description="Only this document's")
    tag: Word | None = Field(None, description="Only those with this tag, by its name")
    method: Word | None = Field(None, description="Only this HTTP method", examples=["GET"])
    q: Word | None = Field(None, description="Words in path, summary, operation id or tag")


def _part(rows: Any, page: Page) -> Any:
    return rows[page.offset : page.offset + page.limit]


@router.post("/project", response={201: answers.ProjectDetail}, summary="Make a project")
def create_project(request: HttpRequest, data: ProjectIn) -> Any:
    """The person behind the request owns it."""
    user = require_user(request)
    if not sees_everything(user):
        raise NotAllowed(_("This API token is for one project, so it makes no others."))
    return Status(201, _detail(keep_project(Project(owner=user, **data.model_dump()))))


@router.get("/project", response=answers.ProjectList, summary="Projects")
def list_projects(request: HttpRequest, page: Query[Page]) -> dict[str, Any]:
    """Those that the person may see, by title."""
    rows = visible_projects(require_user(request)).order_by("title", "id")
    return {"items": [answers.project(row) for row in _part(rows, page)], "count": rows.count()}


@router.get("/project/{int:project_id}", response=answers.ProjectDetail, summary="One project")
def read_project(request: HttpRequest, project_id: int) -> dict[str, Any]:
    """With its documents and counts."""
    return _detail(get_project(require_user(request), project_id))


@router.patch("/project/{int:project_id}", response=answers.ProjectDetail, summary="Change a project")
def change_project(request: HttpRequest, project_id: int, data: ProjectPatch) -> dict[str, Any]:
    """Any of the three fields."""
    project = get_editable_project(require_user(request), project_id)
    changes = {name: value for name, value in data.model_dump(exclude_unset=True).items() if value is not None}
    for name, value in changes.items():
        setattr(project, name, value)
    return _detail(keep_project(project, changes))


@router.delete("/project/{int:project_id}", response={204: None}, summary="Delete a project")
def delete_project(request: HttpRequest, project_id: int) -> Any:
    """With its documents, plans and results. 409 while a run of it is active."""
    catalogue.delete_project(get_owned_project(require_user(request), project_id))
    return Status(204, None)


def _detail(project: Project) -> dict[str, Any]:
    row = catalogue.with_counts(Project.objects.filter(pk=project.pk)).get()
    specs = (
        project.openapi_specs.defer("document")
        .annotate(endpoint_count=catalogue.endpoint_count())
        .order_by("title", "id")
    )
    return answers.project_detail(row, list(specs))


_ANALYZE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": AnalyzeIn.model_json_schema(),
                "example": {"project_id": 1, "openapi_url": "https://petstore3.swagger.io/api/v3/openapi.json"},
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["project_id"],
                    "properties": {
                        "project_id": {"type": "integer"},
                        "file": {"type": "string", "format": "binary", "description": "The document as a file"},
                        "openapi_url": {"type": "string"},
                        "document": {"type": "string"},
                    },
                }
            },
        },
    }
}


@router.post(
    "/openapi/analyze",
    response={201: answers.ImportAnswer},
    summary="Import an OpenAPI or Swagger document",
    tags=["Documents"],
    openapi_extra=_ANALYZE_BODY,
)
def analyze(request: HttpRequest) -> Any:
    """By address, as text, or as a file. The same document again updates what is there.

    502 where the address does not answer; 422 where what it gives is no OpenAPI document, with what it seems to be.
    """
    user = require_user(request)
    data = _analyze_input(request)
    try:
        project = get_editable_project(user, data.project_id)
    except ProductError as error:
        error.details = (Detail("project_id", error.message),)
        raise
    file = request.FILES.get("file") if request.content_type == "multipart/form-data" else None
    secret = checked_headers((data.headers or {}).items(), data.openapi_url or "")
    report = import_document(
        project, url=data.openapi_url, text=data.document, file=file, secret=secret if data.openapi_url else None
    )
    return Status(201, answers.import_report(report))


def _analyze_input(request: HttpRequest) -> AnalyzeIn:
    if request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raw: Any = {name: value for name, value in request.POST.items() if value != ""}
    else:
        try:
            raw = json.loads(request.body)
        except (ValueError, RecursionError):
            raise Malformed(_("The body is not valid JSON.")) from None
    try:
        return AnalyzeIn.model_validate(raw)
    except ValidationError as error:
        details = [Detail(".".join(str(part) for part in one["loc"]), one["msg"]) for one in error.errors()]
        names = ", ".join(dict.fromkeys(detail.field for detail in details if detail.field))
        raise Refused(_("Some values cannot be taken: %(fields)s.") % {"fields": names or "-"}, details) from None


@router.get("/openapi", response=answers.SpecList, summary="Imported documents", tags=["Documents"])
def list_specs(request: HttpRequest, chosen: Query[SpecFilter]) -> dict[str, Any]:
    """Those of the projects that the person may see."""
    rows = catalogue.visible_specs(require_user(request))
    if chosen.project_id is not None:
        rows = rows.filter(project=chosen.project_id)
    count = rows.count()
    rows = rows.annotate(endpoint_count=catalogue.endpoint_count()).order_by("title", "id")
    return {"items": [answers.spec_summary(row) for row in _part(rows, chosen)], "count": count}


@router.get("/openapi/{int:spec_id}", response=answers.SpecDetail, summary="One document", tags=["Documents"])
def read_spec(request: HttpRequest, spec_id: int) -> dict[str, Any]:
    """With its tags, what was found wrong with it, and the findings of the validation once that has ended."""
    return answers.spec_detail(catalogue.get_spec(require_user(request), spec_id))


@router.delete("/openapi/{int:spec_id}", response={204: None}, summary="Delete a document", tags=["Documents"])
def delete_spec(request: HttpRequest, spec_id: int) -> Any:
    """With its endpoints. Results stay."""
    user = require_user(request)
    spec = catalogue.get_spec(user, spec_id)
    get_editable_project(user, spec.project_id)
    drop_spec(spec)
    return Status(204, None)


@router.get("/endpoint", response=answers.EndpointList, summary="Endpoints", tags=["Documents"])
def list_endpoints(request: HttpRequest, chosen: Query[EndpointFilter]) -> dict[str, Any]:
    """With the example values that a load test sends. An unknown project or document is an error, not an empty list."""
    user = require_user(request)
    rows = catalogue.visible_endpoints(user)
    if chosen.project_id is not None:
        rows = rows.filter(openapi_spec__project=get_project(user, chosen.project_id))
    if chosen.openapi_spec_id is not None:
        rows = rows.filter(openapi_spec=catalogue.get_spec(user, chosen.openapi_spec_id))
    if chosen.tag:
        rows = rows.filter(tags__name=chosen.tag).distinct()
    if chosen.method:
        rows = rows.filter(method=chosen.method.upper())
    rows = catalogue.search_endpoints(rows, chosen.q or "").order_by("openapi_spec_id", "position", "id")
    found = _part(rows.prefetch_related(answers.with_tags()), chosen)
    return {"items": [answers.endpoint(row) for row in found], "count": rows.count()}
