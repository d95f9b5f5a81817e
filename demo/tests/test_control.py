import time

import pytest

from demo.app import Demo
from demo.tests.shop import ask, ask_all

LOCAL = [
    ("POST", "/__record"),
    ("GET", "/__requests"),
    ("POST", "/__freeze"),
    ("POST", "/__delay"),
    ("POST", "/__tokens"),
]


@pytest.mark.parametrize(("method", "path"), LOCAL)
def test_only_this_machine_may_change_the_shop_or_see_requests(method: str, path: str) -> None:
    shop = Demo()
    (there,) = ask_all(shop, [(method, path, {})], client=("10.0.0.7", 5000))
    assert there.status_code == 403
    for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        (here,) = ask_all(shop, [(method, f"{path}?seconds=0", {})], client=(host, 5000))
        assert here.status_code == 200


def test_everybody_may_see_the_counts() -> None:
    for path in ("/__counts", "/__counts/seconds"):
        (answer,) = ask_all(Demo(), [("GET", path, {})], client=("10.0.0.7", 5000))
        assert answer.status_code == 200


def test_it_counts_no_control() -> None:
    shop = Demo()
    for method, path in [*LOCAL, ("GET", "/__counts/seconds"), ("GET", "/__nothing")]:
        ask(shop, method, f"{path}?seconds=0")
    assert ask(shop, "GET", "/__counts").json()["total"] == 0
    assert ask(shop, "GET", "/__counts/seconds").json()["seconds"] == []


def test_it_says_which_addresses_there_are() -> None:
    answer = ask(Demo(), "GET", "/__freeze")
    assert answer.status_code == 404
    assert "POST /__freeze" in answer.json()["error"]


def test_in_a_freeze_nothing_is_answered_whether_it_came_before_or_after() -> None:
    shop = Demo()
    calls = [("GET", "/orders/7", {}), ("POST", "/__freeze?seconds=0.15", {}), ("GET", "/health", {})]
    began = time.monotonic()
    answers = ask_all(shop, calls)
    assert time.monotonic() - began >= 0.15
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    found = ask(shop, "GET", "/__counts/seconds").json()
    assert found["highest_concurrent"] == 2


def test_after_a_freeze_it_is_as_quick_as_before() -> None:
    shop = Demo()
    ask_all(shop, [("POST", "/__freeze?seconds=0.05", {}), ("GET", "/health", {})])
    assert shop._frozen_until == 0


def test_a_freeze_has_an_end() -> None:
    assert ask(Demo(), "POST", "/__freeze?seconds=1e9").status_code == 400
    assert ask(Demo(), "POST", "/__freeze?seconds=nan").status_code == 400


def test_response_times_can_be_made_longer_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def fake_sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("demo.app.asyncio.sleep", fake_sleep)
    for factor in (1, 3, 0):
        shop = Demo()
        ask(shop, "POST", f"/__delay?factor={factor}")
        ask(shop, "GET", "/reports/sales")
    usual, longer = slept
    assert longer == pytest.approx(3 * usual)


def test_the_tokens_given_out_are_counted() -> None:
    shop = Demo()
    client = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "secret-a"}
    user = {"grant_type": "password", "username": "kim@example.com", "password": "pw-kim"}
    for form in (client, client, user, {**user, "password": "wrong"}):
        ask(shop, "POST", "/oauth/token", data=form)
    assert ask(shop, "GET", "/__counts").json()["tokens"] == {"client_credentials": 2, "password": 1}
    ask(shop, "POST", "/__counts/reset")
    assert ask(shop, "GET", "/__counts").json()["tokens"] == {}
