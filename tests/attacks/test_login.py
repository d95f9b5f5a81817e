"""Attacks on the login. Each is tried twice: as the product stands, and without its guard, where it has to succeed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.conf import settings as settings_now
from django.contrib.auth import backends, views
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.test import Client
from pytest_django.fixtures import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
LOGIN = "/accounts/login/"
ELSEWHERE = ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "https:evil.example")


def login(client: Client, name: str = "alice", password: str = "alice", **more: str) -> Any:
    return client.post(LOGIN, {"username": name, "password": password, **more}, REMOTE_ADDR="192.0.2.1")


# Open redirect: a link to our login page that ends on a page of the attacker's, who asks for the password "again".


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_login_leads_nowhere_else(alice: User, client: Client, target: str) -> None:
    assert login(client, next=target)["Location"] == "/"
    assert client.get(LOGIN, {"next": target})["Location"] == "/"  # of somebody who is logged in


@pytest.mark.parametrize("target", ELSEWHERE)
def test_neither_do_logout_language_and_the_administration(administrator: User, client: Client, target: str) -> None:
    login(client, "administrator", "administrator")
    language = client.post("/i18n/setlang/", {"language": "en", "next": target})
    assert language.status_code == 204 or language["Location"] == "/"
    assert client.post("/accounts/logout/", {"next": target})["Location"] == LOGIN
    asked = client.get("/admin/login/", {"next": target}, follow=True)
    assert asked.redirect_chain[-1][0].startswith(LOGIN)
    assert login(client, "administrator", "administrator", next=target)["Location"] == "/"


@pytest.mark.parametrize("target", ELSEWHERE[:2])
def test_without_its_guard_a_login_leads_away(alice: User, client: Client, target: str) -> None:
    with mock.patch.object(views, "url_has_allowed_host_and_scheme", return_value=True):
        assert login(client, next=target)["Location"] == target


# Session fixation: the attacker plants a session key in the browser, waits for the login, and uses the key.


def planted(client: Client) -> str:
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies[settings_now.SESSION_COOKIE_NAME] = session.session_key
    return str(session.session_key)


def opens(key: str) -> bool:
    attacker = Client()
    attacker.cookies[settings_now.SESSION_COOKIE_NAME] = key
    return bool(attacker.get("/accounts/").status_code == 200)


def test_a_planted_session_key_is_worth_nothing_after_the_login(alice: User, client: Client) -> None:
    key = planted(client)
    login(client)
    assert client.get("/accounts/").status_code == 200
    assert client.cookies[settings_now.SESSION_COOKIE_NAME].value != key
    assert not opens(key)


def test_without_its_guard_a_planted_session_key_opens_the_account(alice: User, client: Client) -> None:
    key = planted(client)
    with mock.patch.object(SessionBase, "cycle_key"):
        login(client)
    assert opens(key)


def test_a_session_key_that_we_did_not_make_becomes_none(alice: User, client: Client) -> None:
    client.cookies[settings_now.SESSION_COOKIE_NAME] = "a" * 32
    login(client)
    assert client.cookies[settings_now.SESSION_COOKIE_NAME].value != "a" * 32


# Password guessing: 30 tries, of which the last is right.


def guessed(count: int = 30) -> bool:
    attacker = Client()
    guesses = [f"guess-{number}" for number in range(count - 1)] + ["alice"]
    return any(login(attacker, password=guess).status_code == 302 for guess in guesses)


def test_a_password_is_not_guessed(alice: User) -> None:
    assert not guessed()


def test_without_its_guard_a_password_is_guessed(alice: User, settings: Settings) -> None:
    settings.AXES_ENABLED = False
    assert guessed()


def test_another_spelling_or_browser_is_not_another_try(alice: User) -> None:
    for number in range(5):
        Client(headers={"User-Agent": f"b{number}", "X-Forwarded-For": f"203.0.113.{number}"}).post(
            LOGIN, {"username": ["alice", " alice", "ａlice"][number % 3], "password": "x"}, REMOTE_ADDR="192.0.2.1"
        )
    assert login(Client()).status_code == 429


def test_the_lock_tells_no_known_names(alice: User) -> None:
    seen = [[login(Client(), name, "wrong").status_code for _ in range(6)] for name in ("alice", "nobody")]
    assert seen[0] == seen[1] == [422, 422, 422, 422, 429, 429]


# Timing: whether a name is known shows in how long the answer takes, which is in the hashing of the password.


@contextmanager
def counted_hashes() -> Iterator[list[int]]:
    count, encode = [0], MD5PasswordHasher.encode

    def counting(self: MD5PasswordHasher, password: str, salt: str) -> str:
        count[0] += 1
        return encode(self, password, salt)

    with mock.patch.object(MD5PasswordHasher, "encode", counting):
        yield count


def hashes_of(name: str) -> int:
    with counted_hashes() as count:
        login(Client(), name, "wrong")
    return count[0]


@pytest.fixture
def names(alice: User, bob: User, charlie: User) -> list[str]:
    """A known one, an unknown one, one who is deactivated, one who has no password."""
    User.objects.filter(pk=bob.pk).update(is_active=False)
    charlie.set_unusable_password()
    charlie.save()
    return ["alice", "nobody", "bob", "charlie"]


def test_a_login_hashes_once_whoever_it_is(names: list[str]) -> None:
    assert [hashes_of(name) for name in names] == [1, 1, 1, 1]


def test_without_its_guard_the_time_of_a_login_tells_known_names(
    names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hasty(self: ModelBackend, request: HttpRequest, username: str = "", password: str = "", **more: Any) -> Any:
        user = User.objects.filter(username=username).first()
        return user if user and user.check_password(password) else None

    monkeypatch.setattr(backends.ModelBackend, "authenticate", hasty)
    assert [hashes_of(name) for name in names[:2]] == [1, 0]
