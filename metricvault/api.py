"""The REST API: its routers, who may call it, and its one error shape (REST.md)."""

import copy
import logging
import secrets
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from history.api import router as history_router
from history.comparing_api import router as comparing_router
from history.exports.api import router as exports_router
from history.failures_api import router as failures_router
from history.importing_api import router as importing_router
from history.labelling_api import router as labelling_router
from history.seconds_api import router as seconds_router
from history.trends_api import router as trends_router
from history.waiting import router as waiting_router
from loadtests.api import router as loadtests_router
from loadtests.plan_api import router as plan_router
from loadtests.trying_api import router as trying_router
from metricvault import __version__
from metricvault.api_examples import show_example
from metricvault.lib.errors import Detail, Malformed, Missing, NotAllowed, NotSignedIn, ProductError, Refused, TooLarge
from metricvault.lib.invalid import sentence
from projects import refusals
from projects.api import router as projects_router
from projects.audit_api import router as audit_router
from projects.environment_api import router as environments_router

logger = logging.getLogger(__name__)


def signed_in(request: HttpRequest) -> Any:
    """The person of the session, or of the open-access copy."""
    return request.user if request.user.is_authenticated else None


_ERRORS = {
    "400": "The request cannot be read",
    "401": "Nobody is logged in",
    "403": "The person may look, but not do this",
    "404": "There is no such thing, or not for this person",
    "405": "This address takes another method",
    "409": "Not in this state",
    "413": "More than the product takes",
    "415": "A form or plain text, where JSON is taken",
    "422": "It breaks a rule; details name each field",
    "429": "Too often; the header Retry-After says when to come again",
    "502": "An address that was to be read does not answer",
}
_ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "message"],
                        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                    },
                },
            },
        }
    },
}
# What is served outside of ninja, described all the same.
_BESIDE: dict[str, Any] = {
    "/": {
        "get": {
            "operationId": "health",
            "summary": "Health check",
            "description": "For programs; a browser gets the dashboard.",
            "tags": ["Health"],
            "responses": {
                "200": {"description": "Everything works", "content": {"application/json": {}, "text/html": {}}},
                "503": {"description": "A part fails", "content": {"application/json": {}}},
            },
        }
    },
    "/sse/k6-data": {
        "get": {
            "operationId": "live_messages",
            "summary": "Live numbers, one message a second and run",
            "description": "Server-sent events; docs/live-events.md describes the messages.",
            "tags": ["Results"],
            "parameters": [{"name": "test_history_id", "in": "query", "schema": {"type": "integer", "minimum": 1}}],
            "responses": {"200": {"description": "The stream", "content": {"text/event-stream": {}}}},
        }
    },
}


class DescribedAPI(NinjaAPI):
    """Describes with each operation the errors that all of them share, and what it answered once."""

    _described: Any = None

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> Any:
        """The OpenAPI document: made once, for whoever asks costs a third of a second of work otherwise."""
        if self._described is None:
            self._described = self._describe(*args, **kwargs)
        return self._described

    def _describe(self, *args: Any, **kwargs: Any) -> Any:
        document = super().get_openapi_schema(*args, **kwargs)
        document.setdefault("components", {}).setdefault("schemas", {})["Error"] = _ERROR_SCHEMA
        document["paths"] = {**document["paths"], **copy.deepcopy(_BESIDE)}
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        for name, path in document["paths"].items():
            for method, operation in path.items():
                known = {str(status): answer for status, answer in operation["responses"].items()}
                errors = {status: {"description": text, "content": content} for status, text in _ERRORS.items()}
                operation["responses"] = {**errors, **known}
                show_example(f"{method.upper()} {name}", operation)
                for parameter in operation.get("parameters", ()):
                    if isinstance(parameter.get("examples"), list):  # JSON Schema's word, another thing in OpenAPI
                        parameter["example"] = parameter.pop("examples")[0]
        return document


api = DescribedAPI(
    title="Metric Vault",
    version=__version__,
    description="Load testing of HTTP APIs. Response times are milliseconds, TPS requests per second, error rates "
    "percent from 0 to 100, durations seconds; a metric that was not measured is null.",
    docs_url="/api/swagger",
    openapi_url="/api/openapi.json",
    auth=[signed_in],
    urls_namespace="api-1",
)
api.add_router("", projects_router)
api.add_router("", environments_router)
api.add_router("", loadtests_router)
api.add_router("", plan_router)
api.add_router("", trying_router)
api.add_router("", history_router)
api.add_router("", failures_router)
api.add_router("", comparing_router)
api.add_router("", trends_router)
api.add_router("", labelling_router)
api.add_router("", exports_router)
api.add_router("", importing_router)
api.add_router("", seconds_router)
api.add_router("", waiting_router)
api.add_router("", audit_router)


def _answer(request: HttpRequest, error: ProductError) -> HttpResponse:
    answer: HttpResponse = api.create_response(request, error.as_dict(), status=error.status)
    for name, value in error.headers.items():
        answer.headers[name] = value
    return answer


@api.exception_handler(ProductError)
def product_error(request: HttpRequest, error: ProductError) -> HttpResponse:
    """Errors of ours, as they are; a refusal is noted for the audit."""
    refusals.note(request, error)
    return _answer(request, error)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """What ninja found wrong with a query or a body, each with its field."""
    details = [Detail(_field(one.get("loc", ())), sentence(one)) for one in error.errors]
    names = ", ".join(sorted({detail.field for detail in details if detail.field}))
    message = _("Some values cannot be taken: %(fields)s.") % {"fields": names or "-"}
    return _answer(request, Refused(message, details))


def _field(location: Any) -> str:
    # ninja puts the source in front, and for a body the argument's name: ("body", "data", "title").
    parts = [str(part) for part in location]
    if parts and parts[0] == "body":
        parts = parts[2:]
    elif parts and parts[0] in {"query", "path", "header", "cookie", "form", "file"}:
        parts = parts[1:]
    return ".".join(parts)


@api.exception_handler(AuthenticationError)
def not_signed_in(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    """Nobody behind the request."""
    return _answer(request, NotSignedIn(_("Log in first.")))


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Ninja's own: above all a body that is no JSON."""
    kind = {400: Malformed, 403: NotAllowed, 404: Missing}.get(error.status_code, Malformed)
    return _answer(request, kind(_("The body is not valid JSON.") if error.status_code == 400 else str(error)))


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    """More than the whole product takes."""
    return _answer(request, TooLarge(_("The request is too large; at most 20 MB are taken.")))


@api.exception_handler(MultiPartParserError)
@api.exception_handler(SuspiciousOperation)
def no_form(request: HttpRequest, error: Exception) -> HttpResponse:
    """A form that is none, or has thousands of fields."""
    return _answer(request, Malformed(_("The body is not a form that can be read.")))


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    """An object that is not there."""
    return _answer(request, Missing(_("There is nothing at this address.")))


@api.exception_handler(Exception)
def unknown(request: HttpRequest, error: Exception) -> HttpResponse:
    """Never a traceback: an incident number that the log has too."""
    incident = secrets.token_hex(4)
    logger.exception("incident %s at %s %s", incident, request.method, request.path)
    message = _("Something went wrong on our side. Tell your administrator the incident number %(id)s.")
    return _answer(request, ProductError(message % {"id": incident}))
