"""`GET /metrics`: the product's own metrics for Prometheus."""

import hmac
from contextlib import suppress

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, generate_latest

from history.models import TestHistory
from history.states import Status
from metricvault.lib.errors import NotAllowed, NotSignedIn
from metricvault.lib.rates import guessing


@login_not_required
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """For administrators, and for who shows METRICVAULT_METRICS_TOKEN as a bearer token."""
    if not _may_read(request):
        raise NotAllowed(_("Log in as an administrator, or send METRICVAULT_METRICS_TOKEN as a bearer token."))
    body = generate_latest(REGISTRY) + generate_latest(_from_database())
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    token = settings.METRICVAULT_METRICS_TOKEN
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and shown:
        with suppress(NotSignedIn), guessing("metrics", request.META.get("REMOTE_ADDR", ""), shown):
            if not hmac.compare_digest(shown.encode(), token.encode()):
                raise NotSignedIn("")
            return True
    return bool(request.user.is_authenticated and getattr(request.user, "is_staff", False))


def _from_database() -> CollectorRegistry:
    """What is the same for all processes, read at the moment of asking."""
    registry = CollectorRegistry()
    runs = Gauge("metricvault_runs", "Runs, by state and outcome", ["status", "outcome"], registry=registry)
    for status in Status:
        runs.labels(status, "").set(0)
    by_end = TestHistory.objects.filter(deleted_at=None).order_by("status", "outcome").values("status", "outcome")
    for row in by_end.annotate(count=Count("pk")):
        runs.labels(row["status"], row["outcome"]).set(row["count"])
    return registry
