"""How versions, references, servers, path items and YAML are written in published documents."""

from typing import Any

import pytest

from projects.openapi import read_document
from projects.tests.documents import extracted, operation, with_paths


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("openapi: 3.0", "3.0"),
        ("openapi: 3.1.0", "3.1.0"),
        ("swagger: 2.0", "2.0"),
        ("swagger: 2", "2"),
        ("openapi: 3", "3"),
    ],
)
def test_versions_are_written_as_numbers(version: str, told: str) -> None:
    document = read_document(f"{version}\ninfo: {{title: 5, version: 1.10}}\npaths: {{/a: {{get: {{}}}}}}").document
    api = extracted(document)
    assert (api.openapi_version, api.title, api.version, len(api.endpoints)) == (told, "5", "1.10", 1)


def test_references_are_percent_encoded_and_hold_slashes() -> None:
    schemas = {
        "A B/C": {"type": "integer", "example": 5},
        "100%": {"type": "integer", "example": 6},
        "가": {"example": 7},
    }
    bodies = [
        ("#/components/schemas/A%20B~1C", 5), ("#/components/schemas/A B~1C", 5), ("#/components/schemas/100%25", 6),
        ("#/components/schemas/100%", 6), ("#/components/schemas/%EA%B0%80", 7), ("#/components/schemas/가", 7),
    ]  # fmt: skip
    paths = {
        f"/{number}": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": ref}}}}}}
        for number, (ref, _) in enumerate(bodies)
    }
    api = extracted(with_paths(paths, components={"schemas": schemas}))
    found = [one.request_body["content"][0]["value"] for one in api.endpoints if one.request_body]
    assert found == [value for _, value in bodies]
    assert api.warnings == ()


def test_schemas_are_found_by_id_anchor_and_the_document_s_own_address() -> None:
    schemas = {
        "A": {"$id": "https://schemas.example.com/a", "type": "integer", "example": 5},
        "B": {"$anchor": "bee", "type": "integer", "example": 6},
        "C": {
            "$dynamicAnchor": "node",
            "type": "object",
            "properties": {"x": {"$dynamicRef": "#node"}, "y": {"const": 7}},
        },
    }
    refs = [
        "https://schemas.example.com/a",
        "#bee",
        "https://api.example.com/openapi.json#/components/schemas/A",
        "#node",
    ]
    paths = {
        f"/{number}": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": ref}}}}}}
        for number, ref in enumerate(refs)
    }
    document = with_paths(paths, components={"schemas": schemas}, **{"$self": "https://api.example.com/openapi.json"})
    api = extracted(document)
    found = [one.request_body["content"][0]["value"] for one in api.endpoints if one.request_body]
    assert found == [5, 6, 5, {"y": 7}]
    assert api.warnings == ()


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ({"url": "https://{host}.example.com/{missing}"}, "https://{host}.example.com/{missing}"),
        ({"url": "https://{region}.example.com", "variables": {"region": {"enum": ["eu", "us"], "default": "us"}}},
         "https://us.example.com"),
        ({"url": "{protocol}://x.example.com", "variables": {"protocol": {"default": "https"}}}, "https://x.example.com"),
        ({"url": "https://x.example.com:{port}/", "variables": {"port": {"default": 8443}}}, "https://x.example.com:8443/"),
        ({"url": "//x.example.com/v1"}, "https://x.example.com/v1"),
        ({"url": "/v1"}, "/v1"),
        ({"url": "localhost:8080/api"}, "http://localhost:8080/api"),
        ({"url": " https://x.example.com "}, "https://x.example.com"),
    ],
)  # fmt: skip
def test_servers_are_written_in_many_ways(server: Any, url: str) -> None:
    api = extracted(with_paths({"/a": {"get": {}}}, servers=[server]))
    assert api.servers[0].url == url


def test_servers_of_paths_and_operations_are_kept_with_all_their_choices() -> None:
    own = [{"url": "https://upload.example.com", "description": "files"}, {"url": "https://backup.example.com"}]
    paths = {"/a": {"servers": own, "get": {}, "post": {"servers": [{"url": "https://{x}.example.com",
                                                                     "variables": {"x": {"default": "post"}}}]}},
             "/b": {"get": {}}}  # fmt: skip
    api = extracted(with_paths(paths))
    assert [server.url for server in operation(api, "GET /a").servers] == [one["url"] for one in own]
    assert operation(api, "GET /a").servers[0].description == "files"
    assert operation(api, "GET /a").base_url == "https://upload.example.com"
    assert operation(api, "POST /a").base_url == "https://post.example.com"
    assert (operation(api, "GET /b").servers, operation(api, "GET /b").base_url) == ((), "")


def test_openapi_3_2_has_query_other_methods_and_nested_tags() -> None:
    document = {
        "openapi": "3.2.0", "$self": "https://api.example.com/openapi", "info": {"title": "T", "version": "1"},
        "tags": [{"name": "shop", "kind": "nav", "summary": "Shop"},
                 {"name": "orders", "parent": "shop", "summary": "All orders"}],
        "paths": {
            "/orders": {
                "query": {"tags": ["orders"], "requestBody": {"content": {"application/jsonl": {
                    "itemSchema": {"type": "object", "properties": {"a": {"const": 1}}}}}}},
                "additionalOperations": {"COPY": {"tags": ["orders"]}, "not a method": {}},
                "get": {"parameters": [{"name": "all", "in": "querystring", "content": {
                    "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {
                        "from": {"const": "a"}, "to": {"const": "b"}}}}}}]},
            }
        },
    }  # fmt: skip
    api = extracted(document)
    assert sorted(one.method for one in api.endpoints) == ["COPY", "GET", "QUERY"]
    query = operation(api, "QUERY /orders").request_body
    assert query is not None
    assert query["content"][0]["text"] == '{"a": 1}\n'
    whole = operation(api, "GET /orders").parameters[0]
    assert (whole["in"], whole["value"], whole["explode"]) == ("query", {"from": "a", "to": "b"}, True)
    assert [(tag.name, tag.description) for tag in api.tags if not tag.untagged] == [("orders", "All orders")]


def test_a_path_item_is_referred_to_and_changed_beside() -> None:
    items = {"shared": {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                        "get": {"summary": "shared"}, "put": {"summary": "shared"}}}  # fmt: skip
    paths = {
        "/a/{id}": {"$ref": "#/components/pathItems/shared", "summary": "beside", "get": {"summary": "own"}},
        "/b/{id}": {"$ref": "#/paths/~1a~1%7Bid%7D"},
    }
    api = extracted(with_paths(paths, components={"pathItems": items}))
    assert [(one.path, one.method, one.summary) for one in api.endpoints] == [
        ("/a/{id}", "GET", "own"), ("/a/{id}", "PUT", "shared"),
        ("/b/{id}", "GET", "own"), ("/b/{id}", "PUT", "shared"),
    ]  # fmt: skip


YAML_ODDITIES = """\
# a comment
%s
openapi: 3.0.3
info:
  title: &title Oddities
  version: 2024-01-31
  x-same: *title
x-shared: &shared
  limit: {name: limit, in: query, schema: &int {type: integer, example: 7}}
x-error: &error {description: bad}
paths:
  /a:
    get: &get
      parameters:
        - <<: {name: overridden, in: query}
          name: limit
          schema: *int
      responses:
        200: {description: ok}
        404: *error
        default: *error
    post:
      <<: *get
      summary: >-
        folded
        text
    put:
      <<: [*get, {summary: second}]
  ? /b
  : get: {summary: 'it''s', deprecated: true, tags: [yes, on, 2024-01-31, 1.0, null, ~]}
"""


@pytest.mark.parametrize("directive", ["---", "%YAML 1.2\n---"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_yaml_of_every_kind(directive: str, ends: str, encoding: str) -> None:
    text = (YAML_ODDITIES % directive).replace("# a comment\n", "" if directive.startswith("%") else "# a comment\n")
    api = extracted(read_document(text.replace("\n", ends).encode(encoding)).document)
    assert (api.title, api.version) == ("Oddities", "2024-01-31")
    assert [f"{one.method} {one.path}" for one in api.endpoints] == ["GET /a", "POST /a", "PUT /a", "GET /b"]
    assert {one["name"]: one["value"] for one in operation(api, "POST /a").parameters} == {"limit": 7}
    assert operation(api, "POST /a").summary == "folded text"
    assert operation(api, "PUT /a").summary == "second"
    assert operation(api, "GET /b").tags[:2] == ("yes", "on")
    assert operation(api, "GET /b").deprecated
