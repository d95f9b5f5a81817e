"""Who may come in, and how an error leaves."""

import logging
import re
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import ResolverMatch
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from metricvault.lib.addresses import is_loopback
from metricvault.lib.errors import NotAllowed, ProductError, WrongKind
from metricvault.lib.origins import SAFE, is_foreign, is_proven
from metricvault.lib.rates import guessing
from metricvault.lib.telemetry import about
from projects import audit, refusals
from projects.access import local_user
from projects.api_tokens import bearer_of, check_scope, sign_in

logger = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class WrongMethod(ProductError):
    status, code = 405, "method_not_allowed"


def wants_json(request: HttpRequest) -> bool:
    """Whether the caller is a program: it did not ask for a page."""
    return "text/html" not in request.headers.get("Accept", "")


def error_response(request: HttpRequest, error: ProductError) -> HttpResponse:
    """A product error as the API's shape, a toast, or a page; a refusal is noted for the audit."""
    refusals.note(request, error)
    if wants_json(request) and not getattr(request, "htmx", False):
        return JsonResponse(error.as_dict(), status=error.status, headers=error.headers)
    template = "errors/toast.html" if getattr(request, "htmx", False) else "errors/error.html"
    response = render(request, template, {"error": error}, status=error.status)
    for name, value in error.headers.items():
        response.headers[name] = value
    return response


class RequestIdMiddleware:
    """Names each request, in the log and to the caller; a proxy's name for it is kept."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked = request.headers.get("X-Request-ID", "")
        name = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(6)
        request.request_id = name  # type: ignore[attr-defined]  # read by projects.audit
        with about(request=name), audit.answering(request):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = name
        return response


class SameOriginMiddleware:
    """No page of another origin may send or read anything here, whatever cookies the browser adds. Links are fine."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        header, host = _header_of(request), request.get_host()
        trusted, tls = settings.CSRF_TRUSTED_ORIGINS, settings.SECURE_SSL_REDIRECT
        if is_foreign(request.method or "", header, host, trusted, tls=tls):
            return error_response(request, NotAllowed(_("This request came from another web site.")))
        return self.get_response(request)


def _header_of(request: HttpRequest) -> Callable[[str], str]:
    return lambda name: request.headers.get(name, "")


class OpenAccessMiddleware:
    """On a copy that only this machine reaches, everybody is the user `local`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.METRICVAULT_OPEN_ACCESS:
            if not is_loopback(request.META.get("REMOTE_ADDR", "")):
                return error_response(request, NotAllowed(_("This copy has no login: it answers to its own machine.")))
            if not request.user.is_authenticated:
                request.user = SimpleLazyObject(local_user)  # type: ignore[assignment]
        return self.get_response(request)


class BearerMiddleware:
    """A program with an API token, at the addresses for programs: the API and the live messages. Its token counts there
    and nothing else does, whoever else the request would be from."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        """Before the view, which asks who is there."""
        text, match = bearer_of(request), request.resolver_match
        if text is None or match is None or not (is_api(match) or match.url_name == "k6-data"):
            return None
        try:
            with guessing("token", request.META.get("REMOTE_ADDR", ""), text):
                token = sign_in(request, text)
            check_scope(token, request.method or "", match.route)
        except ProductError as error:
            return error_response(request, error)
        return None


class BodyMiddleware:
    """The API takes no body that a form of a web page could send: those need nobody's leave to go anywhere. Files come
    as forms, and some operations need no body; there a browser has to say that the page was ours."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        """Before the view, which reads the body."""
        match = request.resolver_match
        if match is None or not is_api(match) or request.method in SAFE or request.content_type not in _FORMS:
            return None
        if _has_body(request) and (request.content_type != _FILES or match.route not in _UPLOADS):
            sentence = _("This address takes JSON: send the header “Content-Type: application/json”.")
            return error_response(request, WrongKind(sentence))
        if not is_proven(_header_of(request)):
            return error_response(request, NotAllowed(_("A browser may send this from a page of this product only.")))
        return None


_FILES = "multipart/form-data"
# What a page may send anywhere without being asked for leave (Fetch, "CORS-safelisted request-header").
_FORMS = frozenset({"", _FILES, "application/x-www-form-urlencoded", "text/plain"})
_SHORT = 200  # bytes that the end of a form has at most
_UPLOADS = frozenset({"openapi/analyze", "data-file", "plan/file", "test-history/import"})


def _has_body(request: HttpRequest) -> bool:
    """A form without a field is none."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if request.content_type == _FILES and length.isdecimal() and int(length) < _SHORT:
        return not request.body.strip().endswith(b"--") or b"\r\n" in request.body.strip()
    return length not in {"", "0"} or "Transfer-Encoding" in request.headers


def is_api(match: ResolverMatch) -> bool:
    """Whether it is an address for programs."""
    return any(name.startswith("api-") for name in match.namespaces)


class PageLoginMiddleware(LoginRequiredMiddleware):
    """Pages ask for a login; the API answers 401 by itself."""

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        match = request.resolver_match
        if match is not None and is_api(match):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)


class ErrorMiddleware:
    """Turns what a view raises into an answer; an unknown error gets an incident id, never a traceback."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code == 405 and wants_json(request):
            allowed = response.headers.get("Allow", "")
            refusal = error_response(request, WrongMethod(_("This address takes %(methods)s.") % {"methods": allowed}))
            refusal.headers["Allow"] = allowed
            return refusal
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, ProductError):
            return error_response(request, exception)
        if settings.DEBUG or isinstance(exception, _left_to_django()):
            return None
        incident = secrets.token_hex(4)
        logger.exception("incident %s at %s %s", incident, request.method, request.path)
        message = _("Something went wrong on our side. Tell your administrator the incident number %(id)s.")
        return error_response(request, ProductError(message % {"id": incident}))


def _left_to_django() -> tuple[type[Exception], ...]:
    from django.core.exceptions import PermissionDenied, SuspiciousOperation
    from django.http import Http404

    return (Http404, PermissionDenied, SuspiciousOperation)
