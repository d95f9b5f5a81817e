"""How a token server is asked for an access token, and what is made of its answers."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from loadtests.granting import LIFETIME, NotGranted, ask
from loadtests.k6.plan import Secret, TokenPlan
from loadtests.tests.token_server import TokenServer, token_server

SECRETS = {"MV_1": "s3cret+/ &", "MV_2": "pässword"}


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as started:
        yield started


def client(server: TokenServer, **more: Any) -> TokenPlan:
    return TokenPlan("t1", "client_credentials", server.url, "load tester", (Secret("MV_1"),), **more)


def test_client_credentials_by_http_basic(server: TokenServer) -> None:
    grant = ask(client(server, scope="read write"), SECRETS)
    assert (grant.access_token, grant.lifetime) == ("token-1", 3600)
    assert "token-1" not in repr(grant)
    form, headers = server.asked[0]
    assert form == {"grant_type": "client_credentials", "scope": "read write"}
    assert server.client() == ("load tester", "s3cret+/ &")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_client_credentials_in_the_body(server: TokenServer) -> None:
    ask(client(server, in_body=True), SECRETS)
    form, headers = server.asked[0]
    assert form == {"grant_type": "client_credentials", "client_id": "load tester", "client_secret": "s3cret+/ &"}
    assert "Authorization" not in headers


def test_the_password_grant_of_a_public_client(server: TokenServer) -> None:
    plan = TokenPlan("t1", "password", server.url, "app", "", username="홍길동", password=(Secret("MV_2"),))
    ask(plan, SECRETS)
    form, headers = server.asked[0]
    assert form == {"grant_type": "password", "client_id": "app", "username": "홍길동", "password": "pässword"}
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(None, LIFETIME), (60, 60.0), ("60", 60.0), ("soon", LIFETIME), (-1, LIFETIME), (10**9, 864_000)],
)
def test_how_long_a_token_lasts(server: TokenServer, said: Any, seconds: float) -> None:
    server.lifetime = said
    assert ask(client(server), SECRETS).lifetime == seconds


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": "s3cret+/ & is wrong"},
            r"status 401 \(invalid_client\)",
        ),
        (400, {"error": "s3cret+/ &"}, r"status 400\."),
        (500, b"<h1>s3cret</h1>", r"status 500\."),
        (302, {"access_token": "x"}, r"status 302\."),
        (200, b"<html>", "no access_token"),
        (200, {"access_token": "a\nb"}, "no access_token"),
        (200, {"access_token": "x" * 20_000}, "no access_token"),
        (200, {"access_token": 7}, "no access_token"),
        (200, [], "no access_token"),
    ],
)
def test_what_is_no_token_is_said_without_any_secret(server: TokenServer, status: int, answer: Any, said: str) -> None:
    server.status, server.answer = status, answer
    with pytest.raises(NotGranted, match=said) as caught:
        ask(client(server), SECRETS)
    assert "s3cret" not in str(caught.value)


def test_a_server_that_is_not_there_is_named(server: TokenServer) -> None:
    away = replace(client(server), url="http://127.0.0.1:9/token")
    with pytest.raises(NotGranted, match=r"no connection to 127\.0\.0\.1"):
        ask(away, SECRETS)


def test_addresses_where_clouds_keep_keys_are_never_asked(server: TokenServer) -> None:
    with pytest.raises(NotGranted, match="never read"):
        ask(replace(client(server), url="http://169.254.169.254/token"), SECRETS)
