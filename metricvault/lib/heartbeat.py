"""The sign of life of the sweep, kept in Redis: whoever looks can tell whether beat and a worker do their work."""

import logging
import time

from django.conf import settings
from redis import Redis, RedisError

logger = logging.getLogger(__name__)
_KEY = "metricvault:last-sweep"


def note_sweep() -> None:
    """Notes that a sweep ran now; never raises."""
    if not settings.REDIS_URL:
        return
    try:
        with _client() as client:
            client.set(_KEY, f"{time.time():.1f}", ex=86_400)
    except (RedisError, OSError):
        logger.warning("the sweep's sign of life could not be kept", exc_info=True)


def last_sweep() -> float | None:
    """When the last sweep ran, seconds since the epoch; None where nothing is known. Raises RedisError."""
    with _client() as client:
        value = client.get(_KEY)
    return float(str(value)) if value is not None else None


def _client() -> "Redis":
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2, decode_responses=True)
