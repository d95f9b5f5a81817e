"""Redis goes and comes back: who sends does not wait, who listens hears again and knows that something was lost."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from django_eventstream import eventstream as sender
from pytest_django.fixtures import Settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from history.live import eventstream
from history.live.events import status_message
from history.live.eventstream import LastingRedisListener, Stream, publish
from metricvault.env import redis_from_url
from tests.servers import Server, redis_server

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture
def place(tmp_path: Path, settings: Settings) -> Iterator[Server]:
    server = redis_server(tmp_path)
    patience = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
    settings.EVENTSTREAM_REDIS = {**redis_from_url(server.url)[1], **patience}
    server.start()
    yield server
    server.end()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventstream, "_SILENCE", 0.1)
    monkeypatch.setattr(eventstream, "_PAUSES", (0.05,))


@asynccontextmanager
async def listening() -> AsyncIterator[AsyncIterator[bytes]]:
    """A listener, and what an open stream of run 7 gets."""
    listener = LastingRedisListener()
    task = asyncio.create_task(listener.start())
    parts = Stream("run-7", None).parts()
    await anext(parts)
    try:
        yield parts
    finally:
        await parts.aclose()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await listener.pubsub.aclose()
        await listener.redis_client.aclose()


async def told(place: Server, parts: AsyncIterator[bytes]) -> bytes:
    """What the stream gets once something is published; it is published until somebody hears it."""
    event = {"channel": "run-7", "event_type": "message", "data": json.dumps({"t": 3}), "pub_id": None}
    with redis.Redis.from_url(place.url) as client:
        while not client.publish("events_channel", json.dumps(event)):
            await asyncio.sleep(0.02)
    return await asyncio.wait_for(anext(parts), 10)


def test_it_hears_again_after_redis_was_killed(place: Server) -> None:
    async def scene() -> None:
        async with listening() as parts:
            assert await told(place, parts) == b'event: message\ndata: {"t": 3}\n\n'
            for _time in range(2):
                place.kill()
                await asyncio.sleep(0.2)
                place.start()
                heard = await asyncio.wait_for(anext(parts), 10)
                assert heard.startswith(b"event: stream-reset\n")
                assert await told(place, parts) == b'event: message\ndata: {"t": 3}\n\n'

    asyncio.run(scene())


def test_it_does_not_wait_for_a_redis_that_hangs(place: Server) -> None:
    async def scene() -> None:
        async with listening() as parts:
            await told(place, parts)
            place.pause()
            await asyncio.sleep(0.4)
            place.go_on()
            assert (await asyncio.wait_for(anext(parts), 10)).startswith(b"event: stream-reset\n")
            assert b'{"t": 3}' in await told(place, parts)

    asyncio.run(scene())


def test_it_may_start_before_redis(place: Server) -> None:
    place.kill()

    async def scene() -> None:
        async with listening() as parts:
            await asyncio.sleep(0.1)
            place.start()
            assert (await asyncio.wait_for(anext(parts), 10)).startswith(b"event: stream-reset\n")
            assert b'{"t": 3}' in await told(place, parts)

    asyncio.run(scene())


def test_sending_without_redis_is_given_up_and_tried_again_later(
    place: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    client = redis.Redis(**settings.EVENTSTREAM_REDIS)
    really = client.publish
    monkeypatch.setattr(client, "publish", lambda *told: tries.append("tried") or really(*told))
    monkeypatch.setattr(sender, "redis_client", client)
    now = [100.0]
    monkeypatch.setattr(eventstream, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(eventstream, "_sending", {"again_at": 0.0})
    client.set_retry(Retry(NoBackoff(), 1))
    place.kill()
    publish(status_message(7, "running", 1, 0), (1, 2))
    assert len(tries) == 1  # not once a channel
    publish(status_message(7, "running", 2, 0), (1, 2))
    assert len(tries) == 1
    place.start()
    now[0] += 1.1
    publish(status_message(7, "running", 3, 0), (1, 2))
    assert len(tries) == 1 + 4
