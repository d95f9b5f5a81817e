import pytest

from demo import recording
from demo.app import Demo
from demo.tests.shop import Clock, ask, ask_all


def recorded(shop: Demo, **params: object) -> dict:
    return ask(shop, "GET", "/__requests", params=params).json()


def test_it_records_nothing_unless_told() -> None:
    shop = Demo()
    ask(shop, "GET", "/health")
    assert recorded(shop) == {"recording": False, "count": 0, "forgotten": 0, "items": []}


def test_it_records_requests_as_they_arrived() -> None:
    shop = Demo(clock=Clock())
    assert ask(shop, "POST", "/__record").json() == {"recording": True, "most": 20_000, "body": 2048}
    body = {"product_id": 7, "quantity": 2, "recipient": "홍길동"}
    headers = {"X-Trace": "a", "Authorization": "Bearer secret", "Cookie": "session=1"}
    ask(shop, "POST", "/orders?via=%ED%99%8D", json=body, headers=headers)
    (found,) = recorded(shop)["items"]
    assert (found["method"], found["path"], found["query"]) == ("POST", "/orders", "via=%ED%99%8D")
    assert (found["t"], found["endpoint"], found["status"]) == (1_800_000_000.0, "POST /orders", 201)
    assert '"recipient":"홍길동"' in found["body"]
    assert found["body_bytes"] == len(found["body"].encode())
    assert {name: found["headers"][name] for name in ("x-trace", "authorization", "cookie")} == {
        "x-trace": "a",
        "authorization": "Bearer secret",
        "cookie": "session=1",
    }


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 5),
        ({"path": "/orders/7"}, 2),
        ({"path": "/orders/7", "method": "DELETE"}, 1),
        ({"endpoint": "GET /orders/{order_id}"}, 2),
        ({"status": 404}, 1),
        ({"path": "/orders"}, 0),
    ],
)
def test_what_was_recorded_can_be_chosen_from(chosen: dict[str, object], count: int) -> None:
    shop = Demo()
    ask(shop, "POST", "/__record")
    paths = ["/orders/7", "/orders/8", "/health", "/nowhere"]
    ask_all(shop, [*(("GET", path, {}) for path in paths), ("DELETE", "/orders/7", {})])
    found = recorded(shop, **chosen)
    assert (found["count"], len(found["items"])) == (count, count)


def test_what_was_recorded_has_pages() -> None:
    shop = Demo()
    ask(shop, "POST", "/__record")
    for number in range(1, 6):
        ask(shop, "GET", f"/orders/{number}")
    found = recorded(shop, offset=1, limit=2)
    assert (found["count"], [one["path"] for one in found["items"]]) == (5, ["/orders/2", "/orders/3"])
    assert ask(shop, "GET", "/__requests?limit=many").status_code == 400


def test_the_oldest_make_room() -> None:
    shop = Demo()
    ask(shop, "POST", "/__record?most=3&body=4")
    for number in range(1, 6):
        ask(shop, "POST", f"/orders?n={number}", content=b"x" * 100)
    found = recorded(shop)
    assert ([one["query"] for one in found["items"]], found["forgotten"]) == (["n=3", "n=4", "n=5"], 2)
    assert (found["items"][0]["body"], found["items"][0]["body_bytes"]) == ("xxxx", 100)


def test_large_requests_make_room_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_BYTES", 10_000)
    shop = Demo()
    ask(shop, "POST", "/__record?body=1000000")
    for _ in range(5):
        ask(shop, "POST", "/orders", content=b"x" * 4000)
    assert (recorded(shop)["count"], recorded(shop)["forgotten"]) == (1, 4)


def test_it_ends_and_starts_when_told() -> None:
    shop = Demo()
    for on in ("true", "false"):
        ask(shop, "POST", f"/__record?on={on}")
        ask(shop, "GET", "/health")
    assert recorded(shop)["count"] == 1
    ask(shop, "POST", "/__counts/reset")
    assert recorded(shop) == {"recording": False, "count": 0, "forgotten": 0, "items": []}
    assert ask(shop, "POST", "/__record?on=perhaps").status_code == 400
