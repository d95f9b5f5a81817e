"""Is the process alive, and is the product ready: each part is tried for real."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from history.metrics.stores import open_store
from loadtests.runners import find_k6
from metricvault import __version__

logger = logging.getLogger(__name__)


@login_not_required
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Says nothing of its parts."""
    return HttpResponse("ok\n", content_type="text/plain")


def ready() -> JsonResponse:
    """`{"status": "ok", "version", "checks": {...}}`; 503 and "degraded" where a part fails (REST.md)."""
    parts: dict[str, Callable[[], object]] = {
        "database": _database,
        "broker": _broker,
        "metrics_store": lambda: open_store().check(),
        "runner": _runner,
    }
    checks = {name: _tried(name, part) for name, part in parts.items()}
    well = all(answer == "ok" for answer in checks.values())
    body = {"status": "ok" if well else "degraded", "version": __version__, "checks": checks}
    return JsonResponse(body, status=200 if well else 503)


def _tried(name: str, part: Callable[[], object]) -> str:
    try:
        part()
    except Exception as error:
        # The log has the whole error; a stranger who may ask this only learns which part fails.
        logger.warning("%s is not ready: %s", name, error)
        return "failed"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _broker() -> None:
    if not settings.REDIS_URL:
        return
    from redis import Redis

    with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2) as client:
        client.ping()


def _runner() -> None:
    if not find_k6(settings.METRICVAULT_K6_BINARY):
        raise FileNotFoundError("there is no k6 here")
