"""Live messages to browsers by django-eventstream; the only module that imports it.

`publish` sends, `k6_data` says who may listen to what, `Stream` is an open stream. metricvault/asgi.py puts
`history.live.streams` before Django, so that an open stream costs neither a thread nor a database connection.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Iterable

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django_eventstream import eventstream, send_event
from django_eventstream.channelmanager import ChannelManagerBase
from django_eventstream.event import Event
from django_eventstream.utils import sse_encode_event
from django_eventstream.views import Listener, RedisListener, events, get_listener_manager
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.retry import Retry

from history.access import get_run
from history.live.events import LiveMessage, status_message
from history.live.rights import right_of
from history.live.streams import KEEP_ALIVE, Opening
from history.models import TestHistory
from metricvault.lib.errors import Malformed
from metricvault.lib.telemetry import MESSAGES
from projects.access import require_user, sees_everything

logger = logging.getLogger(__name__)
_ALL = "all"
_QUIET = 1.0  # seconds without another try once Redis did not answer: a push waits for it only now and then
_SILENCE = 5.0  # seconds after which a Redis that says nothing is asked whether it is there
_PAUSES = (1.0, 2.0, 5.0)  # seconds between two tries to reach it again; the last one for ever
_OPENING = b"retry: 2000\nevent: stream-open\ndata:\n\n"
_KEEP_ALIVE = b"event: keep-alive\ndata:\n\n"
_RESET = b"event: stream-reset\ndata:\n\n"

_manager = get_listener_manager()
_sending = {"again_at": 0.0}


def publish(message: LiveMessage, readers: Iterable[int]) -> None:
    """Sends one message to the run's page, to the streams of `readers` (user ids), and to administrators.

    Never raises, and seldom waits: a tick may be lost, a run may not.
    """
    if time.monotonic() < _sending["again_at"]:
        MESSAGES.labels(result="lost").inc()
        return
    data = json.dumps(message)
    try:
        for channel in (f"run-{message['test_history_id']}", _ALL, *(f"user-{reader}" for reader in readers)):
            send_event(channel, "message", data, json_encode=False)
    except Exception as problem:
        if not _sending["again_at"]:
            logger.warning("live messages are lost until Redis is back: %s", problem)
        _sending["again_at"] = time.monotonic() + _QUIET
        MESSAGES.labels(result="lost").inc()
        return
    MESSAGES.labels(result="sent").inc()
    if _sending["again_at"]:
        logger.warning("live messages are sent again")
        _sending["again_at"] = 0.0


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
    """`GET /sse/k6-data?test_history_id=`: the live messages of one run, or of every run the caller may see.

    Behind `history.live.streams` it only says who listens to what; by itself it streams.
    """
    user = require_user(request)
    wanted = request.GET.get("test_history_id", "")
    run = None
    if not wanted and not sees_everything(user):
        raise Malformed(_("This API token is for one project: say which run, by test_history_id."))
    if not wanted:
        channel = _ALL if user.is_superuser else f"user-{user.pk}"
    elif wanted.isdecimal() and len(wanted) < 19:
        run = get_run(user, int(wanted))
        channel = f"run-{run.pk}"
    else:
        raise Malformed(_("test_history_id is the number of a run."))
    opening = Opening.of(request)
    if opening is None:
        response: HttpResponseBase = events(request, channel=channel)
    else:
        opening.admit(right_of(request, user, run.pk if run else None, everything=channel == _ALL))
        opening.stream = Stream(channel, run)
        response = HttpResponse(content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    return response


class Stream(Listener):
    """An open stream of one channel. It tells the state of `run` first, which may have changed since the page was
    made, and keeps ten messages at most for somebody who reads slowly."""

    channel_items: dict[str, list[Event]]
    overflow: bool

    def __init__(self, channel: str, run: TestHistory | None) -> None:
        super().__init__()
        self.channels = {channel}
        self.closed = False
        self._first = b""
        if run is not None:
            message = status_message(run.pk, run.status, run.total_requests or 0, run.failed_requests or 0)
            self._first = sse_encode_event("message", json.dumps(message)).encode()

    def close(self) -> None:
        """Ends it; to be called on its event loop."""
        self.closed = True
        self.aevent.set()

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """What goes over the wire, until it is closed."""
        self.assign_loop()
        _listen_to_redis()
        _manager.add_listener(self)
        try:
            yield _OPENING + self._first
            while not self.closed:
                try:
                    async with asyncio.timeout(KEEP_ALIVE):
                        await self.aevent.wait()
                except TimeoutError:
                    yield _KEEP_ALIVE
                    continue
                part = self._taken()
                if part and not self.closed:
                    yield part
        finally:
            _manager.remove_listener(self)

    def _taken(self) -> bytes:
        with _manager.lock:
            items, lost = self.channel_items, self.overflow
            self.channel_items, self.overflow = {}, False
            self.aevent.clear()
        # Where messages were lost the page is told to read the timeline.
        parts = [_encoded(event) for queued in items.values() for event in queued]
        return b"".join([_RESET, *parts] if lost else parts)


def _encoded(event: Event) -> bytes:
    """Once an event, however many streams carry it."""
    found: bytes | None = getattr(event, "encoded", None)
    if found is None:
        found = event.encoded = sse_encode_event(event.type, event.data).encode()
    return found


class LastingRedisListener(RedisListener):
    """django-eventstream's listener, which is dead for good once Redis was away; this one comes back.

    `start()` returns never. Open streams are told that something may have been lost.
    """

    pubsub: PubSub

    def __init__(self) -> None:
        super().__init__()
        # A client that mends its connection by itself does not say that messages were lost meanwhile.
        self.redis_client.set_retry(AsyncRetry(NoBackoff(), 0))

    async def start(self) -> None:
        """Listens, and begins again after a pause whenever that ends."""
        tries = 0
        while True:
            try:
                await self.pubsub.subscribe("events_channel")
                if tries:
                    logger.warning("live messages are heard again")
                    _tell_of_loss()
                tries = 0
                await self._hear()
            except Exception as problem:
                if not tries:
                    logger.warning("live messages are not heard until Redis is back: %s", problem)
            tries += 1
            await self._begin_again()
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES)) - 1])

    async def _hear(self) -> None:
        """Hands on what comes; raises where Redis is gone, or says nothing though it was asked."""
        asked = False
        while True:
            message = await self.pubsub.get_message(timeout=_SILENCE)
            if message is None:
                if asked:
                    raise RedisGone("no answer")
                asked = True
                await self.pubsub.ping()
                continue
            asked = False
            if message["type"] == "message":
                told = json.loads(message["data"])
                event = Event(told["channel"], told["event_type"], told["data"], id=told["pub_id"])
                _manager.add_to_queues(told["channel"], event)

    async def _begin_again(self) -> None:
        try:
            await self.pubsub.aclose()
        except Exception:
            logger.debug("the old subscription could not be closed", exc_info=True)
        self.pubsub = self.redis_client.pubsub()


def _tell_of_loss() -> None:
    with _manager.lock:
        streams = {stream for listening in _manager.listeners_by_channel.values() for stream in listening}
        for stream in streams:
            stream.overflow = True
    for stream in streams:
        stream.wake_threadsafe()


_task: "asyncio.Task[None] | None" = None


def _listen_to_redis() -> None:
    """Starts the listener of this process with its first stream, and keeps hold of it."""
    global _task
    if _manager.redis_listener and (_task is None or _task.done()):
        _manager.redis_listener_started = True
        _task = asyncio.get_running_loop().create_task(_manager.start_redis_listener())


if _manager.redis_listener:
    _manager.redis_listener = LastingRedisListener()
    # One more try, for a connection that broke meanwhile; redis-py's own policy waits for seconds.
    eventstream.redis_client.set_retry(Retry(NoBackoff(), 1, supported_errors=(RedisGone,)))
