"""Addresses of host names, for judging whether load may go there: looked up for a moment, remembered for a while.

Whoever waits for a page waits no longer than `PATIENCE`. Each process remembers what it found for itself.
"""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from projects.addresses import look_up, look_up_before

PATIENCE = 1.0  # seconds
KEPT, FORGOTTEN = 30.0, 10.0  # seconds for which a name is remembered, and one that was not found
_MOST = 1000
_AT_ONCE = 16
_known: dict[str, tuple[float, tuple[str, ...]]] = {}


def addresses_of(host: str) -> tuple[str, ...]:
    """The addresses of a name; () where it has none, or where nobody says so in time."""
    until, found = _known.get(host, (0.0, ()))
    if time.monotonic() < until:
        return found
    try:
        found = tuple(look_up_before(PATIENCE, look_up, host, 80))
    except (OSError, UnicodeError):  # a TimeoutError is one, too
        found = ()
    if len(_known) >= _MOST:
        _known.clear()
    _known[host] = (time.monotonic() + (KEPT if found else FORGOTTEN), found)
    return found


def look_up_all(hosts: Iterable[str]) -> None:
    """Finds the addresses of many names in the time of one."""
    wanted = sorted({host for host in hosts if time.monotonic() >= _known.get(host, (0.0, ()))[0]})
    if len(wanted) > 1:
        with ThreadPoolExecutor(min(len(wanted), _AT_ONCE)) as threads:
            list(threads.map(addresses_of, wanted))


def forget() -> None:
    """Nothing is remembered any more."""
    _known.clear()
