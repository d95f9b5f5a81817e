"""A parsed document to servers, tags, endpoints and warnings."""

import json
from typing import Any

import pytest

from projects.openapi import DocumentTooLarge
from projects.tests.documents import ORDERS, PETS_20, extracted, operation, with_paths

GET: dict[str, Any] = {"get": {"responses": {}}}


def messages(api: Any) -> str:
    return "\n".join(f"{warning.where}: {warning.message}" for warning in api.warnings)


def test_it_reads_an_openapi_3_document() -> None:
    api = extracted(ORDERS)
    assert (api.title, api.version, api.openapi_version) == ("주문 API", "1.10", "3.1.0")
    assert api.base_url == "https://api.example.com/v1"
    assert [f"{one.method} {one.path}" for one in api.endpoints] == [
        "GET /orders/{orderId}",
        "DELETE /orders/{orderId}",
        "POST /orders",
    ]
    assert api.webhooks == 1
    assert api.warnings == ()


def test_an_operations_own_parameter_wins_over_the_paths() -> None:
    found = operation(extracted(ORDERS), "GET /orders/{orderId}").parameters
    assert [(one["name"], one["in"]) for one in found] == [
        ("orderId", "path"),
        ("lang", "query"),
        ("X-Trace", "header"),
    ]
    assert (found[1]["value"], found[1]["source"]) == ("ko", "default")


def test_a_parameter_has_the_normal_form() -> None:
    found = operation(extracted(ORDERS), "GET /orders/{orderId}").parameters[0]
    assert found == {
        "name": "orderId",
        "in": "path",
        "required": True,
        "description": "",
        "deprecated": False,
        "style": "simple",
        "explode": False,
        "allow_reserved": False,
        "media_type": "",
        "schema": {"type": "integer", "minimum": 100},
        "value": 100,
        "source": "schema",
    }


def test_tags_in_use_are_kept_and_the_untagged_come_last() -> None:
    tags = extracted(ORDERS).tags
    assert [(tag.name, tag.description, tag.untagged) for tag in tags] == [
        ("orders", "Orders and their lines", False),
        ("write", "", False),
        ("untagged", "", True),
    ]


def test_a_document_may_have_a_tag_called_untagged() -> None:
    api = extracted(with_paths({"/a": {"get": {"tags": ["untagged"]}}, "/b": GET}))
    assert [(tag.name, tag.untagged) for tag in api.tags] == [("untagged", False), ("untagged *", True)]


def test_it_reads_a_swagger_2_document() -> None:
    api = extracted(PETS_20)
    assert api.base_url == "https://pets.example.com/api"
    listed = operation(api, "GET /pets").parameters[0]
    assert (listed["style"], listed["explode"], listed["schema"]["items"]) == ("form", False, {"type": "integer"})
    photo = operation(api, "POST /pets/{id}/photo")
    assert [one["value"] for one in photo.parameters] == ["p1"]
    assert photo.request_body is not None
    assert photo.request_body["required"] is True
    assert photo.request_body["content"][0]["media_type"].startswith("multipart/form-data; boundary=")
    assert 'name="photo"; filename=' in photo.request_body["content"][0]["text"]


@pytest.mark.parametrize(
    ("head", "source_url", "base_url"),
    [
        ({"host": "a.example", "schemes": ["http", "https"]}, "", "http://a.example"),
        ({"host": "a.example", "basePath": "v1"}, "", "https://a.example/v1"),
        ({"host": "localhost:9", "basePath": "/v1"}, "", "http://localhost:9/v1"),
        ({"host": "a.example"}, "http://b.example/doc.json", "http://a.example"),
        ({"basePath": "/v1"}, "https://b.example:8443/x/doc.json", "https://b.example:8443/v1"),
        ({"basePath": "/v1"}, "", "/v1"),
        ({}, "https://b.example/x/doc.json", "https://b.example"),
        ({}, "", ""),
        ({"host": "https://a.example/", "schemes": ["wss"]}, "", "https://a.example"),
    ],
)
def test_the_base_url_of_swagger_2(head: dict[str, Any], source_url: str, base_url: str) -> None:
    assert extracted({"swagger": "2.0", "info": {}, "paths": {}, **head}, source_url).base_url == base_url


@pytest.mark.parametrize(
    ("url", "source_url", "base_url"),
    [
        ("https://a.example/v1", "", "https://a.example/v1"),
        ("/v1", "https://b.example/docs/openapi.json", "https://b.example/v1"),
        ("v1", "https://b.example/docs/openapi.json", "https://b.example/docs/v1"),
        ("//a.example/v1", "https://b.example/", "https://a.example/v1"),
        ("/v1", "", "/v1"),
        ("localhost:8080/v1", "", "http://localhost:8080/v1"),
        ("javascript:alert(1)", "", ""),
        ("ws://a.example", "", ""),
    ],
)
def test_the_base_url_of_openapi_3(url: str, source_url: str, base_url: str) -> None:
    assert extracted(with_paths({}, servers=[{"url": url}]), source_url).base_url == base_url


def test_the_first_server_that_can_be_used_is_taken() -> None:
    api = extracted(with_paths({}, servers=[{"url": "wss://a.example"}, {"url": "https://b.example"}]))
    assert api.base_url == "https://b.example"
    assert "wss://a.example" in messages(api)


def test_a_document_without_servers_is_served_where_it_came_from() -> None:
    document = with_paths({"/a": GET})
    del document["servers"]
    assert extracted(document, "https://b.example/docs/openapi.json").base_url == "https://b.example/"
    assert "Set the base URL" in messages(extracted(document))


def test_servers_of_a_path_or_an_operation_go_with_the_endpoint() -> None:
    other = [{"url": "https://other.example"}]
    same = [{"url": "https://api.example.com"}]
    own = {
        "servers": other,
        "get": {},
        "put": {"servers": [{"url": "https://third.example"}]},
        "post": {"servers": same},
    }
    api = extracted(with_paths({"/a": own}))
    assert [one.base_url for one in api.endpoints] == ["https://other.example", "https://third.example", ""]


def test_path_items_may_be_references_with_fields_beside() -> None:
    shared = {
        "summary": "Shared",
        "get": {},
        "parameters": [{"name": "a", "in": "query", "schema": {"type": "integer"}}],
    }
    api = extracted(
        with_paths(
            {"/a": {"$ref": "#/components/pathItems/P"}, "/b": {"$ref": "#/paths/~1a", "summary": "Own", "post": {}}},
            components={"pathItems": {"P": shared}},
        )
    )
    assert [(one.method, one.path, one.summary) for one in api.endpoints] == [
        ("GET", "/a", "Shared"),
        ("GET", "/b", "Own"),
        ("POST", "/b", "Own"),
    ]
    assert all(one.parameters[0]["name"] == "a" for one in api.endpoints)


def test_references_in_a_circle_leave_the_rest_whole() -> None:
    api = extracted(with_paths({"/a": {"$ref": "#/paths/~1b"}, "/b": {"$ref": "#/paths/~1a"}, "/ok": GET}))
    assert [one.path for one in api.endpoints] == ["/ok"]
    assert "leads back to itself" in messages(api)


@pytest.mark.parametrize("ref", ["file:///etc/passwd", "../../etc/passwd#/x", "http://127.0.0.1:9/x", "other.yaml", 5])
def test_a_reference_to_elsewhere_is_never_followed(ref: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a reference was followed")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("socket.socket", refuse)
    api = extracted(with_paths({"/a": {"$ref": ref}, "/b": {"get": {"parameters": [{"$ref": ref}]}}}))
    assert [one.path for one in api.endpoints] == ["/b"]
    assert len(api.warnings) == 2


def test_methods_of_openapi_3_2_are_endpoints() -> None:
    api = extracted(with_paths({"/a": {"query": {}, "additionalOperations": {"COPY": {}, "not a method": {}}}}))
    assert [one.method for one in api.endpoints] == ["QUERY", "COPY"]
    assert "no HTTP method" in messages(api)


def test_a_place_in_the_path_that_nobody_describes_needs_a_value() -> None:
    api = extracted(with_paths({"/a/{id}": GET}))
    assert [(one["name"], one["value"]) for one in api.endpoints[0].parameters] == [("id", None)]
    assert "does not describe {id}" in messages(api)


def test_headers_of_http_itself_have_a_true_value() -> None:
    entries = [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in ("content-type", "Accept")
    ]
    body = {"content": {"application/vnd.api+json": {"schema": {"type": "object"}}}}
    api = extracted(
        with_paths({"/a": {"post": {"parameters": entries, "requestBody": body}, "get": {"parameters": entries}}})
    )
    assert [one["value"] for one in api.endpoints[0].parameters] == ["application/vnd.api+json", "application/json"]
    assert [one["value"] for one in api.endpoints[1].parameters] == ["application/json", "application/json"]


def test_an_empty_default_is_no_value_for_a_path() -> None:
    entry = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "default": ""}}
    api = extracted(with_paths({"/a/{id}": {"get": {"parameters": [entry]}}}))
    assert (api.endpoints[0].parameters[0]["value"], api.endpoints[0].parameters[0]["source"]) == ("string", "schema")


def test_a_routers_colon_becomes_braces() -> None:
    parameter = {"name": "key", "in": "path", "required": True, "type": "string"}
    api = extracted({"swagger": "2.0", "info": {}, "paths": {"/apps/:key/x:y": {"get": {"parameters": [parameter]}}}})
    assert api.endpoints[0].path == "/apps/{key}/x:y"


def test_what_is_wrong_and_survivable_is_a_warning() -> None:
    api = extracted(
        with_paths(
            {
                "a": GET,
                "/b": None,
                "/c": [],
                "/d": {"get": 5, "put": {"tags": "one", "parameters": {}, "requestBody": []}},
                "/e": {
                    "get": {
                        "tags": [1, None, "ok", {}],
                        "parameters": [None, {"in": "query"}, {"name": "x", "in": "moon"}],
                    }
                },
            },
            info="nothing",
            tags={"a": "b"},
            openapi="9.9.9",
        )
    )
    assert [(one.method, one.path) for one in api.endpoints] == [("GET", "/a"), ("PUT", "/d"), ("GET", "/e")]
    assert operation(api, "GET /e").tags == ("1", "ok")
    for place in ("info", "openapi", "tags", "a:", "/b", "/c", "GET /d", "PUT /d", "GET /e"):
        assert place in messages(api)


def test_paths_that_are_a_list_are_a_warning() -> None:
    api = extracted(with_paths([{"path": "/a"}]))
    assert api.endpoints == ()
    assert "“paths” is not a mapping" in messages(api)


def test_warnings_do_not_grow_without_end() -> None:
    api = extracted(with_paths({f"/{number}": [] for number in range(1000)}))
    assert len(api.warnings) == 201
    assert api.warnings[-1].message == "800 more findings are not listed."


def test_a_document_of_too_many_operations_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects.openapi.extract.MOST_ENDPOINTS", 3)
    with pytest.raises(DocumentTooLarge, match="more than 3 operations"):
        extracted(with_paths({f"/{number}": GET for number in range(4)}))


def test_the_same_document_gives_the_same_result() -> None:
    assert extracted(ORDERS) == extracted(ORDERS)
    json.dumps([one.parameters for one in extracted(ORDERS).endpoints], allow_nan=False)
