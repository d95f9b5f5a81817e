"""The web process: open streams on the event loop, everything else by Django."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")
os.environ.setdefault("METRICVAULT_DATABASE_POOL", "8")

_django = get_asgi_application()

from history.live.streams import Streams  # noqa: E402  needs Django to be set up

application = Streams(_django)
