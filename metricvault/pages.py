"""The home page, the health check, and the pages of errors."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from history import dashboard
from history.metrics.stores import open_store
from loadtests.models import Plan
from loadtests.runners import KUBERNETES, RunnerError, open_runner
from metricvault import __version__
from metricvault.celery import app as celery
from metricvault.lib.errors import Malformed, Missing, NotAllowed, ProductError
from metricvault.lib.htmx import render_page
from metricvault.middleware import error_response, wants_json
from projects.access import visible_projects
from projects.models import Endpoint


@login_not_required
@require_safe
@vary_on_headers("Accept")
def home(request: HttpRequest) -> HttpResponseBase:
    """`GET /`: the dashboard for a browser, the health check for anyone else."""
    if wants_json(request) and not request.htmx:  # type: ignore[attr-defined]
        return readiness(request)
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    runs = dashboard.runs_by_project(request.user)
    if not runs:
        return render(request, "home/first.html", first_steps(request.user))
    active = dashboard.active(request.user)
    context: dict[str, Any] = {
        "active": active,
        "live_run_count": len(active),  # the frame need not count them again
        "finished": dashboard.verdicts(request.user),
        "worst": dashboard.worst(request.user),
    }
    if not request.htmx:  # type: ignore[attr-defined]
        context["cards"] = dashboard.cards(request.user, runs)
    return render_page(request, "home/home.html", "home/runs.html", context)


def first_steps(user: Any) -> dict[str, Any]:
    """What a newcomer has done, and what comes next: `step` 1 to 3."""
    project = visible_projects(user).order_by("-pk").first()
    has_endpoints = Endpoint.objects.filter(openapi_spec__project__in=visible_projects(user)).exists()
    plan = Plan.objects.filter(project__in=visible_projects(user)).order_by("-pk").first()
    step = 3 if plan else 2 if has_endpoints else 1
    return {"project": project, "plan": plan, "step": step, "checks": health()}


def health() -> dict[str, str]:
    """What the product stands on: "ok", or what is wrong in a few words."""
    return {
        "database": _tried(lambda: connection.cursor().execute("SELECT 1")),
        "broker": _tried(_ask_broker),
        "metrics_store": _tried(lambda: open_store().check()),
        "runner": _tried(_ask_runner),
    }


def _tried(check: Callable[[], Any]) -> str:
    try:
        check()
    except Exception as problem:  # whatever it is, the health check tells it instead of failing itself
        return str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
    return "ok"


def _ask_broker() -> None:
    with celery.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=2)


def _ask_runner() -> None:
    try:
        open_runner().check(to_launch=False)
    except RunnerError:
        if settings.METRICVAULT_RUNNER == KUBERNETES:
            raise
        raise ProductError(_("k6 was not found. Ask your administrator to install it.")) from None


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is alive; says nothing of what it stands on."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


def readiness(request: HttpRequest) -> JsonResponse:
    """`{"status", "version", "checks"}`; 503 and "degraded" where a check fails. What exactly fails is told to people
    who are logged in; a stranger learns only which part it is."""
    checks = health()
    well = all(result == "ok" for result in checks.values())
    if not request.user.is_authenticated:
        checks = {part: "ok" if result == "ok" else "failed" for part, result in checks.items()}
    body = {"status": "ok" if well else "degraded", "version": __version__, "checks": checks}
    return JsonResponse(body, status=200 if well else 503)


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return error_response(request, Missing(_("There is nothing at this address.")))


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return error_response(request, Malformed(_("The request could not be read.")))


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """403; also for a form whose token is missing or old."""
    if reason:
        return error_response(
            request, NotAllowed(_("The page was open too long. Load it again, then send the form again."))
        )
    return error_response(request, NotAllowed(_("You may not do this.")))


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """500 outside any view; what a view raises is answered by `metricvault.middleware.ErrorMiddleware`."""
    return error_response(request, ProductError(_("Something went wrong on our side. Try again.")))
