"""REST: the audit, for administrators and their programs."""

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from metricvault.lib.errors import NotAllowed
from projects import audit_search
from projects.access import require_user
from projects.api import Page, RowId, Word
from projects.audit_search import Search
from projects.audit_views import csv_file
from projects.models import ApiToken, AuditEntry

router = Router(tags=["Audit"])


class AuditRow(Schema):
    """What somebody did, or was refused. It outlives the person, the project and the object that it names."""

    id: int
    at: datetime
    action: str
    by: str = Field(alias="way", description="page, api, admin, command or product")
    person: str = Field(alias="actor_name", description="The user name; of a refused login the name that was tried")
    api_token: str = Field(alias="token_name")
    address: str | None
    request_id: str
    kind: str = Field(description="Of the object: project, plan, testhistory …")
    object_id: str
    object: str = Field(alias="object_name")
    project_id: int | None
    project: str = Field(alias="project_title")
    before: dict[str, Any] | None = Field(description="What differs, by field; null where there is nothing to say")
    after: dict[str, Any] | None
    detail: str


class AuditRows(Schema):
    items: list[AuditRow]
    count: int = Field(description="How many there are in all")


class AuditSearch(Schema):
    """What is looked for; what is left out leaves everything."""

    q: Word = Field("", description="Words in name, object, project, detail, address, request or object's number")
    person: Word = Field("", description="Only this user name's")
    action: AuditEntry.Action | None = None
    by: AuditEntry.Way | None = Field(None, description="page, api, admin, command or product")
    kind: Word = Field("", description="Only about this kind of object")
    project_id: RowId | None = Field(None, description="Only this project's")
    since: date | None = Field(None, description="From this day on", examples=["2026-11-01"])
    until: date | None = Field(None, description="Until this day, which is included")


class AuditPage(Page, AuditSearch):
    pass


def _search(wanted: AuditSearch) -> Search:
    texts = {name: str(getattr(wanted, name) or "") for name in ("q", "person", "kind", "action")}
    asked = {**texts, "way": str(wanted.by or ""), "project": str(wanted.project_id or "")}
    days = {name: day.isoformat() for name in ("since", "until") if (day := getattr(wanted, name))}
    return audit_search.read({**asked, **days})


def _check(request: HttpRequest) -> None:
    """Administrators, and their tokens that may everything: whoever reads this learns of everybody."""
    audit_search.require_administrator(require_user(request))
    if getattr(request, "api_token_scope", ApiToken.Scope.ADMIN) != ApiToken.Scope.ADMIN:
        message = _("This API token may not do that; it would need “%(scope)s”.")
        raise NotAllowed(message % {"scope": ApiToken.Scope.ADMIN.label})


@router.get("/audit", response=AuditRows, summary="The audit", by_alias=False)
def read_audit(request: HttpRequest, wanted: Query[AuditPage]) -> dict[str, Any]:
    """The newest first. For administrators, and programs with a token that may everything."""
    _check(request)
    rows = audit_search.found(_search(wanted))
    return {"items": list(rows[wanted.offset : wanted.offset + wanted.limit]), "count": rows.count()}


_BINARY = {"schema": {"type": "string", "format": "binary"}}
_CSV = {"responses": {200: {"description": "CSV", "content": {"text/csv": _BINARY}}}}


@router.get("/audit/export.csv", summary="The audit as a table", openapi_extra=_CSV)
def export_audit(request: HttpRequest, wanted: Query[AuditSearch]) -> HttpResponseBase:
    """UTF-8 with a byte order mark, the newest first: all that the search finds. That it was taken is an entry."""
    _check(request)
    return csv_file(_search(wanted))
