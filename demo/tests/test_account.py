import json

import httpx
import pytest

from demo.app import Demo
from demo.tests.shop import Clock, ask

KIM = {"email": "kim@example.com", "password": "pw-kim"}
CLIENT = {"grant_type": "client_credentials", "client_id": "tea-app", "client_secret": "secret-tea-app"}
PASSWORD = {"grant_type": "password", "username": "kim@example.com", "password": "pw-kim"}
LOCKED = {
    "/me": "Bearer",
    "/account/points": "Basic",
    "/account/coupons": "ApiKey",
    "/account/wishlist": "ApiKey",
    "/account/cart": "ApiKey",
    "/account/subscriptions": "Bearer",
    "/partner/prices": "Bearer",
}


def login(shop: Demo, **more: str) -> httpx.Response:
    return ask(shop, "POST", "/login", json={**KIM, **more})


def token(shop: Demo, form: dict[str, str], **more: object) -> httpx.Response:
    return ask(shop, "POST", "/oauth/token", data=form, **more)


def bearer(value: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Authorization": f"Bearer {value}"}}


def test_a_login_gives_a_token_and_a_cookie() -> None:
    shop = Demo()
    answer = login(shop)
    found = answer.json()
    assert (answer.status_code, found["user"]["email"], found["expires_in"]) == (200, "kim@example.com", 3600)
    assert f"session={found['token']};" in answer.headers["set-cookie"]
    me = ask(shop, "GET", "/me", **bearer(found["token"]))
    assert (me.status_code, me.json()) == (200, {"kind": "login", "user": found["user"]})
    assert (
        ask(shop, "GET", "/account/cart", headers={"Cookie": f"session={found['token']}"}).json()["owner"]
        == "kim@example.com"
    )


def test_everybody_has_an_account_and_the_same_number_each_time() -> None:
    emails = ("kim@example.com", "kim@example.com", "홍길동@example.com")
    passwords = ("pw-kim", "pw-kim", "pw-홍길동")
    pairs = zip(emails, passwords, strict=True)
    users = [login(Demo(), email=email, password=password).json()["user"] for email, password in pairs]
    assert users[0] == users[1] != users[2]


def test_two_logins_have_two_tokens() -> None:
    shop = Demo()
    assert login(shop).json()["token"] != login(shop).json()["token"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"password": "pw-lee"}, 401),
        ({"email": "@example.com", "password": "pw-"}, 401),
        ({"email": "kim", "password": "pw-kim"}, 401),
        ({"email": "kim\ud800@example.com", "password": "pw-kim\ud800"}, 401),
        ({"email": 7, "password": "pw-7"}, 401),
        ({"email": ["kim@example.com"]}, 401),
        ({"password": ""}, 400),
    ],
)
def test_a_wrong_login_is_refused(content: dict[str, object], status: int) -> None:
    answer = ask(Demo(), "POST", "/login", content=json.dumps({**KIM, **content}))
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("path", "challenge"), LOCKED.items())
def test_what_is_locked_says_how_to_open_it(path: str, challenge: str) -> None:
    for headers in ({}, {"Authorization": "Bearer a.b"}, {"Authorization": "Basic x"}, {"Cookie": "a=b; session="}):
        answer = ask(Demo(), "GET", path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith(f'{challenge} realm="Demo shop"')


def test_basic_takes_email_and_password() -> None:
    good, bad = (ask(Demo(), "GET", "/account/points", auth=("kim@example.com", word)) for word in ("pw-kim", "pw-lee"))
    assert (good.json()["user"]["email"], bad.status_code) == ("kim@example.com", 401)


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/account/coupons", {"headers": {"X-API-Key": "key-kim"}}),
        ("/account/wishlist", {"params": {"api_key": "key-kim"}}),
        ("/account/cart", {"headers": {"Cookie": "theme=dark; session=key-kim"}}),
    ],
)
def test_a_key_is_taken_where_it_belongs_and_nowhere_else(path: str, rest: dict[str, object]) -> None:
    assert ask(Demo(), "GET", path, **rest).json()["owner"] == "key-kim"
    for other in {"/account/coupons", "/account/wishlist", "/account/cart"} - {path}:
        assert ask(Demo(), "GET", other, **rest).status_code == 401


@pytest.mark.parametrize("named", ["body", "header"])
def test_a_client_gets_a_token_by_its_secret(named: str) -> None:
    shop = Demo()
    form = CLIENT if named == "body" else {"grant_type": "client_credentials"}
    rest = {} if named == "body" else {"auth": ("tea-app", "secret-tea-app")}
    answer = token(shop, form, **rest)
    found = answer.json()
    assert (answer.status_code, found["token_type"], found["expires_in"]) == (200, "Bearer", 3600)
    assert answer.headers["cache-control"] == "no-store"
    prices = ask(shop, "GET", "/partner/prices", **bearer(found["access_token"]))
    assert prices.json()["partner"] == "tea-app"
    assert ask(shop, "GET", "/account/subscriptions", **bearer(found["access_token"])).status_code == 401
    assert ask(shop, "GET", "/me", **bearer(found["access_token"])).json()["client"] == "tea-app"


@pytest.mark.parametrize("client", [{}, {"client_id": "tea-app"}, {**CLIENT, "grant_type": "password"}])
def test_a_user_gets_a_token_by_the_password(client: dict[str, str]) -> None:
    shop = Demo()
    found = token(shop, {**client, **PASSWORD, "scope": "read 쓰기"}).json()
    assert found["scope"] == "read 쓰기"
    answer = ask(shop, "GET", "/account/subscriptions", **bearer(found["access_token"]))
    assert answer.json()["owner"] == "kim@example.com"
    assert ask(shop, "GET", "/partner/prices", **bearer(found["access_token"])).status_code == 401


@pytest.mark.parametrize(
    ("rest", "status", "error"),
    [
        ({"data": {}}, 400, "invalid_request"),
        ({"json": CLIENT}, 400, "invalid_request"),
        ({"data": {**CLIENT, "grant_type": ["password", "password"]}}, 400, "invalid_request"),
        ({"data": CLIENT, "auth": ("tea-app", "secret-tea-app")}, 400, "invalid_request"),
        ({"data": {**CLIENT, "grant_type": "refresh_token"}}, 400, "unsupported_grant_type"),
        ({"data": {"grant_type": "client_credentials"}}, 401, "invalid_client"),
        ({"data": {**CLIENT, "client_secret": "tea"}}, 401, "invalid_client"),
        ({"data": PASSWORD, "auth": ("tea-app", "wrong")}, 401, "invalid_client"),
        ({"data": {**PASSWORD, "password": "pw-lee"}}, 400, "invalid_grant"),
        ({"data": {"grant_type": "password"}}, 400, "invalid_grant"),
        (
            {"content": b"\xff=1", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
            400,
            "invalid_request",
        ),
    ],
)
def test_a_wrong_request_for_a_token_is_refused(rest: dict[str, object], status: int, error: str) -> None:
    answer = ask(Demo(), "POST", "/oauth/token", **rest)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_token_ends_when_it_said() -> None:
    clock = Clock()
    shop = Demo(expires_in=5, clock=clock)
    found = token(shop, CLIENT).json()
    codes = []
    for seconds in (0, 4.9, 0.1):
        clock.now += seconds
        codes.append(ask(shop, "GET", "/partner/prices", **bearer(found["access_token"])).status_code)
    assert (found["expires_in"], codes) == (5, [200, 200, 401])


def test_how_long_tokens_hold_can_be_changed_while_it_runs() -> None:
    shop = Demo()
    assert ask(shop, "POST", "/__tokens?expires_in=8").status_code == 200
    assert token(shop, CLIENT).json()["expires_in"] == 8
    assert login(shop).json()["expires_in"] == 3600
    assert ask(shop, "POST", "/__tokens?expires_in=soon").status_code == 400


def test_tokens_of_another_shop_are_strangers() -> None:
    assert ask(Demo(), "GET", "/me", **bearer(login(Demo()).json()["token"])).status_code == 401
