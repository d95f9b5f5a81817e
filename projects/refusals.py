"""What was refused, for the audit: to whom, from where, why; and never more of it than the table bears.

Refused means: a person or program was not let do what they asked for. So 401 for a login or token that does not count,
403, 429, a start beyond what an administrator allows, and, for whoever may not see everything, an object that is not
there or not theirs: which of the two is not looked up, so that the time of an answer tells no stranger what there is.
Typing errors (400, 409, 422) are no refusals, and neither is an address that nobody ever had.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _

from metricvault.lib.errors import Missing, NotSignedIn, ProductError
from projects import audit
from projects.access import sees_everything
from projects.models import Project

logger = logging.getLogger(__name__)
EACH = 20  # a minute, of one address and one reason, are written down one by one
ALL = 600  # a minute, of all together
_MINUTE = 60
_NOTED = "refusal_noted"
_STATUSES = frozenset({401, 403, 404, 429})
_own: Counter[str] = Counter()
_MOST_OWN = 10_000


def note(request: HttpRequest, error: ProductError) -> None:
    """Writes down what `error` refuses to whoever is behind `request`, once for each request. Never raises."""
    noted = getattr(request, _NOTED, False) or getattr(error, _NOTED, False)
    if error.status in _STATUSES and not noted and _is_refusal(request, error):
        setattr(request, _NOTED, True)
        who = audit.who_acts()
        if isinstance(error, NotSignedIn):  # whoever else the request might be from: it showed a token of nobody
            who = replace(who, actor_id=None, actor_name="")
        with audit.acting(who):
            write(f"{request.method} {request.path} · {error.message}", error.code, who.address)


def forget(error: ProductError) -> None:
    """`note` leaves out this error: it was written down where it arose, where more is known."""
    setattr(error, _NOTED, True)


def write(
    detail: str,
    reason: str,
    address: str | None = None,
    thing: models.Model | None = None,
    project: Project | None = None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Writes a refusal down. Of many in one minute, of the same network and reason, the first `EACH` are; then one each
    time their number has become ten times as large, which says how many there are by then."""
    minute = int(clock() // _MINUTE)
    number = _count(f"refused:{minute}:{reason}:{_network(address)}")
    if number > EACH:
        if not _is_round(number):
            return
        detail = _("%(count)s of this kind from there in one minute; the last: %(what)s") % {
            "count": f"{number:,}", "what": detail
        }  # fmt: skip
    elif _count(f"refused:{minute}") > ALL:
        return
    audit.record(audit.Action.REFUSED, thing, project=project, detail=detail)


def _is_refusal(request: HttpRequest, error: ProductError) -> bool:
    user = getattr(request, "user", None)
    known = isinstance(user, User) and user.is_authenticated
    if isinstance(error, NotSignedIn):
        return "Authorization" in request.headers  # nobody tried to be somebody otherwise: a page asks for the login
    if isinstance(error, Missing):
        narrowed = isinstance(user, User) and not (user.is_superuser and sees_everything(user))
        return known and narrowed and request.resolver_match is not None
    return True


def _network(address: str | None) -> str:
    """One of IPv4, 64 bits of IPv6: what one machine can make up addresses in."""
    if address is None:
        return "-"
    found = ip_address(address)
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _count(key: str) -> int:
    """How often it was asked; in this process alone while the cache is away."""
    try:
        cache.add(key, 0, 2 * _MINUTE)
        return int(cache.incr(key))
    except Exception:  # each backend has errors of its own
        logger.warning("refusals are counted in each process: the cache is away", exc_info=True)
        if len(_own) > _MOST_OWN:
            _own.clear()
        _own[key] += 1
        return _own[key]


def _is_round(number: int) -> bool:
    """100, 1,000, 10,000 …"""
    return str(number).strip("0") == "1" and number >= 100
