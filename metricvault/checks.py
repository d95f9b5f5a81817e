"""Misconfiguration as system checks: an id, what is wrong, and what to do."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from metricvault.lib.addresses import is_loopback


@register("metricvault")
def open_access(**kwargs: Any) -> list[CheckMessage]:
    """Open access has no login, so it may be heard on this machine only. A web process looks for itself, too
    (`metricvault.listening`)."""
    if settings.METRICVAULT_OPEN_ACCESS and not is_loopback(settings.METRICVAULT_BIND):
        return [
            Error(
                f"Open access would let everyone who reaches {settings.METRICVAULT_BIND} start load.",
                hint="Unset METRICVAULT_OPEN_ACCESS, or bind to 127.0.0.1.",
                id="metricvault.E001",
            )
        ]
    return []


@register("metricvault")
def cluster(**kwargs: Any) -> list[CheckMessage]:
    """Pods push their numbers to the web process: an address of this machine alone reaches nobody from there."""
    host = urlsplit(settings.METRICVAULT_INGEST_URL).hostname or ""
    if settings.METRICVAULT_RUNNER == "kubernetes" and is_loopback(host):
        return [
            Error(
                f"Load generators on Kubernetes cannot reach {settings.METRICVAULT_INGEST_URL}.",
                hint="Set METRICVAULT_INGEST_URL to the address of the web process as pods see it.",
                id="metricvault.E005",
            )
        ]
    return []


@register("metricvault", deploy=True)
def production(**kwargs: Any) -> list[CheckMessage]:
    """What production needs from the environment."""
    found: list[CheckMessage] = []
    if settings.SECRET_KEY == settings.INSECURE_SECRET_KEY:
        found.append(
            Error("SECRET_KEY is not set.", hint="Set SECRET_KEY to 50 random characters.", id="metricvault.E002")
        )
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        found.append(
            Warning(
                "SQLite serves one machine only.",
                hint="Set DATABASE_URL to a PostgreSQL address.",
                id="metricvault.W003",
            )
        )
    if not settings.METRICVAULT_ALLOWED_TARGETS:
        found.append(
            Error(
                "METRICVAULT_ALLOWED_TARGETS is not set: no load test can start.",
                hint="Name the hosts that may be loaded, for example *.staging.example.com,10.0.0.0/8; * for all.",
                id="metricvault.E006",
            )
        )
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Warning(
                "ALLOWED_HOSTS takes every name: a page of another site can speak to this copy by a name of its own.",
                hint="Name the hosts under which people reach the product.",
                id="metricvault.W007",
            )
        )
    if not settings.REDIS_URL:
        found.append(
            Error(
                "REDIS_URL is not set: workers and live pages cannot reach each other.",
                hint="Set REDIS_URL, for example redis://redis:6379/0.",
                id="metricvault.E004",
            )
        )
    return found
