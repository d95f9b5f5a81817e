"""Sessions of people: listed, ended, and gone with what they stand for."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from projects import sessions
from projects.api_tokens import make_token
from projects.models import LoginSession
from projects.sessions import browser_in_words
from projects.tasks import forget_sessions

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def logged_in(name: str, address: str = "192.0.2.1", agent: str = FIREFOX) -> Client:
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    assert client.post("/accounts/login/", {"username": name, "password": name}).status_code == 302
    return client


def comes_in(client: Client) -> bool:
    return bool(client.get("/accounts/").status_code == 200)


def test_a_login_makes_one(alice: User) -> None:
    client = logged_in("alice")
    row = LoginSession.objects.get()
    assert (row.user, row.way, row.address, row.user_agent) == (alice, "password", "192.0.2.1", FIREFOX)
    assert row.session_key == client.session.session_key
    page = client.get("/accounts/sessions/").content.decode()
    assert "Firefox on Linux" in page
    assert "192.0.2.1" in page
    assert "this one" in page
    assert row.session_key not in page


def test_people_see_their_own(alice: User, bob: User) -> None:
    logged_in("bob", address="198.51.100.9")
    assert "198.51.100.9" not in logged_in("alice").get("/accounts/sessions/").content.decode()


def test_a_logout_ends_it(alice: User) -> None:
    logged_in("alice").post("/accounts/logout/")
    assert not LoginSession.objects.exists()


def test_one_is_ended_from_another(alice: User) -> None:
    here, there = logged_in("alice"), logged_in("alice", address="192.0.2.2")
    row = LoginSession.objects.get(address="192.0.2.2")
    assert here.post(f"/accounts/sessions/{row.pk}/end").status_code == 302
    assert comes_in(here)
    assert not comes_in(there)
    assert here.post(f"/accounts/sessions/{row.pk}/end").status_code == 404


def test_all_others_are_ended(alice: User, bob: User) -> None:
    here, there, bobs = logged_in("alice"), logged_in("alice"), logged_in("bob")
    here.post("/accounts/sessions/others")
    assert [comes_in(client) for client in (here, there, bobs)] == [True, False, True]


def test_ending_this_one_logs_out(alice: User) -> None:
    here = logged_in("alice")
    assert here.post(f"/accounts/sessions/{LoginSession.objects.get().pk}/end")["Location"] == "/accounts/login/"
    assert not comes_in(here)
    assert not LoginSession.objects.exists()


def test_nobody_ends_those_of_others(alice: User, bob: User) -> None:
    bobs, row = logged_in("bob"), LoginSession.objects.get()
    assert logged_in("alice").post(f"/accounts/sessions/{row.pk}/end").status_code == 404
    assert comes_in(bobs)


def test_its_last_use_is_written_down_once_a_minute(alice: User, django_assert_num_queries: Any) -> None:
    client = logged_in("alice")
    before = LoginSession.objects.get()
    client.get("/accounts/", REMOTE_ADDR="192.0.2.77")
    assert LoginSession.objects.get().seen_at == before.seen_at
    earlier = before.seen_at - timedelta(minutes=2)
    LoginSession.objects.update(seen_at=earlier)
    sessions._noted[before.session_key] = earlier
    client.get("/accounts/", REMOTE_ADDR="192.0.2.77")
    seen = LoginSession.objects.get()
    assert seen.seen_at > before.seen_at
    assert seen.address == "192.0.2.77"


def test_another_process_wrote_it_down_already(alice: User) -> None:
    client, before = logged_in("alice"), LoginSession.objects.get()
    sessions._noted.clear()
    client.get("/accounts/", REMOTE_ADDR="192.0.2.77")
    assert LoginSession.objects.get().address == before.address


def test_a_session_from_before_this_table_gets_its_row(alice: User) -> None:
    client = logged_in("alice")
    LoginSession.objects.all().delete()
    sessions._noted.clear()
    client.get("/accounts/")
    assert LoginSession.objects.get().session_key == client.session.session_key


def test_a_request_under_way_does_not_bring_an_ended_one_back(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = logged_in("alice")
    sessions._noted.clear()
    original = sessions._see

    def late(request: Any, key: str, now: Any) -> None:
        sessions.end_all(alice)  # while the page was being made
        original(request, key, now)

    monkeypatch.setattr(sessions, "_see", late)
    client.get("/accounts/")
    assert not LoginSession.objects.exists()


def test_a_token_is_no_session(alice: User) -> None:
    client, text = logged_in("alice"), make_token(alice, "build", "read")[1]
    LoginSession.objects.all().delete()
    sessions._noted.clear()
    client.get("/project", headers={"Authorization": f"Bearer {text}"})
    assert not LoginSession.objects.exists()


def test_what_expired_is_forgotten_with_its_row(alice: User) -> None:
    here = logged_in("alice")
    logged_in("alice")
    Session.objects.exclude(session_key=here.session.session_key).update(
        expire_date=timezone.now() - timedelta(seconds=1)
    )
    assert here.get("/accounts/sessions/").content.count(b"<tr data-session") == 1
    forget_sessions()
    assert Session.objects.count() == LoginSession.objects.count() == 1


def test_whoever_is_deactivated_is_out_at_once(alice: User) -> None:
    client, text = logged_in("alice"), make_token(alice, "build", "read")[1]
    alice.is_active = False
    alice.save()
    assert not Session.objects.exists()
    assert not LoginSession.objects.exists()
    assert not comes_in(client)
    assert client.get("/project", headers={"Authorization": f"Bearer {text}"}).status_code == 401


def test_another_person_in_the_same_browser_is_another_session(alice: User, bob: User) -> None:
    client = logged_in("alice")
    client.get("/accounts/")
    client.post("/accounts/logout/")
    client.post("/accounts/login/", {"username": "bob", "password": "bob"})
    assert LoginSession.objects.get().user == bob


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Safari/537.36 Edg/138.0",
         "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605 Version/18.5 Mobile Safari/604.1",
         "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15; SM-S921) AppleWebKit/537 SamsungBrowser/27.0 Chrome/125 Mobile Safari/537",
         "Samsung Internet on Android"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("<script>alert(1)</script>" * 9, "<script>alert(1)</script><script>alert(1"),
        ("", "unknown"),
    ],
)  # fmt: skip
def test_a_browser_is_named_in_words(agent: str, words: str) -> None:
    assert browser_in_words(agent) == words
