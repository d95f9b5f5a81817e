"""REST: environments and data files of projects. Secrets go in and never come out."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, File, Form, Query, Router, Schema, Status
from ninja.files import UploadedFile

from metricvault.lib.errors import Detail, ProductError
from projects import data_files, environment_keeping
from projects.access import get_editable_project, get_project, require_user
from projects.api import Page, RowId
from projects.csv_reading import ENCODINGS
from projects.environment_keeping import EnvironmentIn, EnvironmentPatch, HeaderIn
from projects.environments import SECRETS, get_environment, sealed_name, sealed_names, visible_environments
from projects.models import DataFile, Environment, Project

router = Router()


class EnvironmentAnswer(Schema):
    """Where the requests of a project go, and as whom."""

    id: int
    project_id: int
    name: str = Field(examples=["staging"])
    base_url: str = Field(description="Empty: as the API document says")
    headers: list[HeaderIn]
    variables: list[dict[str, Any]] = Field(
        description='`name` and `value`; of a secret one `"secret": true` and whether it is `set`, but no value',
        examples=[[{"name": "region", "value": "eu", "secret": False}, {"name": "pin", "secret": True, "set": True}]],
    )
    credentials: list[dict[str, Any]] = Field(
        description='As they are given, but each secret is `{"secret": true, "set": …}`. Sent back it stays as it is',
        examples=[[{"scheme": "bearerAuth", "kind": "bearer", "token": {"secret": True, "set": True}}]],
    )
    secrets_readable: bool = Field(description="False where the key that encrypted them is gone: type them again")
    created_at: datetime
    updated_at: datetime


class EnvironmentList(Schema):
    items: list[EnvironmentAnswer]
    count: int = Field(description="How many there are in all")


class DataFileAnswer(Schema):
    """A CSV whose columns requests take as `{{name.column}}`."""

    id: int
    project_id: int
    name: str = Field(examples=["users"])
    file_name: str
    columns: list[str] = Field(examples=[["email", "password"]])
    row_count: int
    encoding: str = Field(description="How it was read", examples=["cp949"])
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Of columns and rows")
    created_at: datetime


class DataFileDetail(DataFileAnswer):
    """With its first rows."""

    first_rows: list[list[str]]


class DataFileList(Schema):
    items: list[DataFileAnswer]
    count: int = Field(description="How many there are in all")


class OfProject(Page):
    project_id: RowId | None = Field(None, description="Only this project's")


class DataFileIn(Schema):
    project_id: RowId = Field(description="The project it belongs to")
    name: str = Field(
        "", description="As it stands in placeholders: a-z, 0-9, _. As the file is called where it is left out"
    )
    encoding: str = Field("", description="Found out where it is left out; else one of " + ", ".join(ENCODINGS))


def _project(request: HttpRequest, project_id: int) -> Project:
    try:
        return get_editable_project(require_user(request), project_id)
    except ProductError as error:
        error.details = (Detail("project_id", error.message),)
        raise


@router.post("/environment", response={201: EnvironmentAnswer}, summary="Make an environment", tags=["Environments"])
def create_environment(request: HttpRequest, data: EnvironmentIn) -> Any:
    """Secrets are kept encrypted and reach k6 by its environment; they are never shown again."""
    project = _project(request, data.project_id)
    return Status(201, _environment(environment_keeping.keep(Environment(project=project), data)))


@router.get("/environment", response=EnvironmentList, summary="Environments", tags=["Environments"])
def list_environments(request: HttpRequest, chosen: Query[OfProject]) -> dict[str, Any]:
    """Those of the projects that the person may see, by name."""
    user = require_user(request)
    rows = visible_environments(user)
    if chosen.project_id is not None:
        rows = rows.filter(project=get_project(user, chosen.project_id))
    found = rows.order_by("name", "id")[chosen.offset : chosen.offset + chosen.limit]
    return {"items": [_environment(row) for row in found], "count": rows.count()}


@router.get(
    "/environment/{int:environment_id}", response=EnvironmentAnswer, summary="One environment", tags=["Environments"]
)
def read_environment(request: HttpRequest, environment_id: int) -> dict[str, Any]:
    """Everything but the secrets."""
    return _environment(get_environment(require_user(request), environment_id))


@router.patch(
    "/environment/{int:environment_id}", response=EnvironmentAnswer, summary="Change an environment",
    tags=["Environments"],
)  # fmt: skip
def change_environment(request: HttpRequest, environment_id: int, data: EnvironmentPatch) -> dict[str, Any]:
    """What is left out stays. Lists are given whole; in them a secret that is left out stays, null removes it."""
    return _environment(environment_keeping.keep(_editable(request, environment_id), data))


@router.post(
    "/environment/{int:environment_id}/duplicate", response={201: EnvironmentAnswer},
    summary="Duplicate an environment", tags=["Environments"],
)  # fmt: skip
def duplicate_environment(request: HttpRequest, environment_id: int) -> Any:
    """The same under another name, secrets included."""
    return Status(201, _environment(environment_keeping.duplicate(_editable(request, environment_id))))


@router.delete(
    "/environment/{int:environment_id}", response={204: None}, summary="Delete an environment", tags=["Environments"]
)
def delete_environment(request: HttpRequest, environment_id: int) -> Any:
    """409 while a plan or an active run uses it."""
    environment_keeping.delete(_editable(request, environment_id))
    return Status(204, None)


def _editable(request: HttpRequest, environment_id: int) -> Environment:
    user = require_user(request)
    found = get_environment(user, environment_id)
    get_editable_project(user, found.project_id)
    return found


def _environment(row: Environment) -> dict[str, Any]:
    names = sealed_names(row)
    there = names or frozenset()

    def variable(one: dict[str, Any]) -> dict[str, Any]:
        if not one["secret"]:
            return dict(one)
        return {"name": one["name"], "secret": True, "set": sealed_name("variable", one["name"]) in there}

    def credential(one: dict[str, Any]) -> dict[str, Any]:
        fields = [
            name for name in SECRETS[one["kind"]] if name != "password" or one.get("grant") != "client_credentials"
        ]
        marks = {name: {"secret": True, "set": sealed_name(name, one["scheme"]) in there} for name in fields}
        return {**{name: value for name, value in one.items() if name != "public"}, **marks}

    return {
        "id": row.pk,
        "project_id": row.project_id,
        "name": row.name,
        "base_url": row.base_url,
        "headers": row.headers,
        "variables": [variable(one) for one in row.variables],
        "credentials": [credential(one) for one in row.credentials],
        "secrets_readable": names is not None,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@router.post("/data-file", response={201: DataFileDetail}, summary="Upload a data file", tags=["Data files"])
def upload_data_file(request: HttpRequest, data: Form[DataFileIn], file: File[UploadedFile]) -> Any:
    """A CSV, its first line names the columns. It takes the place of one of that name; the same content once more
    changes nothing."""
    project = _project(request, data.project_id)
    name = data.name.strip() or data_files.name_for(file.name or "")
    return Status(201, _with_rows(data_files.upload(project, require_user(request), name, file, data.encoding)))


@router.get("/data-file", response=DataFileList, summary="Data files", tags=["Data files"])
def list_data_files(request: HttpRequest, chosen: Query[OfProject]) -> dict[str, Any]:
    """Those of the projects that the person may see, by name."""
    user = require_user(request)
    rows = data_files.visible_files(user)
    if chosen.project_id is not None:
        rows = rows.filter(project=get_project(user, chosen.project_id))
    found = rows.order_by("name", "id")[chosen.offset : chosen.offset + chosen.limit]
    return {"items": [_data_file(row) for row in found], "count": rows.count()}


@router.get("/data-file/{int:file_id}", response=DataFileDetail, summary="One data file", tags=["Data files"])
def read_data_file(request: HttpRequest, file_id: int) -> dict[str, Any]:
    """With its first rows."""
    return _with_rows(data_files.get_file(require_user(request), file_id))


@router.delete("/data-file/{int:file_id}", response={204: None}, summary="Delete a data file", tags=["Data files"])
def delete_data_file(request: HttpRequest, file_id: int) -> Any:
    """409 while a plan uses it. Results that were made with it stay."""
    user = require_user(request)
    found = data_files.get_file(user, file_id)
    get_editable_project(user, found.project_id)
    data_files.delete(found)
    return Status(204, None)


def _data_file(row: DataFile) -> dict[str, Any]:
    return {name: getattr(row, name) for name in DataFileAnswer.model_fields}


def _with_rows(row: DataFile) -> dict[str, Any]:
    return {**_data_file(row), "first_rows": data_files.first_rows(row)}
