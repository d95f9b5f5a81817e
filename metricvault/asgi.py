"""The web process: open streams and k6's pushes and tokens without the weight of pages, everything else by Django."""

import gc
import os

from django.core.asgi import get_asgi_application

gc.disable()  # what is imported stays: there is no garbage in it to look for
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")
os.environ.setdefault("METRICVAULT_PROCESS", "web")

_django = get_asgi_application()

from metricvault.gate import Gate  # noqa: E402  needs Django to be set up
from metricvault.listening import check_open_access  # noqa: E402

check_open_access()

from history.ingest import Pushes  # noqa: E402
from history.live.streams import Streams  # noqa: E402
from loadtests.dashboards import STREAM, Tickets  # noqa: E402
from loadtests.token_views import Tokens  # noqa: E402
from metricvault import urls  # noqa: E402, F401  now, and not with the first request

application = Gate(Tickets(Streams(Pushes(Tokens(_django)), STREAM)))

# What is there now stays: garbage is looked for among what requests make, not among all modules. An answer was held up
# by 0.1 s each time (bench.builder_edits).
gc.freeze()
gc.enable()
