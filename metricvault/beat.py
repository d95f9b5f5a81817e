"""The Celery application as beat needs it: `celery -A metricvault.beat beat`. Settings, the schedule, the broker.

Tasks go by name. Without tables, pages and what the tasks need, a start costs less than half.
"""

import os
from logging.config import dictConfig

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")

app = Celery("metricvault", fixups=[])  # Celery's own for Django would load all applications
app.config_from_object("django.conf:settings", namespace="CELERY")
dictConfig(settings.LOGGING)
