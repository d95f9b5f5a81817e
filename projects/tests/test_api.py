"""REST: projects, documents, endpoints."""

import json
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from projects.fetching import Fetched
from projects.models import Endpoint, OpenApiSpec, Project
from projects.spec_import import analyze
from projects.tests.documents import ORDERS, with_paths


def post(client: Client, path: str, data: Any) -> Any:
    return client.post(path, json.dumps(data), content_type="application/json")


def fields(answer: Any) -> set[str]:
    return {detail["field"] for detail in answer.json()["error"]["details"]}


def test_it_makes_a_project(alice: User, alice_client: Client) -> None:
    answer = post(alice_client, "/project", {"title": " Shop ", "summary": "s", "description": "d"})
    assert answer.status_code == 201
    found = answer.json()
    assert (found["title"], found["summary"], found["description"]) == ("Shop", "s", "d")
    assert Project.objects.get(pk=found["id"]).owner == alice


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "  "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": 5}, "title"),
        ({"title": "x", "summary": "x" * 501}, "summary"),
    ],
)
def test_it_names_the_field_that_is_wrong(alice_client: Client, data: Any, field: str) -> None:
    answer = post(alice_client, "/project", data)
    assert answer.status_code == 422
    assert fields(answer) == {field}
    assert Project.objects.count() == 0


def test_it_lists_projects_in_parts(alice: User, alice_client: Client) -> None:
    Project.objects.bulk_create(Project(title=f"P{number}", owner=alice) for number in range(5))
    found = alice_client.get("/project?limit=2&offset=1").json()
    assert ([item["title"] for item in found["items"]], found["count"]) == (["P1", "P2"], 5)


def test_it_reads_a_project_with_its_documents_and_counts(orders: OpenApiSpec, bob_client: Client) -> None:
    found = bob_client.get(f"/project/{orders.project_id}").json()
    assert (found["endpoint_count"], found["plan_count"], found["test_history_count"]) == (3, 0, 0)
    assert [(one["id"], one["title"], one["endpoint_count"]) for one in found["openapi_specs"]] == [
        (orders.pk, "주문 API", 3)
    ]


def test_it_changes_what_is_given_and_nothing_else(shop: Project, bob_client: Client) -> None:
    answer = bob_client.patch(f"/project/{shop.pk}", '{"summary": "new"}', content_type="application/json")
    assert (answer.status_code, answer.json()["title"], answer.json()["summary"]) == (200, "Shop", "new")


def test_it_deletes_a_project(shop: Project, orders: OpenApiSpec, alice_client: Client) -> None:
    assert alice_client.delete(f"/project/{shop.pk}").status_code == 204
    assert (Project.objects.count(), Endpoint.objects.count()) == (0, 0)


def test_it_keeps_a_project_while_a_run_is_active(shop: Project, alice_client: Client) -> None:
    run = shop.test_histories.create(title="r", job_name="r")
    assert alice_client.delete(f"/project/{shop.pk}").status_code == 409
    type(run).objects.update(is_completed=True)
    assert alice_client.delete(f"/project/{shop.pk}").status_code == 204


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_stranger_learns_nothing_of_a_project(shop: Project, charlie_client: Client, method: str) -> None:
    answer = charlie_client.generic(method.upper(), f"/project/{shop.pk}", "{}", content_type="application/json")
    assert answer.status_code == 404
    assert charlie_client.get("/project").json()["count"] == 0


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_reader_may_not_change_a_project(shop: Project, rita_client: Client, method: str) -> None:
    assert rita_client.get(f"/project/{shop.pk}").status_code == 200
    answer = getattr(rita_client, method)(f"/project/{shop.pk}", "{}", content_type="application/json")
    assert answer.status_code == 403


def test_a_reader_may_not_import_or_delete_documents(orders: OpenApiSpec, rita_client: Client) -> None:
    answer = post(rita_client, "/openapi/analyze", {"project_id": orders.project_id, "document": ORDERS})
    assert (answer.status_code, fields(answer)) == (403, {"project_id"})
    assert rita_client.delete(f"/openapi/{orders.pk}").status_code == 403


@pytest.mark.parametrize("path", ["/project", "/openapi", "/endpoint", "/project/1", "/openapi/1"])
def test_nobody_gets_nothing(db: None, path: str) -> None:
    assert Client().get(path).status_code == 401


def test_it_imports_a_text(shop: Project, alice_client: Client) -> None:
    answer = post(alice_client, "/openapi/analyze", {"project_id": shop.pk, "document": ORDERS})
    assert answer.status_code == 201
    found = answer.json()
    assert found["project_id"] == shop.pk
    assert (found["title"], found["version"], found["base_url"]) == ("주문 API", "1.10", "https://api.example.com/v1")
    assert (found["endpoint_count"], found["tag_count"]) == (3, 3)
    assert [(tag["name"], tag["endpoint_count"]) for tag in found["tags"]] == [
        ("orders", 2),
        ("write", 1),
        ("untagged", 1),
    ]
    assert (found["added"], found["changed"], found["removed"], found["warnings"]) == (3, 0, 0, [])
    again = post(alice_client, "/openapi/analyze", {"project_id": shop.pk, "document": ORDERS}).json()
    assert (again["id"], again["added"], again["changed"], again["removed"]) == (found["id"], 0, 0, 0)


def test_it_imports_from_an_address(shop: Project, alice_client: Client) -> None:
    url = "http://127.0.0.1:1/openapi.json"
    answer = Fetched(json.dumps(with_paths({"/a": {"get": {}}})).encode(), "", "application/json", url)
    with mock.patch("projects.discovery.fetch", return_value=answer) as fetch:
        found = post(alice_client, "/openapi/analyze", {"project_id": shop.pk, "openapi_url": url})
    assert found.status_code == 201
    assert fetch.call_args.args == (url,)
    assert OpenApiSpec.objects.get().source_url == url


def test_it_imports_a_file(shop: Project, alice_client: Client) -> None:
    file = SimpleUploadedFile("orders.yaml", ORDERS.encode("utf-16"))
    answer = alice_client.post("/openapi/analyze", {"project_id": shop.pk, "file": file})
    assert (answer.status_code, answer.json()["endpoint_count"]) == (201, 3)


@pytest.mark.parametrize(
    ("data", "status", "field"),
    [
        ({"project_id": "SHOP"}, 422, "openapi_url"),
        ({"project_id": "SHOP", "document": "<html>"}, 422, "document"),
        ({"project_id": "SHOP", "openapi_url": "http://127.0.0.1:9/x"}, 502, "openapi_url"),
        ({"project_id": "SHOP", "openapi_url": "x"}, 422, "openapi_url"),
        ({"project_id": "SHOP", "openapi_url": 5}, 422, "openapi_url"),
        ({"project_id": 4711, "document": ORDERS}, 404, "project_id"),
        ({"project_id": "abc", "document": ORDERS}, 422, "project_id"),
        ({"project_id": 10**30, "document": ORDERS}, 422, "project_id"),
        ({"document": ORDERS}, 422, "project_id"),
    ],
)
@override_settings(METRICVAULT_IMPORT_PRIVATE=True)
def test_an_import_that_fails_names_the_field(
    shop: Project, alice_client: Client, data: Any, status: int, field: str
) -> None:
    data = {name: shop.pk if value == "SHOP" else value for name, value in data.items()}
    answer = post(alice_client, "/openapi/analyze", data)
    assert (answer.status_code, fields(answer)) == (status, {field})
    assert OpenApiSpec.objects.count() == 0


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, "null", "[]", '"x"'])
def test_a_body_that_is_no_request_is_refused(shop: Project, alice_client: Client, body: str) -> None:
    answer = alice_client.post("/openapi/analyze", body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"]


def test_it_lists_documents(orders: OpenApiSpec, alice_client: Client, charlie_client: Client) -> None:
    found = alice_client.get(f"/openapi?project_id={orders.project_id}").json()
    assert ([item["id"] for item in found["items"]], found["count"]) == ([orders.pk], 1)
    assert alice_client.get("/openapi?project_id=4711").json() == {"items": [], "count": 0}
    assert charlie_client.get("/openapi").json()["count"] == 0


def test_it_reads_and_deletes_a_document(orders: OpenApiSpec, alice_client: Client, charlie_client: Client) -> None:
    assert alice_client.get(f"/openapi/{orders.pk}").json()["tag_count"] == 3
    assert charlie_client.get(f"/openapi/{orders.pk}").status_code == 404
    assert charlie_client.delete(f"/openapi/{orders.pk}").status_code == 404
    assert alice_client.delete(f"/openapi/{orders.pk}").status_code == 204
    assert Endpoint.objects.count() == 0


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["GET /orders/{orderId}", "DELETE /orders/{orderId}", "POST /orders"]),
        ("project_id=PROJECT", ["GET /orders/{orderId}", "DELETE /orders/{orderId}", "POST /orders"]),
        ("openapi_spec_id=SPEC&tag=orders", ["GET /orders/{orderId}", "POST /orders"]),
        ("tag=untagged", ["DELETE /orders/{orderId}"]),
        ("method=post", ["POST /orders"]),
        ("q=read+ORDER", ["GET /orders/{orderId}"]),
        ("q=write", ["POST /orders"]),
        ("q=get+orders", ["GET /orders/{orderId}"]),
        ("q=nothing", []),
        ("limit=1&offset=1", ["DELETE /orders/{orderId}"]),
    ],
)
def test_it_finds_endpoints(orders: OpenApiSpec, bob_client: Client, query: str, names: list[str]) -> None:
    query = query.replace("PROJECT", str(orders.project_id)).replace("SPEC", str(orders.pk))
    found = bob_client.get(f"/endpoint?{query}").json()
    assert [f"{item['method']} {item['path']}" for item in found["items"]] == names
    assert found["count"] == (3 if "limit" in query else len(names))


def test_an_endpoint_has_its_parameters_and_body(orders: OpenApiSpec, alice_client: Client) -> None:
    item = alice_client.get("/endpoint?method=POST").json()["items"][0]
    assert item["openapi_spec_id"] == orders.pk
    assert item["tags"] == ["orders", "write"]
    assert item["request_body"]["content"][0]["value"] == {"item": "커피", "count": 2}
    assert set(item) == {
        "id", "openapi_spec_id", "path", "method", "summary", "description", "deprecated", "tags", "parameters",
        "request_body",
    }  # fmt: skip


@pytest.mark.parametrize(
    "query", ["project_id=x", "limit=0", "limit=501", "offset=-1", "q=%00", "project_id=" + "9" * 30]
)
def test_a_query_that_cannot_be_taken_names_its_field(orders: OpenApiSpec, alice_client: Client, query: str) -> None:
    answer = alice_client.get(f"/endpoint?{query}")
    assert (answer.status_code, fields(answer)) == (422, {query.partition("=")[0]})


@pytest.mark.parametrize("query", ["project_id=4711", "openapi_spec_id=4711"])
def test_an_unknown_project_or_document_is_an_error(orders: OpenApiSpec, alice_client: Client, query: str) -> None:
    assert alice_client.get(f"/endpoint?{query}").status_code == 404


def test_lists_ask_the_same_number_of_queries_however_long(
    alice: User, alice_client: Client, shop: Project, django_assert_max_num_queries: Any
) -> None:
    paths = {f"/a{number}": {"get": {"tags": ["x", "y"]}} for number in range(100)}
    for number in range(10):
        analyze(shop, text=json.dumps(with_paths(paths, info={"title": f"API {number}"})))
    for path in ("/project", "/openapi", f"/project/{shop.pk}", "/endpoint?limit=500&q=a"):
        with django_assert_max_num_queries(7):
            assert alice_client.get(path).status_code == 200
