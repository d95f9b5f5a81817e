"""Where the server that runs this application was told to listen, which is no setting of ours."""

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from metricvault.lib.addresses import is_loopback


def check_open_access() -> None:
    """Raises `ImproperlyConfigured`, so that the server does not start, where a copy without login would be heard
    beyond this machine. To be called while the server loads the application."""
    if not settings.METRICVAULT_OPEN_ACCESS:
        return
    for address in (settings.METRICVAULT_BIND, *_told()):
        if not is_loopback(address):
            raise ImproperlyConfigured(
                f"Open access would let everyone who reaches {address} start load. "
                "Unset METRICVAULT_OPEN_ACCESS, or let the server listen on 127.0.0.1 (--host, METRICVAULT_BIND)."
            )


def _told() -> Iterator[str]:
    """The hosts of the uvicorn that is loading us: its configuration is further up the stack, the only place that has
    what came of --host, UVICORN_HOST, and a call of `uvicorn.run`."""
    server = sys.modules.get("uvicorn")
    frame: FrameType | None = sys._getframe()
    while server is not None and frame is not None:
        found: Any = frame.f_locals.get("self")
        if isinstance(found, server.Config):
            yield found.host if found.fd is None and found.uds is None else str(found.uds or f"file {found.fd}")
        frame = frame.f_back
