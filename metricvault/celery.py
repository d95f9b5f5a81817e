"""The Celery application: `celery -A metricvault worker`, `celery -A metricvault beat`."""

import os
from pathlib import Path

from celery import Celery
from celery.signals import heartbeat_sent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")

app = Celery("metricvault")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@heartbeat_sent.connect
def show_life(**kwargs: object) -> None:
    """Touches the file that METRICVAULT_HEARTBEAT names, every 2 s while the worker has its broker: a container's
    health check looks at it, for a fraction of what `celery inspect ping` costs beside a load test."""
    if path := os.environ.get("METRICVAULT_HEARTBEAT"):
        Path(path).touch()
