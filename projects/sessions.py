"""Sessions of people who logged in with a browser: where they are, and how they end.

Django keeps the session itself (`django.contrib.sessions`, in the database). A `LoginSession` says whose it is; it
begins at the login and goes with the session: at the logout, when somebody ends it, when it expires (`forget_ended`).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from projects.audit import address_of
from projects.models import LoginSession

SEEN_EVERY = timedelta(minutes=1)  # so often it is written down that a session was used
OIDC_BACKEND = "projects.oidc.ProviderBackend"
_noted: dict[str, datetime] = {}  # by key: when this process last did so
_MOST_NOTED = 10_000
# What a browser calls itself holds the names of others, too: the first that is found is right.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"), ("CriOS", "Chrome"), ("HeadlessChrome", "Chrome"), ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def begin(request: HttpRequest, user: User, now: datetime) -> None:
    """A person logged in. `request.session` may have no key yet, where it was somebody else's before."""
    if request.session.session_key is None:
        request.session.create()
    backend = request.session.get(BACKEND_SESSION_KEY)
    way = LoginSession.Way.OIDC if backend == OIDC_BACKEND else LoginSession.Way.PASSWORD
    LoginSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "way": way,
            "address": address_of(request),
            "user_agent": request.headers.get("User-Agent", "")[:300],
            "seen_at": now,
        },
    )
    _note(str(request.session.session_key), now)


def follow(before: str, after: str | None) -> None:
    """Django gave a session another key, or ended it (`after` is None or somebody else's)."""
    rows = LoginSession.objects.filter(session_key=before)
    if after is None or LoginSession.objects.filter(session_key=after).exists():
        rows.delete()
    else:
        rows.update(session_key=after)


def sessions_of(user: User) -> list[LoginSession]:
    """Those that still live, the last used first."""
    return list(LoginSession.objects.filter(user=user, session_key__in=_living(timezone.now())))


def end(rows: QuerySet[LoginSession]) -> int:
    """Ends sessions at once: whoever uses them has to log in again. How many there were."""
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    LoginSession.objects.filter(session_key__in=keys).delete()
    return len(keys)


def end_all(user: User, keep: str | None = None) -> int:
    """Ends the sessions of a person, except the one with the key `keep`."""
    return end(LoginSession.objects.filter(user=user).exclude(session_key=keep or ""))


def forget_ended(now: datetime) -> None:
    """Sessions that expired, and the rows of those that are gone."""
    Session.objects.filter(expire_date__lte=now).delete()
    LoginSession.objects.exclude(session_key__in=_living(now)).delete()


def _living(now: datetime) -> QuerySet[Session, str]:
    return Session.objects.filter(expire_date__gt=now).values_list("session_key", flat=True)


def browser_in_words(user_agent: str) -> str:
    """ "Firefox on Linux"; for what is no browser its own first word, such as "curl/8.5"."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or user_agent.partition(" ")[0][:40] or _("unknown")


class SeenMiddleware:
    """Writes down that a session was used, and follows it when Django gives it another key."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.session.accessed:
            before, after = request.COOKIES.get(settings.SESSION_COOKIE_NAME), request.session.session_key
            if before and before != after:
                follow(before, after)
            if after:
                _see(request, after, timezone.now())
        return response


def _see(request: HttpRequest, key: str, now: datetime) -> None:
    last = _noted.get(key)
    if BACKEND_SESSION_KEY not in request.session or (last is not None and now - last < SEEN_EVERY):
        return
    user = request.user
    if not isinstance(user, User) or hasattr(user, "only_project_id"):
        return  # nobody any more; or a token, whoever's the session would be
    _note(key, now)
    row = LoginSession.objects.filter(session_key=key)
    if row.filter(seen_at__lte=now - SEEN_EVERY).update(seen_at=now, address=address_of(request)) or row.exists():
        return
    if _living(now).filter(session_key=key).exists():  # it is older than this table
        begin(request, user, now)


def _note(key: str, now: datetime) -> None:
    if len(_noted) >= _MOST_NOTED:
        _noted.clear()
    _noted[key] = now
