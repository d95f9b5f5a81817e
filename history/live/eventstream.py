"""Live messages to browsers by django-eventstream; the only module that imports it."""

import logging
from collections.abc import Iterable

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django_eventstream import send_event
from django_eventstream.channelmanager import ChannelManagerBase
from django_eventstream.views import events

from history.access import get_run
from history.live.events import LiveMessage
from metricvault.lib.errors import Malformed
from projects.access import require_user

logger = logging.getLogger(__name__)
_ALL = "all"


def publish(message: LiveMessage, readers: Iterable[int]) -> None:
    """Sends one message to the run's page, to the streams of `readers` (user ids), and to administrators.

    Never raises: a tick may be lost, a run may not.
    """
    for channel in (f"run-{message['test_history_id']}", _ALL, *(f"user-{reader}" for reader in readers)):
        try:
            send_event(channel, "message", message)
        except Exception:
            logger.warning("live message to %s lost", channel, exc_info=True)
            return


class RunChannels(ChannelManagerBase):
    """Which channels a request may listen to. Access to a run was checked by `k6_data`, before the stream began."""

    def get_channels_for_request(self, request: HttpRequest, view_kwargs: dict[str, object]) -> set[str]:
        """`run-ID` for one run, else all that the user may see."""
        if "channel" in view_kwargs:
            return {str(view_kwargs["channel"])}
        return set()

    def can_read_channel(self, user: User | None, channel: str) -> bool:
        """The channel was chosen by us."""
        return True

    def is_channel_reliable(self, channel: str) -> bool:
        """Nothing is stored: a page that opens late reads the timeline."""
        return False


@login_not_required
@require_GET
def k6_data(request: HttpRequest) -> HttpResponseBase:
    """`GET /sse/k6-data?test_history_id=`: the live messages of one run, or of every run the caller may see."""
    user = require_user(request)
    wanted = request.GET.get("test_history_id", "")
    if not wanted:
        channel = _ALL if user.is_superuser else f"user-{user.pk}"
    elif wanted.isdecimal() and len(wanted) < 19:
        channel = f"run-{get_run(user, int(wanted)).pk}"
    else:
        raise Malformed(_("test_history_id is the number of a run."))
    response: HttpResponseBase = events(request, channel=channel)
    response.headers["Cache-Control"] = "no-cache"
    return response
