"""What opens a dashboard without a cookie."""

import json
import re
from dataclasses import asdict, replace
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.utils.translation import gettext as _

from history.live.rights import Right, lost
from metricvault.lib.asgi import App, Receive, Scope, Send
from metricvault.lib.errors import NotAllowed
from projects.sealing import DASHBOARDS, seal_text, unseal_text

_SALT = "metricvault.k6-dashboard"
_PLACE = r"/runs/\d{1,18}/k6-dashboard/[\w-]+/[^/]+/"
_WITH_TICKET = re.compile(f"{_PLACE}.*")
STREAM = re.compile(f"{_PLACE}events")  # what `history.live.streams` has to stream
# Of the caller's headers. No cookie and no Authorization, for the ticket is all; no origin, for the page has none.
_KEPT = {b"host", b"accept", b"accept-language", b"user-agent", b"last-event-id", b"x-forwarded-proto", b"x-request-id"}


def make_ticket(user: User, run: int, instance: str, right: Right | None = None) -> str:
    """A ticket for the dashboard of one generator. It ends with `right`, that of who asks for it."""
    right = right or Right(user.pk, run)
    # Sealed, for the key of a session must not stand in an address.
    return signing.dumps([instance, seal_text(json.dumps(asdict(right)), DASHBOARDS)], salt=_SALT)


def holder(ticket: str, run: int, instance: str) -> tuple[User, Right]:
    """Whom the ticket was given to, and what it stands on; `NotAllowed` where it is none, is for another dashboard, too
    old, or stands on nothing any more but the run, which is for `get_run` to say."""
    longest = timedelta(hours=settings.SCHEDULER_JOB_TIMEOUT_HOURS)
    try:
        place, sealed = signing.loads(ticket, salt=_SALT, max_age=longest)
        right = Right(**json.loads(unseal_text(sealed, DASHBOARDS) or "null"))
    except (signing.BadSignature, ValueError, TypeError):
        right = None
    user = None
    if right is not None and (place, right.run) == (instance, run) and not lost({replace(right, run=None)}):
        user = User.objects.filter(pk=right.user, is_active=True).first()
    if user is None or right is None:
        raise NotAllowed(_("This page of k6's dashboard is too old. Open it again from the page of the run."))
    return user, right


class Tickets:
    """An ASGI application before all others: what comes with a ticket comes with nothing else."""

    def __init__(self, rest: App) -> None:
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the process."""
        if scope["type"] == "http" and _WITH_TICKET.fullmatch(scope["path"]):
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() in _KEPT]}
        await self._rest(scope, receive, send)
