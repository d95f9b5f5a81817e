"""What the builder can ask for, through the whole product: the demo shop says what arrived."""

from pathlib import Path
from typing import Any

import pytest

from tests.product import Product

pytestmark = [pytest.mark.needs("k6", "redis-server")]

SECRETS = {
    "basic": "pw-basic-user", "header": "key-of-the-header", "query": "key-of-the-query",
    "cookie": "key-of-the-cookie", "client": "secret-some-shop", "password": "pw-grant-user",
}  # fmt: skip
LOGINS = [
    {"scheme": "basic", "username": "basic-user@example.com", "password": SECRETS["basic"]},
    {"scheme": "apiKeyHeader", "key": SECRETS["header"]},
    {"scheme": "apiKeyQuery", "key": SECRETS["query"]},
    {"scheme": "sessionCookie", "key": SECRETS["cookie"]},
    {"scheme": "oauth2Client", "client_id": "some-shop", "client_secret": SECRETS["client"]},
    {
        "scheme": "oauth2Password",
        "client_id": "tea-app",
        "client_secret": "secret-tea-app",
        "username": "grant-user@example.com",
        "password": SECRETS["password"],
    },
]
PAGES = {
    "GET /account/points": "basic",
    "GET /account/coupons": "apiKeyHeader",
    "GET /account/wishlist": "apiKeyQuery",
    "GET /account/cart": "sessionCookie",
    "GET /partner/prices": "oauth2Client",
    "GET /account/subscriptions": "oauth2Password",
    "GET /me": "bearer",
}


def made(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def project_of(product: Product, endpoint: dict[str, Any]) -> int:
    return int(product.api.get(f"/openapi/{endpoint['openapi_spec_id']}").json()["project_id"])


def test_each_kind_of_login_reaches_the_shop_and_a_token_is_renewed_once_for_all_users(product: Product) -> None:
    endpoints = product.imported_demo("Logins")
    # A token of the shop's own login stands in for one that somebody was given.
    account = {"email": "bearer@example.com", "password": "pw-bearer"}
    bearer = product.demo.post("/login", json=account).json()["token"]
    logins = [*LOGINS, {"scheme": "bearer", "token": bearer}]
    project = project_of(product, endpoints["GET /me"])
    where = {"token_url": f"{product.demo_url}/oauth/token"}
    environment = made(
        product.api.post(
            "/environment",
            json={
                "project_id": project, "name": "Demo", "base_url": product.demo_url,
                "credentials": [{**one, **where} if one["scheme"].startswith("oauth2") else one for one in logins],
            },
        )
    )  # fmt: skip
    product.demo.post("/__tokens", params={"expires_in": 5})  # renewed after four
    product.demo.post("/__counts/reset")
    try:
        run = product.start(
            "Logins",
            [
                {
                    "name": scheme, "endpoint_id": endpoints[page]["id"], "think_time": 0.25,
                    "stages": [{"duration": 6, "target": 3}], "error_rate_target": 0,
                }
                for page, scheme in PAGES.items()
            ],
            project_id=project,
            environment_id=environment["id"],
        )  # fmt: skip
        found = product.wait(run)
        counts = product.demo.get("/__counts").json()
    finally:
        product.demo.post("/__tokens", params={"expires_in": 3600})
    assert (found["status"], found["outcome"]) == ("completed", "passed"), found["message"]
    assert counts["tokens"] == {"client_credentials": 2, "password": 2}
    pages = {page: counts["endpoints"][page] for page in PAGES}
    assert {page: one["failed"] for page, one in pages.items()} == dict.fromkeys(PAGES, 0)
    assert found["total_requests"] == sum(one["total"] for one in pages.values()) > 100
    script = product.api.get(f"/test-history/{run}/script").text
    seen = script + str(found) + product.api.get(f"/test-history/{run}/export.json").text + found.get("log", "")
    for secret in (*SECRETS.values(), bearer):
        assert secret not in seen
    assert not [file for file in files_of(product.data_dir) if any(one in file for one in (*SECRETS.values(), bearer))]


def files_of(folder: Path) -> list[str]:
    """The texts of a copy's folder: scripts, logs, what k6 wrote. Not the database, where they are sealed."""
    found = [
        path for path in folder.rglob("*") if path.is_file() and path.suffix in {".js", ".json", ".log", ".txt", ""}
    ]
    return [path.read_text(encoding="utf-8", errors="replace") for path in found if path.stat().st_size < 5_000_000]


def test_a_journey_with_users_of_a_spreadsheet_goes_from_login_to_the_end(product: Product) -> None:
    endpoints = product.imported_demo("Journey")
    project = project_of(product, endpoints["GET /orders"])
    lines = ["이메일,이름", *(f"user{number:03}@example.com,손님{number:03}" for number in range(400))]
    file = ("users.csv", "\r\n".join(lines).encode("cp949"), "text/csv")
    made(product.api.post("/data-file", data={"project_id": project, "name": "users"}, files={"file": file}))
    environment = made(
        product.api.post(
            "/environment",
            json={"project_id": project, "name": "Demo", "base_url": product.demo_url, "credentials": [],
                  "variables": [{"name": "quantity", "value": "2"}]},
        )
    )  # fmt: skip

    def step(endpoint: str, **more: Any) -> dict[str, Any]:
        return {"endpoint_id": endpoints[endpoint]["id"], **more}

    steps = [
        step("POST /login", body='{"email": "demo@example.com", "password": "pw-demo"}', once=True,
             extracts=[{"name": "token", "kind": "json", "expression": "$.token"}]),
        step("GET /orders", checks=[{"kind": "json", "target": "$.items[*].state", "value": "paid"}]),
        step("POST /orders",
             body='{"product_id": 7, "quantity": {{quantity}}, "recipient": "{{users.이름}} <{{users.이메일}}>"}',
             headers={"Authorization": "Bearer {{token}}"}, statuses=[201],
             extracts=[{"name": "order", "kind": "json", "expression": "$.id"},
                       {"name": "where", "kind": "header", "expression": "Location"}]),
        step("GET /orders/{order_id}", parameters={"path": {"order_id": "{{order}}"}},
             checks=[{"kind": "contains", "value": "손님"}, {"kind": "time", "value": "5000"}]),
        step("DELETE /orders/{order_id}", parameters={"path": {"order_id": "{{order}}"}}, statuses=["204"]),
    ]  # fmt: skip
    product.demo.post("/__counts/reset")
    product.demo.post("/__record", params={"on": "true"})
    run = product.start(
        "Journey",
        [{"name": "Buy", "executor": "ramping-vus", "think_time": 0.1, "steps": steps,
          "stages": [{"duration": 3, "target": 6}, {"duration": 1, "target": 0}], "error_rate_target": 0}],
        project_id=project, environment_id=environment["id"], data={"users": "unique"},
    )  # fmt: skip
    found = product.wait(run)
    items = product.demo.get("/__requests", params={"path": "/orders", "limit": 1000}).json()["items"]
    product.demo.post("/__record", params={"on": "false"})
    counts = product.demo.get("/__counts").json()["endpoints"]
    assert found["outcome"] == "passed", found["message"]
    assert found["total_requests"] == sum(one["total"] for one in counts.values())
    assert counts["POST /login"]["total"] == 6  # once for each user
    placed = [one for one in items if one["method"] == "POST"]
    assert len(placed) == counts["DELETE /orders/{order_id}"]["total"] == counts["GET /orders/{order_id}"]["total"] > 20
    assert all(one["headers"]["authorization"].startswith("Bearer ") for one in placed)
    assert len({one["body"] for one in placed}) == len(placed)  # each row once
    assert all('"quantity": 2' in one["body"] and "손님" in one["body"] for one in placed)
