"""The Celery application: `celery -A metricvault worker`, `celery -A metricvault beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")

app = Celery("metricvault")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
