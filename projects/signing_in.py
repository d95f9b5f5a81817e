"""Login by password: how many failures are borne, from whom, and what somebody hears who had too many.

django-axes counts failures in the database, so that all web processes count together. Three limits hold at once, each
over the same minutes (docs/accounts.md): of a user name from one address, of one address whatever the names, and of a
user name wherever from, so that many addresses together do not guess one password (NIST SP 800-63B, 5.2.2: at most
100).
"""

import ipaddress
from datetime import timedelta
from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from metricvault.lib.errors import TooMany
from projects.audit import address_of

_NOWHERE = "0.0.0.0"  # noqa: S104  # nosec B104  # who comes from no address (a socket) shares one count
_SITE_BITS = 64  # a site has that many bits of an IPv6 address to itself (RFC 6177)


class ThrottleBackend(AxesStandaloneBackend):
    """Refuses a login by password while there were too many failures. Logs nobody in."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: Any
    ) -> None:
        """Raises PermissionDenied, after which Django asks no other backend."""
        if request is not None and username is not None:
            super().authenticate(request, username=username, password=password, **more)


class Failures(AxesDatabaseHandler):
    """axes knows one limit; here each way of counting has its own."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """The failures that count most, as if all limits were the first one."""
        limits = settings.METRICVAULT_LOGIN_LIMITS
        counted = zip(self.get_user_attempts(request, credentials), limits, strict=True)
        return max(_total(attempts) * limits[0] // limit for attempts, limit in counted)

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **more: Any
    ) -> None:
        """What fails without a user name, as single sign-on may, guesses no password."""
        if request is not None and credentials.get("username") is not None:
            super().user_login_failed(sender, credentials, request, **more)

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """After a login: only what the person failed from there. A guesser who has an account of their own would else
        begin anew by logging in to it."""
        mine = self.filter_user_attempts(request, credentials)[0]
        return int(mine.delete()[0])


def _total(attempts: Any) -> int:
    return int(attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0)


def counted_address(request: HttpRequest) -> str:
    """The address that failures are counted by: IPv4 whole, of IPv6 what belongs to one site."""
    found = address_of(request)
    if found is None:
        return _NOWHERE
    address = ipaddress.ip_address(found)
    if address.version == 4:
        return found
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network(f"{found}/{_SITE_BITS}", strict=False).network_address)


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The page of who had too many failures; 429, with the seconds after which it is over at the latest."""
    seconds = _seconds_left(request, credentials or {})
    context = {"minutes": -(-seconds // 60)}
    answer = render(request, "registration/locked.html", context, status=TooMany.status)
    answer.headers["Retry-After"] = str(seconds)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _seconds_left(request: HttpRequest, credentials: dict[str, Any]) -> int:
    counting = Q(ip_address=counted_address(request)) | Q(username=credentials.get("username"))
    last = AccessAttempt.objects.filter(counting).aggregate(last=Max("attempt_time"))["last"]
    now = timezone.now()
    return max(1, round(((last or now) + settings.AXES_COOLOFF_TIME - now).total_seconds()))


def unlock(attempts: Any) -> int:
    """Forgets failures, so that who made them can try again. How many rows went."""
    return int(attempts.delete()[0])


def forget_failures() -> None:
    """Failures that count no more."""
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    AccessAttempt.objects.filter(attempt_time__lte=timezone.now() - cool_off).delete()


def is_refused_unheard(request: HttpRequest | None) -> bool:
    """Whether a login failed because of earlier failures: its password was not looked at."""
    locked = bool(getattr(request, "axes_locked_out", False))
    return locked and getattr(request, "axes_failures_since_start", None) is None


def counted_failures() -> QuerySet[AccessAttempt]:
    """The failures that count now, each with the totals `by_0` … in the order of settings.METRICVAULT_LOGIN_LIMITS."""
    counting = AccessAttempt.objects.filter(attempt_time__gte=timezone.now() - settings.AXES_COOLOFF_TIME)
    totals = {}
    for number, fields in enumerate(settings.AXES_LOCKOUT_PARAMETERS):
        same = counting.filter(**{name: OuterRef(name) for name in fields}).order_by().values(*fields)
        totals[f"by_{number}"] = Subquery(same.annotate(total=Sum("failures_since_start")).values("total"))
    return counting.annotate(**totals)


def is_locked(row: AccessAttempt) -> bool:
    """Whether who made those failures would be refused unheard; `row` is of `counted_failures`."""
    limits = enumerate(settings.METRICVAULT_LOGIN_LIMITS)
    return any((getattr(row, f"by_{number}") or 0) >= limit for number, limit in limits)
