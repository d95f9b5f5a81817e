"""k6's own dashboard of a running generator, through the product: who may look, what is passed on, and when it ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from history.live.streams import Streams
from history.models import TestHistory
from history.states import Status
from history.tests.asgi_client import Call
from history.tests.sample_runs import plan_of, project_of, run_of
from loadtests.dashboards import STREAM, Tickets, events, views
from loadtests.dashboards.tickets import make_ticket
from loadtests.runners import Door, RunnerError
from metricvault.lib.asgi import App
from projects.models import Membership

pytestmark = pytest.mark.django_db(transaction=True)
FOREIGN = {"origin": "null", "sec_fetch_site": "cross-site", "sec_fetch_mode": "cors"}


class FakeDashboard:
    """Answers like k6's, with what it is told to; keeps the requests it got."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.viewers = 0
        self.host, self.port = "127.0.0.1", 0
        self.say: asyncio.Queue[bytes] = asyncio.Queue()
        self.gone = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FakeDashboard"]:
        server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head)
        if "/events " not in head:
            writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello")
            writer.close()
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.viewers += 1
        telling = asyncio.create_task(self._tell(writer))
        with suppress(ConnectionError):
            await reader.read()  # returns when the other side has gone
        telling.cancel()
        self.viewers -= 1
        self.gone.set()
        writer.close()

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        while True:
            part = await self.say.get()
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))

    async def until_gone(self) -> None:
        await asyncio.wait_for(self.gone.wait(), 10)
        assert self.viewers == 0


class FakeRunner:
    """Knows the one way to the dashboard, or says why there is none."""

    def __init__(self, door: Door | RunnerError) -> None:
        self.door = door

    def dashboard(self, job_name: str, instance: str) -> Door:
        if isinstance(self.door, RunnerError):
            raise self.door
        return self.door


@pytest.fixture
def run(alice: User) -> TestHistory:
    return run_of(project_of(alice), Status.RUNNING, plan_snapshot={**plan_of(), "k6_dashboard": True})


def address(run: TestHistory, user: User, path: str, instance: str = "1") -> str:
    return f"/runs/{run.pk}/k6-dashboard/{instance}/{make_ticket(user, run.pk, instance)}/{path}"


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[App, FakeDashboard], Awaitable[None]]], None]:
    """Plays a scene in the web process, with a fake dashboard behind it."""

    def played(scene: Callable[[App, FakeDashboard], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with FakeDashboard().open() as dashboard:
                door = Door(dashboard.host, dashboard.port, "/proxy/", {"Authorization": "Bearer ours"})
                monkeypatch.setattr(views, "open_runner", lambda name: FakeRunner(door))
                await scene(Tickets(Streams(get_asgi_application(), STREAM)), dashboard)

        asyncio.run(whole())

    return played


def no_door(monkeypatch: pytest.MonkeyPatch) -> None:
    error = RunnerError("No open port.", permanent=False)
    monkeypatch.setattr(views, "open_runner", lambda name: FakeRunner(error))


def test_the_way_in_asks_for_login_and_access(
    client: Client, bob: User, charlie: User, run: TestHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "open_runner", lambda name: FakeRunner(Door("127.0.0.1", 9)))
    way_in = f"/runs/{run.pk}/k6-dashboard/1/"
    assert client.get(way_in)["Location"].startswith("/accounts/login/")
    client.force_login(charlie)
    assert client.get(way_in).status_code == 404
    Membership.objects.create(project=run.project, user=bob, role=Membership.Role.READER)
    client.force_login(bob)
    answer = client.get(way_in)
    assert answer["Location"].startswith(way_in)
    assert answer["Location"].endswith("/ui/?endpoint=../")
    assert client.post(way_in).status_code == 405


@pytest.mark.parametrize(
    ("changed", "instance"),
    [
        ({"status": Status.COLLECTING}, "1"),
        ({"status": Status.STARTING}, "1"),
        ({"plan_snapshot": plan_of()}, "1"),
        ({}, "2"),
    ],
)
def test_without_a_dashboard_the_way_in_says_so(
    client: Client, alice: User, run: TestHistory, changed: dict[str, object], instance: str
) -> None:
    TestHistory.objects.filter(pk=run.pk).update(**changed)
    client.force_login(alice)
    assert client.get(f"/runs/{run.pk}/k6-dashboard/{instance}/").status_code == 409


def test_what_cannot_be_reached_is_said_in_words(
    client: Client, alice: User, run: TestHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_door(monkeypatch)
    client.force_login(alice)
    answer = client.get(f"/runs/{run.pk}/k6-dashboard/1/")
    assert answer.status_code == 502
    assert "No open port." in answer.json()["error"]["message"]


def test_a_ticket_is_for_one_dashboard_and_one_person(
    client: Client, alice: User, bob: User, run: TestHistory, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    no_door(monkeypatch)
    good = address(run, alice, "ui/")
    assert client.get(good).status_code == 502
    other = run_of(run.project, Status.RUNNING, plan_snapshot=run.plan_snapshot)
    assert client.get(good.replace(f"/runs/{run.pk}/", f"/runs/{other.pk}/")).status_code == 403
    assert client.get(good.replace("/k6-dashboard/1/", "/k6-dashboard/2/")).status_code == 403
    assert client.get(f"/runs/{run.pk}/k6-dashboard/1/made-up/ui/").status_code == 403
    assert client.get(address(run, bob, "ui/")).status_code == 404
    assert client.post(good).status_code == 405
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get(good).status_code == 403
    User.objects.filter(pk=alice.pk).update(is_active=True)
    settings.SCHEDULER_JOB_TIMEOUT_HOURS = -1
    assert client.get(good).status_code == 403


def test_files_come_locked_in_and_nothing_else_is_passed_on(alice: User, run: TestHistory, play) -> None:
    page, unknown = address(run, alice, "ui/"), address(run, alice, "v1/status")

    async def scene(app: App, dashboard: FakeDashboard) -> None:
        secrets = {"cookie": "sessionid=secret", "authorization": "Bearer secret", "x_secret": "secret"}
        async with Call(app, page, "x=secret", **FOREIGN, **secrets) as call:
            assert (call.status, await call.body()) == (200, b"hello")
        (head,) = dashboard.asked
        assert head.startswith("GET /proxy/ui/ HTTP/1.1\r\n")
        assert "Authorization: Bearer ours" in head
        assert "secret" not in head
        assert "set-cookie" not in call.headers
        assert "allow-same-origin" not in call.headers["content-security-policy"]
        assert call.headers["content-security-policy"].startswith("sandbox ")
        assert call.headers["access-control-allow-origin"] == "null"
        assert call.headers["cache-control"] == "no-store"
        assert call.headers["referrer-policy"] == "no-referrer"
        assert "authorization" not in str(call.headers).lower()
        async with Call(app, unknown, **FOREIGN) as call:
            assert call.status == 404
            await call.body()
        assert len(dashboard.asked) == 1

    play(scene)


def test_the_sandbox_reaches_nothing_but_the_dashboard(alice: User, run: TestHistory, play) -> None:
    client = Client()
    client.force_login(alice)
    cookie = f"sessionid={client.cookies['sessionid'].value}"

    async def scene(app: App, dashboard: FakeDashboard) -> None:
        async with Call(app, "/test-history/simple", cookie=cookie, **FOREIGN) as call:
            assert call.status == 403
            await call.body()

    play(scene)


async def texts(call: Call, wanted: bytes) -> bytes:
    """What the viewer gets until `wanted` is among it."""
    found = b""
    while wanted not in found:
        message = await call._next()
        found += message.get("body", b"")
        assert message.get("more_body") or wanted in found
    return found


def test_the_stream_goes_on_where_it_was(alice: User, run: TestHistory, play) -> None:
    stream = address(run, alice, "events")

    async def scene(app: App, dashboard: FakeDashboard) -> None:
        async with Call(app, stream, **FOREIGN, last_event_id="17") as call:
            assert (call.status, call.headers["content-type"]) == (200, "text/event-stream")
            await dashboard.say.put(b'id: 18\ndata: {"scriptPath":"file:///srv/a.js"}\nevent: pa')
            await dashboard.say.put(b"ram\n\nid: 19\n")
            assert b'data: {"scriptPath":"a.js"}\nevent: param\n\n' in await texts(call, b"param\n\n")
            assert "Last-Event-ID: 18\r\n" in dashboard.asked[0]  # k6 tells that one and what came after
        await dashboard.until_gone()  # with the viewer

    play(scene)


def test_it_lets_k6_go_at_its_last_event(alice: User, run: TestHistory, play) -> None:
    stream = address(run, alice, "events")

    async def scene(app: App, dashboard: FakeDashboard) -> None:
        async with Call(app, stream, **FOREIGN) as call:
            await dashboard.say.put(b"id: 1\ndata: [[1]]\nevent: stop\nretry: 9007199254740991\n\n")
            await dashboard.until_gone()
            assert b"event: stop" in await texts(call, b"event: stop")
            assert await call.body() == b""

    play(scene)


def test_a_viewer_who_reads_nothing_holds_nothing(
    alice: User, run: TestHistory, monkeypatch: pytest.MonkeyPatch, play
) -> None:
    monkeypatch.setattr(events, "_MOST_WAITING", 1000)
    stream = address(run, alice, "events")

    async def scene(app: App, dashboard: FakeDashboard) -> None:
        async with Call(app, stream, **FOREIGN) as call:
            call._from_app = asyncio.Queue(1)  # nobody takes anything out of it
            await dashboard.say.put(b"data: 1\n\n")
            for _number in range(50):
                await dashboard.say.put(b"data: " + b"x" * 100 + b"\n\n")
            await dashboard.until_gone()
            call._from_app = asyncio.Queue()
            call._task.cancel()

    play(scene)


def collecting(run: TestHistory) -> None:
    """For a thread, whose connection nobody else would close."""
    TestHistory.objects.filter(pk=run.pk).update(status=Status.COLLECTING)
    connection.close()


@pytest.mark.parametrize("name", ["LONGEST", "LOOK"])
def test_it_lets_k6_go_when_the_time_is_over_or_the_run(
    alice: User, run: TestHistory, monkeypatch: pytest.MonkeyPatch, play, name: str
) -> None:
    monkeypatch.setattr(events, name, 0.1)
    stream = address(run, alice, "events")

    async def scene(app: App, dashboard: FakeDashboard) -> None:
        async with Call(app, stream, **FOREIGN) as call:
            await dashboard.say.put(b"data: 1\n\n")
            await texts(call, b"data: 1")
            if name == "LOOK":
                await asyncio.to_thread(collecting, run)
            await dashboard.until_gone()
            assert await call.body() == b""
        assert not events._shown._streams

    play(scene)
