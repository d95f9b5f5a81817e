"""An open stream ends within seconds once what it stands on is gone: live channels obey the same rights as pages."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.asgi import get_asgi_application
from django.db import connection
from django.test import Client
from django.utils import timezone

from history.access import visible_runs
from history.live import eventstream, feed, streams
from history.live.events import LiveMessage, status_message
from history.live.eventstream import publish
from history.live.rights import Right, lost
from history.live.streams import PATH, Streams
from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import RequestKey, Snapshot
from history.metrics.stores import open_store
from history.models import TestHistory
from history.states import Status
from history.tests.asgi_client import Call
from history.tests.recorded_history import recorded_rows
from projects.api_tokens import make_token, revoke
from projects.models import ApiToken, Membership

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(streams, "LOOK", 0.02)
    yield
    assert eventstream._manager.listeners_by_channel == {}


@pytest.fixture
def run(alice: User, bob: User) -> TestHistory:
    made = recorded_rows(alice, Status.RUNNING, pushes=1)
    Membership.objects.create(project=made.project, user=bob, role=Membership.Role.READER)
    return made


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


def leave(run: TestHistory, bob: User) -> None:
    Membership.objects.all().delete()


def go(run: TestHistory, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)


def end_session(run: TestHistory, bob: User) -> None:
    Session.objects.all().delete()


def change_password(run: TestHistory, bob: User) -> None:
    bob.set_password("another")
    bob.save()


def delete_run(run: TestHistory, bob: User) -> None:
    TestHistory.objects.update(deleted_at=timezone.now())


def revoke_token(run: TestHistory, bob: User) -> None:
    revoke(ApiToken.objects.get())


def let_token_expire(run: TestHistory, bob: User) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


Loss = Callable[[TestHistory, User], None]


def _lose(loss: Loss, run: TestHistory, bob: User) -> None:
    try:
        loss(run, bob)
    finally:
        connection.close()  # of a thread of its own


async def _ends_with(loss: Loss, run: TestHistory, bob: User, query: str, **headers: str) -> bool:
    """Whether the stream ends after the loss; else it is heard a message later."""
    async with Call(Streams(get_asgi_application()), PATH, query, **headers) as call:
        assert call.status == 200
        await call.events()
        await asyncio.to_thread(_lose, loss, run, bob)
        await asyncio.sleep(0.15)
        await asyncio.to_thread(publish, status_message(run.pk, "running", 7, 1), (bob.pk,))
        await call.events()
        return call.is_over


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("loss", [leave, go, end_session, change_password, delete_run])
def test_a_page_that_is_open_hears_no_more(
    run: TestHistory, bob: User, loss: Loss, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not guarded:
        monkeypatch.setattr(streams, "lost", lambda rights: set())
    query = f"test_history_id={run.pk}"
    assert asyncio.run(_ends_with(loss, run, bob, query, cookie=cookie_of(bob))) is guarded


@pytest.mark.parametrize("loss", [leave, go, revoke_token, let_token_expire])
def test_a_program_hears_no_more(run: TestHistory, bob: User, loss: Loss) -> None:
    _token, text = make_token(bob, "ci", ApiToken.Scope.READ, run.project)
    query = f"test_history_id={run.pk}"
    assert asyncio.run(_ends_with(loss, run, bob, query, authorization=f"Bearer {text}"))


@pytest.mark.parametrize("loss", [go, end_session, change_password])
def test_the_stream_of_all_runs_ends_too(run: TestHistory, bob: User, loss: Loss) -> None:
    assert asyncio.run(_ends_with(loss, run, bob, "", cookie=cookie_of(bob)))


def test_who_is_an_administrator_no_longer_does_not_hear_of_all(run: TestHistory, administrator: User) -> None:
    def fall(run: TestHistory, who: User) -> None:
        User.objects.filter(pk=who.pk).update(is_superuser=False)

    assert asyncio.run(_ends_with(fall, run, administrator, "", cookie=cookie_of(administrator)))


def test_nothing_is_lost_by_those_who_stay(run: TestHistory, alice: User, bob: User) -> None:
    def nothing(run: TestHistory, bob: User) -> None:
        pass

    query = f"test_history_id={run.pk}"
    assert not asyncio.run(_ends_with(nothing, run, bob, query, cookie=cookie_of(bob)))
    assert not asyncio.run(_ends_with(nothing, run, bob, "", cookie=cookie_of(bob)))


def test_it_says_the_same_as_the_pages(
    run: TestHistory, alice: User, bob: User, charlie: User, administrator: User
) -> None:
    other = recorded_rows(charlie, Status.RUNNING, pushes=0)
    gone = recorded_rows(alice, Status.COMPLETED, pushes=0)
    TestHistory.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    people, runs = (alice, bob, charlie, administrator), (run, other, gone)
    rights = {Right(user.pk, one.pk) for user in people for one in runs}
    held = {(right.user, right.run) for right in rights - lost(rights)}
    assert held == {(user.pk, one.pk) for user in people for one in runs if one in visible_runs(user)}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, ...]]]:
    """To whom each message of a second went."""
    heard: list[tuple[int, ...]] = []

    def publish(message: LiveMessage, readers: tuple[int, ...]) -> None:
        heard.append(readers)

    monkeypatch.setattr(feed, "publish", publish)
    feed._feeds.clear()
    yield heard
    feed._feeds.clear()


@pytest.mark.parametrize("guarded", [True, False])
def test_who_left_the_project_is_told_nothing_more_of_a_run_that_lasts(
    alice: User, bob: User, told: list[tuple[int, ...]], guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_READERS_FOR", 0.0 if guarded else 3600.0)
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    Membership.objects.create(project=run.project, user=bob, role=Membership.Role.READER)
    key = RequestKey("s01_product", "GET /products", "200", "", True)
    for t in (1, 2, 3, 4, 5, 6):
        histogram = Histogram(t, 10.0 * t, 0, {-53: t})
        open_store().write(run.pk, [Snapshot("1", 1000.0 + t, {key: histogram}, started=1000.0)])
        feed.advance(run, 1000.0 + t)
        if t == 3:
            Membership.objects.all().delete()
    assert told[0] == (alice.pk, bob.pk)
    assert told[-1] == ((alice.pk,) if guarded else (alice.pk, bob.pk))
