import pytest

from demo import seconds
from demo.app import Demo
from demo.seconds import Seconds
from demo.tests.shop import Clock, ask, ask_all


def test_it_counts_each_second_apart() -> None:
    clock = Clock()
    shop = Demo(clock=clock)
    for requests in (3, 0, 2):
        ask_all(
            shop, [("GET", f"/products/{1 + n}", {}) for n in range(requests)] + [("GET", "/health", {})] * requests
        )
        clock.now += 1
    found = ask(shop, "GET", "/__counts/seconds").json()
    assert found["seconds"] == [1_800_000_000, 1_800_000_002]
    assert found["requests"] == {"GET /health": [3, 2], "GET /products/{product_id}": [3, 2]}


def test_it_knows_how_many_were_answered_at_once() -> None:
    shop = Demo()
    ask_all(shop, [("GET", "/products/7", {})] * 30)
    ask_all(shop, [("GET", "/products/7", {})] * 10)
    found = ask(shop, "GET", "/__counts/seconds").json()
    assert (found["highest_concurrent"], max(found["concurrent"])) == (30, 30)
    assert ask(shop, "GET", "/__counts").json()["highest_concurrent"] == 30
    assert shop.seconds.concurrent == 0


def test_it_tells_users_apart_by_their_connections() -> None:
    shop = Demo(clock=Clock())
    for port in (1, 2, 3):
        ask_all(shop, [("GET", "/health", {})] * 5, client=("127.0.0.1", port))
    assert ask(shop, "GET", "/__counts/seconds").json()["connections"] == [3]


def test_requests_that_take_longer_than_a_second_are_in_each_of_its_seconds() -> None:
    record = Seconds()
    record.arrived("GET /health", 1, 100.2)
    record.arrived("GET /health", 2, 100.9)
    record.left(102.1)
    record.left(102.2)
    record.arrived("GET /health", 1, 107.0)
    found = record.as_dict()
    assert found["seconds"] == [100, 101, 102, 107]
    assert (found["concurrent"], found["connections"]) == ([2, 2, 2, 1], [2, 0, 0, 1])


def test_a_reset_keeps_what_is_being_answered() -> None:
    record = Seconds()
    record.arrived("GET /health", 1, 100.2)
    record.reset()
    record.left(100.3)
    record.arrived("GET /health", 1, 100.4)
    assert (record.concurrent, record.as_dict()["requests"]) == (1, {"GET /health": [1]})


def test_a_clock_that_was_set_back_harms_nothing() -> None:
    record = Seconds()
    for moment in (100.0, 90.0, 100.5):
        record.arrived("GET /health", 1, moment)
        record.left(moment)
    assert record.as_dict()["requests"] == {"GET /health": [1, 2]}


def test_it_keeps_a_bounded_number_of_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seconds, "MOST_SECONDS", 5)
    record = Seconds()
    for moment in range(100, 120):
        record.arrived("GET /health", 1, moment)
    record.left(100_000)
    assert len(record.as_dict()["seconds"]) == 5
