"""Open streams stand before Django: the same rules, and afterwards neither a thread nor a connection."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.test import Client
from pytest_django.fixtures import Settings

from history.live import eventstream
from history.live.events import status_message
from history.live.eventstream import publish
from history.live.streams import PATH, Streams
from history.models import TestHistory
from history.states import Status
from history.tests.asgi_client import Call
from history.tests.recorded_history import recorded_rows

pytestmark = pytest.mark.django_db(transaction=True)
Play = Callable[[Streams], Awaitable[None]]


@pytest.fixture
def run(alice: User) -> TestHistory:
    return recorded_rows(alice, Status.RUNNING, pushes=1)


@pytest.fixture(autouse=True)
def _nobody_listens() -> Iterator[None]:
    yield
    assert eventstream._manager.listeners_by_channel == {}


def play(scene: Play) -> None:
    asyncio.run(scene(Streams(get_asgi_application())))


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


def test_it_tells_the_state_first_and_then_what_is_published(alice: User, run: TestHistory) -> None:
    cookie = cookie_of(alice)

    async def scene(streams: Streams) -> None:
        async with Call(streams, PATH, f"test_history_id={run.pk}", cookie=cookie) as call:
            assert (call.status, call.headers["content-type"]) == (200, "text/event-stream")
            assert "content-length" not in call.headers
            (opened, _), (kind, first) = await call.events()
            assert (opened, kind) == ("stream-open", "message")
            assert (first["test_history_id"], first["status"], first["t"]) == (run.pk, "running", None)
            await asyncio.to_thread(publish, status_message(run.pk, "collecting", 7, 1), ())
            ((_, told),) = await call.events()
            assert (told["status"], told["total_requests"]) == ("collecting", 7)
        assert not streams._open

    play(scene)


def test_without_a_run_it_tells_of_those_that_the_person_may_see(alice: User, bob: User, run: TestHistory) -> None:
    cookies = cookie_of(alice), cookie_of(bob)

    async def scene(streams: Streams) -> None:
        async with Call(streams, PATH, cookie=cookies[0]) as hers, Call(streams, PATH, cookie=cookies[1]) as his:
            assert await hers.events() == await his.events() == [("stream-open", None)]
            await asyncio.to_thread(publish, status_message(run.pk, "collecting", 7, 1), (alice.pk,))
            await asyncio.to_thread(publish, status_message(4711, "collecting", 7, 1), (bob.pk,))
            assert [data["test_history_id"] for _, data in await hers.events()] == [run.pk]
            assert [data["test_history_id"] for _, data in await his.events()] == [4711]

    play(scene)


@pytest.mark.parametrize(
    ("who", "query", "status", "code"),
    [
        ("charlie", "test_history_id={run}", 404, "not_found"),
        ("nobody", "test_history_id={run}", 403, "forbidden"),
        ("alice", "test_history_id=abc", 400, "malformed"),
        ("alice", "test_history_id=4711", 404, "not_found"),
    ],
)
def test_it_refuses_as_django_does(
    alice: User, charlie: User, run: TestHistory, who: str, query: str, status: int, code: str
) -> None:
    people = {"alice": alice, "charlie": charlie}
    cookie = cookie_of(people[who]) if who in people else "none=none"
    query = query.format(run=run.pk)
    direct = Client(headers={"cookie": cookie}).get(PATH, query_params=dict([query.split("=")]))

    async def scene(streams: Streams) -> None:
        async with Call(streams, PATH, query, cookie=cookie) as call:
            content = await call.body()
        assert call.status == direct.status_code
        assert content == direct.content
        assert (call.status, json.loads(content)["error"]["code"]) == (status, code)

    play(scene)


def test_another_web_site_hears_nothing(alice: User, run: TestHistory) -> None:
    cookie = cookie_of(alice)

    async def scene(streams: Streams) -> None:
        query, origin = f"test_history_id={run.pk}", "http://evil.example"
        async with Call(streams, PATH, query, cookie=cookie, origin=origin) as call:
            assert json.loads(await call.body())["error"]["code"] == "forbidden"
            assert call.status == 403

    play(scene)


def test_it_takes_get_only(alice: User) -> None:
    cookie = cookie_of(alice)

    async def scene(streams: Streams) -> None:
        async with Call(streams, PATH, cookie=cookie, method="PUT", x_csrftoken="") as call:
            await call.body()
        assert call.status in {403, 405}

    play(scene)


def test_a_silent_stream_shows_that_it_is_alive(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventstream, "KEEP_ALIVE", 0.01)
    cookie = cookie_of(alice)

    async def scene(streams: Streams) -> None:
        async with Call(streams, PATH, cookie=cookie) as call:
            await call.events()
            assert await call.events() == [("keep-alive", None)]
            assert await call.events() == [("keep-alive", None)]

    play(scene)


def test_who_reads_too_slowly_is_told_that_something_is_missing(alice: User, run: TestHistory) -> None:
    cookie = cookie_of(alice)

    async def scene(streams: Streams) -> None:
        async with Call(streams, PATH, f"test_history_id={run.pk}", cookie=cookie) as call:
            await call.events()
            for total in range(15):  # without a pause in which the stream could send
                publish(status_message(run.pk, "running", total, 0), ())
            events = await call.events()
            assert events[0] == ("stream-reset", None)
            assert len(events) == 1 + 10

    play(scene)


def test_it_ends_every_stream_with_the_process(alice: User) -> None:
    cookie = cookie_of(alice)

    async def scene(streams: Streams) -> None:
        async with Call(streams, PATH, cookie=cookie) as call:
            await call.events()
            streams.end_all()
            assert await call.events() == []
            assert call.is_over

    play(scene)


def test_a_process_serves_so_many_streams_and_a_person_has_so_many(alice: User, bob: User, settings: Settings) -> None:
    settings.METRICVAULT_MAX_STREAMS, settings.METRICVAULT_MAX_USER_STREAMS = 2, 1
    cookies = cookie_of(alice), cookie_of(bob)

    async def scene(streams: Streams) -> None:
        open_ones = Call(streams, PATH, cookie=cookies[0]), Call(streams, PATH, cookie=cookies[1])
        async with open_ones[0], open_ones[1], Call(streams, PATH, cookie=cookies[0]) as third:
            assert (third.status, json.loads(await third.body())["error"]["code"]) == (503, "busy")
        async with Call(streams, PATH, cookie=cookies[0]), Call(streams, PATH, cookie=cookies[0]) as second:
            assert (second.status, json.loads(await second.body())["error"]["code"]) == (429, "too_many")
        async with Call(streams, PATH, cookie=cookies[0]) as again:
            assert again.status == 200

    play(scene)
