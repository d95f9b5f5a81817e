import json
from typing import Any

from openapi_spec_validator import validate

from demo.app import Demo
from demo.tests.shop import ask

DOCUMENT = ask(Demo(), "GET", "/openapi.json").json()
VALUES = {"{product_id}": "7", "{order_id}": "7"}
BODIES = {
    "/orders": {"json": {"product_id": 7, "quantity": 2, "recipient": "홍길동"}},
    "/payments": {"json": {"order_id": 7, "amount": 24000}},
    "/login": {"json": {"email": "demo@example.com", "password": "pw-demo"}},
    "/oauth/token": {"data": {"grant_type": "password", "username": "demo@example.com", "password": "pw-demo"}},
}
CLIENT = {"grant_type": "client_credentials", "client_id": "tea-app", "client_secret": "secret-tea-app"}


def opened(shop: Demo, scheme: str) -> dict[str, Any]:
    """The httpx arguments that a security scheme of the document asks for, with the credentials it names."""
    if scheme in ("bearer", "oauth2Password", "oauth2Client"):
        form = CLIENT if scheme == "oauth2Client" else BODIES["/oauth/token"]["data"]
        token = ask(shop, "POST", "/oauth/token", data=form).json()["access_token"]
        return {"headers": {"Authorization": f"Bearer {token}"}}
    return {
        "basic": {"auth": ("demo@example.com", "pw-demo")},
        "apiKeyHeader": {"headers": {"X-API-Key": "key-demo"}},
        "apiKeyQuery": {"params": {"api_key": "key-demo"}},
        "sessionCookie": {"headers": {"Cookie": "session=key-demo"}},
    }[scheme]


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
            body = BODIES[path] if "requestBody" in operation else {}
            shop = Demo()
            who = opened(shop, *operation["security"][0]) if "security" in operation else {}
            answer = ask(shop, method.upper(), address, **query, **body, **who)
            assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
            assert answer.status_code < 300
            documented = operation["responses"][str(answer.status_code)]
            assert documented.get("headers", {}).keys() <= {name.title() for name in answer.headers} | {"ETag"}
            if "content" in documented:
                assert documented["content"]["application/json"]["example"].keys() == answer.json().keys()


def test_every_security_scheme_has_a_page_that_needs_it() -> None:
    used: set[str] = set()
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            for alternative in operation.get("security", []):
                used |= alternative.keys()
                assert ask(Demo(), "GET", path).status_code == 401
    assert used == DOCUMENT["components"]["securitySchemes"].keys()


def test_every_example_of_a_body_is_taken() -> None:
    for path, operations in DOCUMENT["paths"].items():
        content = operations.get("post", {}).get("requestBody", {}).get("content", {})
        for media_type, media in content.items():
            properties = media["schema"]["properties"]
            example = media.get("example") or {n: p["example"] for n, p in properties.items() if "example" in p}
            how = "data" if "form" in media_type else "json"
            assert ask(Demo(), "POST", path, **{how: example}).status_code < 300, path


def test_every_tag_in_use_is_described() -> None:
    used = {tag for operations in DOCUMENT["paths"].values() for o in operations.values() for tag in o["tags"]}
    assert used == {tag["name"] for tag in DOCUMENT["tags"]}


def test_the_counts_are_not_in_it() -> None:
    assert "__counts" not in json.dumps(DOCUMENT)
