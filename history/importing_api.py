"""REST: a result from elsewhere becomes a run."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status

from history import importing
from metricvault.lib.errors import Detail, ProductError, Refused
from projects.access import get_editable_project, require_user

router = Router(tags=["Results"])


class Imported(Schema):
    test_history_id: int
    title: str
    status: str
    outcome: str | None
    url: str


_WORDS = {
    "title": {"type": "string", "maxLength": 200, "description": "In place of the document's"},
    "release": {"type": "string", "maxLength": 60},
    "labels": {"type": "string", "description": "With commas between"},
    "tested_at": {"type": "string", "format": "date-time", "description": "k6's summaries do not say when they were"},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["project_id", "document"],
                    "properties": {
                        "project_id": {"type": "integer", "minimum": 1},
                        "document": {
                            "type": "object",
                            "description": "`export.json` of a run (metricvault-run/1), the object of k6's "
                            "`handleSummary`, or the file of `--summary-export`",
                        },
                        **_WORDS,
                    },
                },
                "example": {
                    "project_id": 1,
                    "title": "Nightly, from the build server",
                    "document": {"metrics": {"http_reqs": {"count": 2400, "rate": 80.0}}},
                },
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["project_id", "file"],
                    "properties": {
                        "project_id": {"type": "integer"},
                        "file": {"type": "string", "format": "binary"},
                        **_WORDS,
                    },
                }
            },
        },
    }
}


@router.post("/test-history/import", response={201: Imported}, summary="Import a result as a run", openapi_extra=_BODY)
def import_run(request: HttpRequest) -> Any:
    """An export of this product, or k6's end-of-test summary; all or nothing. Files may have 80 MB, bodies 20 MB."""
    user = require_user(request)
    is_form = request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded")
    given, document = _of_form(request) if is_form else _of_json(request)
    try:
        project = get_editable_project(user, _key(given.get("project_id")))
    except ProductError as error:
        error.details = error.details or (Detail("project_id", error.message),)
        raise
    run = importing.take(document(), project, user, importing.wishes(**_words(given)))
    url = request.build_absolute_uri(f"/runs/{run.pk}/")
    answer = {"test_history_id": run.pk, "title": run.title, "status": run.status, "outcome": run.outcome or None}
    return Status(201, {**answer, "url": url})


def _of_form(request: HttpRequest) -> tuple[dict[str, Any], Any]:
    def document() -> dict[str, Any]:
        upload = request.FILES.get("file")
        if upload is None:
            message = _("Send the result as the file “file”.")
            raise Refused(message, [Detail("file", message)])
        return importing.read(upload.read(importing.MAX_BYTES + 1))

    return dict(request.POST.items()), document


def _of_json(request: HttpRequest) -> tuple[dict[str, Any], Any]:
    given = importing.read(request.body, "")

    def document() -> dict[str, Any]:
        found = given.get("document")
        if not isinstance(found, dict):
            message = _("Write an object with names and values.")
            raise Refused(message, [Detail("document", message)])
        return found

    return given, document


def _key(value: Any) -> int:
    """The key of a project, as a number or, in forms, as text."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        message = _("Write a whole number.")
        raise Refused(
            _("Some values cannot be taken: %(fields)s.") % {"fields": "project_id"}, [Detail("project_id", message)]
        )
    return int(text)


def _words(given: dict[str, Any]) -> dict[str, str]:
    found = {}
    for name in _WORDS:
        value = given.get(name)
        if name == "labels" and isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = ",".join(value)
        if value is not None and not isinstance(value, str):
            message = _("Write text.")
            raise Refused(_("Some values cannot be taken: %(fields)s.") % {"fields": name}, [Detail(name, message)])
        found[name] = value or ""
    return found
