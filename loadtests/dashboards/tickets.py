"""What opens a dashboard without a cookie."""

import re
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.utils.translation import gettext as _

from metricvault.lib.asgi import App, Receive, Scope, Send
from metricvault.lib.errors import NotAllowed

_SALT = "metricvault.k6-dashboard"
_PLACE = r"/runs/\d{1,18}/k6-dashboard/[\w-]+/[^/]+/"
_WITH_TICKET = re.compile(f"{_PLACE}.*")
STREAM = re.compile(f"{_PLACE}events")  # what `history.live.streams` has to stream
# Of the caller's headers. No cookie and no Authorization, for the ticket is all; no origin, for the page has none.
_KEPT = {b"host", b"accept", b"accept-language", b"user-agent", b"last-event-id", b"x-forwarded-proto", b"x-request-id"}


def make_ticket(user: User, run: int, instance: str) -> str:
    """A ticket for the dashboard of one generator."""
    return signing.dumps([user.pk, run, instance], salt=_SALT)


def holder(ticket: str, run: int, instance: str) -> User:
    """Whom the ticket was given to; `NotAllowed` where it is none, is for another dashboard, or too old."""
    longest = timedelta(hours=settings.SCHEDULER_JOB_TIMEOUT_HOURS)
    try:
        person, *wanted = signing.loads(ticket, salt=_SALT, max_age=longest)
    except (signing.BadSignature, ValueError):
        person, wanted = None, []
    user = User.objects.filter(pk=person, is_active=True).first() if wanted == [run, instance] else None
    if user is None:
        raise NotAllowed(_("This page of k6's dashboard is too old. Open it again from the page of the run."))
    return user


class Tickets:
    """An ASGI application before all others: what comes with a ticket comes with nothing else."""

    def __init__(self, rest: App) -> None:
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the process."""
        if scope["type"] == "http" and _WITH_TICKET.fullmatch(scope["path"]):
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() in _KEPT]}
        await self._rest(scope, receive, send)
