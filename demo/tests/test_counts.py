from demo.app import Demo
from demo.tests.shop import ask, ask_all


def test_it_counts_every_request_of_many_at_once() -> None:
    shop = Demo()
    calls = [("GET", f"/products/{1 + n % 200}", {}) for n in range(400)] + [("GET", "/health", {})] * 100
    ask_all(shop, calls)
    counts = ask(shop, "GET", "/__counts").json()
    assert (counts["total"], counts["failed"], counts["answered"]) == (500, 0, 500)
    assert counts["endpoints"]["GET /products/{product_id}"] == {"total": 400, "failed": 0, "answered": 400}
    assert counts["endpoints"]["GET /health"]["total"] == 100


def test_it_fails_exactly_every_twentieth_stock_request() -> None:
    shop = Demo()
    answers = ask_all(shop, [("GET", "/products/3/stock", {})] * 110)
    assert sorted(answer.status_code for answer in answers) == [200] * 105 + [503] * 5
    assert ask(shop, "GET", "/__counts").json()["endpoints"]["GET /products/{product_id}/stock"]["failed"] == 5


def test_it_fails_exactly_every_tenth_payment_one_after_another() -> None:
    shop = Demo()
    payment = {"json": {"order_id": 7, "amount": 24000}}
    codes = [ask(shop, "POST", "/payments", **payment).status_code for _ in range(20)]
    assert [number for number, code in enumerate(codes, 1) if code == 503] == [10, 20]


def test_it_counts_apart_what_names_its_run() -> None:
    shop = Demo()
    ask_all(shop, [("GET", "/health", {"headers": {"X-Run": "7"}})] * 3 + [("GET", "/health", {})])
    counts = ask(shop, "GET", "/__counts").json()
    assert counts["runs"] == {"7": {"GET /health": {"total": 3, "failed": 0, "answered": 3}}}
    assert counts["endpoints"]["GET /health"]["total"] == 4


def test_it_counts_what_it_does_not_know_as_failed() -> None:
    shop = Demo()
    codes = [ask(shop, "GET", "/nowhere").status_code, ask(shop, "PATCH", "/orders/7").status_code]
    assert codes == [404, 405]
    assert ask(shop, "GET", "/__counts").json()["endpoints"]["(unknown)"] == {"total": 2, "failed": 2, "answered": 2}


def test_it_counts_neither_its_document_nor_its_counts() -> None:
    shop = Demo()
    ask_all(shop, [("GET", "/openapi.json", {}), ("GET", "/__counts", {}), ("GET", "/__counts/nothing", {})])
    assert ask(shop, "GET", "/__counts").json()["total"] == 0


def test_it_starts_anew_when_told() -> None:
    shop = Demo()
    ask(shop, "GET", "/health")
    assert ask(shop, "POST", "/__counts/reset").status_code == 200
    assert ask(shop, "GET", "/__counts").json()["endpoints"] == {}


def test_it_does_not_forget_a_reset_asked_for_wrongly() -> None:
    shop = Demo()
    ask(shop, "GET", "/health")
    assert ask(shop, "GET", "/__counts/reset").status_code == 404
    assert ask(shop, "GET", "/__counts").json()["total"] == 1
