import json

from openapi_spec_validator import validate

from demo.app import Demo
from demo.tests.shop import ask

DOCUMENT = ask(Demo(), "GET", "/openapi.json").json()
VALUES = {"{product_id}": "7", "{order_id}": "7"}
BODIES = {
    "/orders": {"product_id": 7, "quantity": 2, "recipient": "홍길동"},
    "/payments": {"order_id": 7, "amount": 24000},
}


def test_it_is_valid() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"


def test_it_holds_for_whatever_address_the_shop_is_reached_by() -> None:
    assert DOCUMENT["servers"] == [{"url": "/"}]


def test_every_operation_answers_as_documented() -> None:
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            address = path
            for name, value in VALUES.items():
                address = address.replace(name, value)
            query = {"params": {"q": "녹차"}} if path == "/search" else {}
            body = {"json": BODIES[path]} if "requestBody" in operation else {}
            answer = ask(Demo(), method.upper(), address, **query, **body)
            assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
            assert answer.status_code < 300


def test_every_tag_in_use_is_described() -> None:
    used = {tag for operations in DOCUMENT["paths"].values() for o in operations.values() for tag in o["tags"]}
    assert used == {tag["name"] for tag in DOCUMENT["tags"]}


def test_the_counts_are_not_in_it() -> None:
    assert "__counts" not in json.dumps(DOCUMENT)
