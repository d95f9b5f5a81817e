import pytest

from demo.app import Demo, delay
from demo.routes import ROUTES
from demo.tests.shop import ask


def test_it_keeps_korean_text_intact_both_ways() -> None:
    shop = Demo()
    order = {"product_id": 7, "quantity": 2, "recipient": "홍길동", "address": "서울특별시 종로구 ☕"}
    answer = ask(shop, "POST", "/orders", json=order)
    assert (answer.status_code, answer.json()["received"]) == (201, order)
    assert "홍길동" in ask(shop, "GET", "/__counts").json()["last_bodies"]["POST /orders"]


@pytest.mark.parametrize(
    ("method", "url", "rest", "status"),
    [
        ("POST", "/orders", {"json": {"product_id": 7}}, 400),
        ("POST", "/orders", {"content": b"{"}, 400),
        ("POST", "/orders", {"content": b"[" * 100_000}, 400),
        ("POST", "/orders", {"json": [1]}, 400),
        ("POST", "/orders", {"content": b"x" * 1_100_000}, 413),
        ("GET", "/search", {}, 400),
        ("GET", "/products?page=0", {}, 400),
        ("GET", "/products/0", {}, 404),
        ("GET", "/products/201", {}, 404),
        ("GET", "/products/{product_id}", {}, 404),
        ("GET", "/products/²", {}, 404),
        ("GET", "/products/", {}, 404),
        ("GET", "/orders/" + "9" * 5000, {}, 404),
    ],
)
def test_it_refuses_what_is_wrong(method: str, url: str, rest: dict[str, object], status: int) -> None:
    answer = ask(Demo(), method, url, **rest)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_it_survives_text_that_is_none() -> None:
    answer = ask(Demo(), "POST", "/orders", content=rb'{"product_id":1,"quantity":1,"recipient":"\ud800"}')
    assert answer.json()["received"]["recipient"] == "?"


def test_it_finds_products_by_category() -> None:
    found = ask(Demo(), "GET", "/products", params={"category": "한과"}).json()
    assert found["count"] == 33
    assert {item["category"] for item in found["items"]} == {"한과"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_a_hundred_requests_take_what_the_document_says(route) -> None:  # type: ignore[no-untyped-def]
    times = [delay(route, number) * 1000 for number in range(1, 101)]
    assert min(times) == pytest.approx(route.low)
    assert max(times) == pytest.approx(route.high)
    assert sum(times) / 100 == pytest.approx((route.low + route.high) / 2)
