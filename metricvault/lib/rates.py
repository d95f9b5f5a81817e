"""How often something may happen, by the library `limits`: counted in Redis for all processes, or in this one.

A limit never stands in the way of the product: where Redis does not answer, each process counts for itself for a while,
and nobody waits for it again meanwhile.
"""

import hashlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from django.utils.translation import gettext as _
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from metricvault.lib.errors import NotSignedIn, TooMany

logger = logging.getLogger(__name__)
_OFF = frozenset({"", "off", "0"})
_QUIET = 10.0  # seconds for which a Redis that did not answer is not asked again
_PATIENCE = 0.3  # seconds in which it has to answer


def read_rate(text: str) -> RateLimitItem | None:
    """ "30/minute" or "500 per 5 seconds" (limits.readthedocs.io); None for "off". Raises ValueError."""
    return None if text.strip().lower() in _OFF else parse(text)


@dataclass
class Counter:
    """Counts against limits. `redis_url`: as in REDIS_URL; "" for this process alone."""

    redis_url: str = ""
    _own: SlidingWindowCounterRateLimiter = field(init=False)
    _shared: SlidingWindowCounterRateLimiter | None = field(init=False, default=None)
    _again_at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        if self.redis_url:
            self._shared = SlidingWindowCounterRateLimiter(_redis(self.redis_url))

    def hit(self, limit: RateLimitItem, *who: str) -> int:
        """Counts one; answers 0, or after how many seconds to come again where it is one too many."""
        return self._ask(limit, who, count=True)

    def wait(self, limit: RateLimitItem, *who: str) -> int:
        """The same without counting."""
        return self._ask(limit, who, count=False)

    def _ask(self, limit: RateLimitItem, who: tuple[str, ...], *, count: bool) -> int:
        if self._shared is not None and time.monotonic() >= self._again_at:
            try:
                return _asked(self._shared, limit, who, count=count)
            except Exception as problem:  # whatever Redis has: a limit is not worth an error
                self._again_at = time.monotonic() + _QUIET
                logger.warning("rates are counted by each process until Redis is back: %s", type(problem).__name__)
        return _asked(self._own, limit, who, count=count)


def _asked(limiter: SlidingWindowCounterRateLimiter, limit: RateLimitItem, who: tuple[str, ...], *, count: bool) -> int:
    if limiter.hit(limit, *who) if count else limiter.test(limit, *who):
        return 0
    return max(1, math.ceil(limiter.get_window_stats(limit, *who).reset_time - time.time()))


def _redis(url: str) -> Storage:
    address = url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url
    patience = {"socket_timeout": _PATIENCE, "socket_connect_timeout": _PATIENCE}
    storage: Storage = storage_from_string(address, **patience)  # type: ignore[assignment]
    return storage


@cache
def counter(redis_url: str) -> Counter:
    """The one of this process."""
    return Counter(redis_url)


_trusted: "OrderedDict[str, None]" = OrderedDict()  # digests of what was found to be right
_MOST_TRUSTED = 10_000


@contextmanager
def guessing(kind: str, address: str, secret: str) -> Iterator[None]:
    """Around a look at whether `secret` is right, which raises `NotSignedIn` where it is not. Once `address` had too
    many wrong ones, it is told to wait before anything is looked at: `TooMany`; only what was right before is let
    through, so that nobody is shut out by a neighbour."""
    limit = settings.METRICVAULT_RATES["refused"]
    if limit is None:
        yield
        return
    count = counter(settings.REDIS_URL)
    digest = hashlib.sha256(f"{kind}:{secret}".encode()).hexdigest()
    if digest not in _trusted and (seconds := count.wait(limit, kind, address)):
        raise TooMany(_("Too many wrong tokens came from your address. Wait a moment."), retry_after=seconds)
    try:
        yield
    except NotSignedIn:
        _trusted.pop(digest, None)
        count.hit(limit, kind, address)
        raise
    _trusted[digest] = None
    while len(_trusted) > _MOST_TRUSTED:
        with suppress(KeyError):
            _trusted.popitem(last=False)
