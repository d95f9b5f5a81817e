"""The live channels, behind the ASGI applications that stand before Django: the same people, the same rights."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from django.conf import settings as product_settings
from django.core.asgi import get_asgi_application
from pytest_django.fixtures import Settings

from history.live.events import status_message
from history.live.eventstream import publish
from history.live.feed import _readers
from history.live.streams import PATH, Streams
from history.models import TestHistory
from history.tests.asgi_client import Call
from loadtests.dashboards import STREAM, Tickets, views
from loadtests.dashboards.tickets import make_ticket
from loadtests.runners import Door
from loadtests.tests.test_dashboards import FakeDashboard, FakeRunner
from metricvault.lib.asgi import App
from tests.access.rows import RANKS
from tests.access.world import Persona, World, make_world

pytestmark = pytest.mark.django_db(transaction=True)
Scene = Callable[[App], Awaitable[None]]


@pytest.fixture
def world() -> World:
    """Committed, for the threads of the application."""
    return make_world()


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], None]:
    """Plays a scene at the web process, with a fake of k6's dashboard behind it."""

    def played(scene: Scene) -> None:
        async def whole() -> None:
            async with FakeDashboard().open() as dashboard:
                door = Door(dashboard.host, dashboard.port, "/", {})
                monkeypatch.setattr(views, "open_runner", lambda name: FakeRunner(door))
                await scene(Tickets(Streams(get_asgi_application(), STREAM)))

        asyncio.run(whole())

    return played


def shown_by(world: World, persona: Persona) -> dict[str, str]:
    """The headers of their program or browser."""
    if persona.secret:
        return {"authorization": f"Bearer {persona.secret}"}
    key = world.sessions.get(persona.name)
    return {"cookie": f"{product_settings.SESSION_COOKIE_NAME}={key}"} if key else {}


def rights(persona: Persona) -> int:
    """401 or 403 for nobody known, 404 for a stranger, else 200."""
    if persona.role == "unknown":
        return 401 if persona.secret else 403
    return 200 if RANKS[persona.role] >= RANKS["reader"] else 404


def closed(world: World) -> list[Persona]:
    """Everybody where login is asked for."""
    return [one for one in world.personae.values() if one.name != "open access"]


def test_the_messages_of_a_run_are_for_who_may_see_it(world: World, play: Callable[[Scene], None]) -> None:
    run, gone = world.keys["running"], world.keys["trashed"]

    async def scene(app: App) -> None:
        for persona in closed(world):
            headers = shown_by(world, persona)
            async with Call(app, PATH, f"test_history_id={run}", **headers) as call:
                assert call.status == rights(persona), persona.name
                if call.status == 200:
                    assert [kind for kind, _data in await call.events()] == ["stream-open", "message"]
                else:
                    assert b"kestrel" not in (await call.body()).lower()
            async with Call(app, PATH, f"test_history_id={gone}", **headers) as call:
                assert call.status == (404 if persona.role != "unknown" else rights(persona)), persona.name
                await call.body()

    play(scene)


def test_without_a_run_each_hears_of_what_they_may_see(world: World, play: Callable[[Scene], None]) -> None:
    run = TestHistory.objects.select_related("project").get(pk=world.keys["running"])
    everybody = _readers(run)

    async def hears(app: App, persona: Persona) -> None:
        async with Call(app, PATH, **shown_by(world, persona)) as call:
            if persona.role == "unknown" or persona.limited:
                assert call.status == (400 if persona.limited else rights(persona)), persona.name
                await call.body()
                return
            assert call.status == 200, persona.name
            await call.events()
            await asyncio.to_thread(publish, status_message(run.pk, "running", 7, 1), everybody)
            of_all = tuple(one.pk for one in world.people.values())
            await asyncio.to_thread(publish, status_message(4711, "running", 7, 1), of_all)
            heard: list[int] = []
            while 4711 not in heard:  # the second one is for everybody: what came before it is all there was
                heard += [data["test_history_id"] for _kind, data in await call.events()]
            assert (run.pk in heard) is (rights(persona) == 200), persona.name

    async def scene(app: App) -> None:
        for persona in closed(world):
            await hears(app, persona)

    play(scene)


def test_with_open_access_this_machine_hears_all(
    world: World, play: Callable[[Scene], None], settings: Settings
) -> None:
    settings.METRICVAULT_OPEN_ACCESS = True

    async def scene(app: App) -> None:
        for query, headers, status in (
            (f"test_history_id={world.keys['running']}", {}, 200),
            ("", {}, 200),
            ("", {"origin": "http://evil.example"}, 403),
            ("", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "cors"}, 403),
            ("", shown_by(world, world.personae["token out of date"]), 401),
        ):
            async with Call(app, PATH, query, **headers) as call:
                assert call.status == status, (query, headers)
                await (call.events() if status == 200 else call.body())

    play(scene)


def test_k6s_dashboard_is_for_who_may_see_the_run(world: World, play: Callable[[Scene], None]) -> None:
    run = world.keys["running"]
    place = f"/runs/{run}/k6-dashboard/1/"
    users = {"inactive": "gone", "stranger": "charlie", "reader": "rita", "member": "bob", "owner": "alice"}
    tickets = {name: make_ticket(world.people[user], run, "1") for name, user in users.items()}
    other = make_ticket(world.people["alice"], world.keys["active"], "1")

    async def scene(app: App) -> None:
        for persona in closed(world):
            async with Call(app, place, **shown_by(world, persona)) as call:  # tokens of programs open no page
                known = rights(persona) if not persona.secret else 403
                assert call.status == {403: 302, 200: 302}.get(known, known), persona.name
                assert ("/accounts/login/" in call.headers.get("location", "")) is (known == 403), persona.name
                await call.body()
        for name, ticket in tickets.items():
            for part in ("ui/", "events"):
                async with Call(app, f"{place}{ticket}/{part}") as call:
                    assert call.status == rights(world.personae[name]), (name, part)
                    if part == "ui/":
                        await call.body()
        for ticket in (other, "made-up", tickets["owner"][:-1]):
            async with Call(app, f"{place}{ticket}/ui/", **shown_by(world, world.personae["owner"])) as call:
                assert call.status == 403
                await call.body()

    play(scene)
