"""Which request counts against which rate (METRICVAULT_RATES; docs/security.md)."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch
from django.utils.translation import gettext as _

from metricvault.lib.errors import TooMany
from metricvault.lib.origins import SAFE
from metricvault.lib.rates import counter
from metricvault.middleware import error_response, is_api

GetResponse = Callable[[HttpRequest], HttpResponseBase]
EASE = 10  # so many times as much on a copy without login, which is one person's own
# By the pattern of the address, of what changes something.
_CHANGES = {
    "openapi/analyze": "import",
    "data-file": "import",
    "plan/file": "import",
    "test-history/import": "import",
    "projects/<int:pk>/import": "import",
    "projects/imports/<int:pk>/confirm": "import",
    "projects/<int:pk>/data": "import",
    "tests/import": "import",
    "runs/import/": "import",
    "load-testing": "start",
    "plan/<int:plan_id>/run": "start",
    "test-history/<int:run_id>/again": "start",
    "tests/<int:pk>/run": "start",
    "tests/runs/<int:run_pk>/again": "start",
    "load-testing/try": "try",
    "plan/<int:plan_id>/try": "try",
    "tests/<int:pk>/try": "try",
}
_FILES = ("export.csv", "export.json", "export.zip", "report.html", "junit.xml")
_LOGIN = ("accounts/login", "accounts/password", "admin/login")
_PROVIDER = ("accounts/oidc/", "accounts/oidc/callback/")  # links, and each begins something


class RateMiddleware:
    """429 with a sentence and Retry-After for who does something too often; who they are is known by now."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        """Before the view does it."""
        match = request.resolver_match
        if match is None:
            return None
        for what in _counts_as(match, request.method or ""):
            limit = settings.METRICVAULT_RATES[what]
            if limit is None:
                continue
            if settings.METRICVAULT_OPEN_ACCESS:
                limit = type(limit)(limit.amount * EASE, limit.multiples)
            if seconds := counter(settings.REDIS_URL).hit(limit, what, _who(request, what)):
                sentence = _("That is too much at once. Try again in %(seconds)d seconds.") % {"seconds": seconds}
                return error_response(request, TooMany(sentence, retry_after=seconds))
        return None


def _counts_as(match: ResolverMatch, method: str) -> Iterable[str]:
    if is_api(match):
        yield "api"
    if method not in SAFE:
        if match.route in _CHANGES:
            yield _CHANGES[match.route]
        elif match.route.startswith(_LOGIN):
            yield "login"
    elif match.route in _PROVIDER:
        yield "login"
    elif match.route.endswith(_FILES):
        yield "export"


def _who(request: HttpRequest, what: str) -> str:
    """A login counts for its address, an API token for itself."""
    if token := getattr(request, "api_token_id", None):
        return f"token {token}"
    if what != "login" and request.user.is_authenticated:
        return f"person {request.user.pk}"
    return f"address {request.META.get('REMOTE_ADDR', '')}"
