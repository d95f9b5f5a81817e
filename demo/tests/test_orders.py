import json

import pytest

from demo import orders
from demo.app import Demo
from demo.tests.shop import ask, ask_all

ORDER = {"product_id": 7, "quantity": 2, "recipient": "홍길동", "address": "서울특별시 종로구 ☕"}


def place(shop: Demo, **more: object) -> int:
    return int(ask(shop, "POST", "/orders", json={**ORDER, **more}).json()["id"])


def test_every_order_gets_a_number_of_its_own() -> None:
    shop = Demo()
    answers = ask_all(shop, [("POST", "/orders", {"json": ORDER})] * 50)
    numbers = {answer.json()["id"] for answer in answers}
    assert numbers == set(range(1_000_001, 1_000_051))


def test_an_order_says_where_it_is() -> None:
    answer = ask(Demo(), "POST", "/orders", json=ORDER)
    assert (answer.status_code, answer.headers["location"]) == (201, f"/orders/{answer.json()['id']}")
    assert answer.headers["etag"] == f'"{answer.json()["id"]}-1"'


def test_what_was_ordered_is_shown() -> None:
    shop = Demo()
    number = place(shop)
    answer = ask(shop, "GET", f"/orders/{number}")
    assert answer.json() == {"id": number, "state": "paid", "total": 15000, **ORDER}
    assert answer.headers["etag"] == f'"{number}-1"'


def test_a_cancelled_order_is_gone_and_no_other_is() -> None:
    shop = Demo()
    first, second = place(shop), place(shop)
    answer = ask(shop, "DELETE", f"/orders/{first}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers
    codes = [ask(shop, method, f"/orders/{first}").status_code for method in ("GET", "DELETE")]
    assert codes == [404, 404]
    assert ask(shop, "GET", f"/orders/{second}").status_code == 200
    assert place(shop) == second + 1


def test_an_order_that_was_not_placed_yet_is_not_there() -> None:
    shop = Demo()
    assert ask(shop, "GET", f"/orders/{place(shop) + 1}").status_code == 404


@pytest.mark.parametrize("number", [1, 7, 999_999, 1_000_000])
def test_every_number_below_a_million_is_an_order_always(number: int) -> None:
    shop = Demo()
    assert ask(shop, "DELETE", f"/orders/{number}").status_code == 204
    answer = ask(shop, "GET", f"/orders/{number}")
    assert (answer.status_code, answer.json()["id"]) == (200, number)


def test_the_newest_orders_are_listed_first() -> None:
    shop = Demo()
    numbers = [place(shop) for _ in range(25)]
    ask(shop, "DELETE", f"/orders/{numbers[-2]}")
    first, second = (ask(shop, "GET", f"/orders?page={page}").json() for page in (1, 2))
    assert (first["count"], len(first["items"]), len(second["items"])) == (124, 20, 20)
    listed = [one["id"] for one in first["items"] + second["items"]]
    assert listed == [numbers[-1], *reversed(numbers[:-2]), *range(100, 84, -1)]


def test_the_list_ends() -> None:
    shop = Demo()
    assert ask(shop, "GET", "/orders?page=999999").json() == {"items": [], "count": 100}
    assert ask(shop, "GET", "/orders?page=0").status_code == 400


def test_it_keeps_a_bounded_number_of_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "MOST", 30)
    monkeypatch.setattr(orders, "DETAILED", 10)
    shop = Demo()
    first = place(shop)
    ask(shop, "DELETE", f"/orders/{first}")
    ask_all(shop, [("POST", "/orders", {"json": ORDER})] * 30)
    assert ask(shop, "GET", "/orders").json()["count"] == 110
    shown = [ask(shop, "GET", f"/orders/{first + n}").status_code for n in (0, 1, 30)]
    assert shown == [404, 200, 200]
    assert ask(shop, "GET", f"/orders/{first + 1}").json()["total"] == 24000
    assert ask(shop, "GET", f"/orders/{first + 30}").json()["total"] == 15000


@pytest.mark.parametrize(
    "odd", [{"quantity": 1e400}, {"recipient": {"a": [1]}}, {"address": "주" * 5000}, {"gift": []}]
)
def test_an_odd_order_is_kept_short(odd: dict[str, object]) -> None:
    shop = Demo()
    text = {"content": json.dumps({**ORDER, **odd})}
    answer = ask(shop, "POST", "/orders", **text)
    assert answer.status_code == 201
    assert len(ask(shop, "GET", answer.headers["location"]).content) < 1000
