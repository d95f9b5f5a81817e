"""Shapes that published documents have, each by the generator or the house it is known from. Small ones of our own."""

import json
from typing import Any

import pytest

from projects.openapi import read_document
from projects.tests.documents import extracted, operation, with_paths

KUBERNETES = {
    "swagger": "2.0",
    "info": {"title": "Kubernetes", "version": "unversioned"},
    "paths": {
        "/api/v1/namespaces/{namespace}/pods/{name}/proxy/{path}": {
            "parameters": [
                {"name": "namespace", "in": "path", "required": True, "type": "string", "uniqueItems": True},
                {"name": "name", "in": "path", "required": True, "type": "string", "uniqueItems": True},
                {"name": "path", "in": "path", "required": True, "type": "string", "uniqueItems": True},
                {"$ref": "#/parameters/pretty-tJGM1-ng"},
            ],
            "patch": {
                "consumes": ["application/json-patch+json", "application/apply-patch+yaml"],
                "parameters": [
                    {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/io.k8s.Patch"}}
                ],
                "x-kubernetes-action": "patch",
            },
            "post": {
                "consumes": ["*/*"],
                "parameters": [{"name": "body", "in": "body", "required": True,
                                "schema": {"$ref": "#/definitions/io.k8s.JSONSchemaProps"}}],
            },
        }
    },
    "parameters": {"pretty-tJGM1-ng": {"in": "query", "name": "pretty", "type": "string", "uniqueItems": True}},
    "definitions": {
        "io.k8s.Patch": {"type": "object"},
        "io.k8s.IntOrString": {"type": "string", "format": "int-or-string"},
        "io.k8s.Quantity": {"type": "string", "default": {}},
        "io.k8s.JSONSchemaProps": {
            "type": "object",
            "required": ["$schema", "limits"],
            "properties": {
                "$ref": {"type": "string"},
                "$schema": {"type": "string"},
                "items": {"$ref": "#/definitions/io.k8s.JSONSchemaProps"},
                "limits": {"type": "object", "additionalProperties": {"$ref": "#/definitions/io.k8s.Quantity"}},
                "port": {"$ref": "#/definitions/io.k8s.IntOrString"},
            },
        },
    },
}  # fmt: skip


def test_kubernetes_has_properties_called_ref_and_defaults_of_another_type() -> None:
    api = extracted(KUBERNETES)
    assert [one.method for one in api.endpoints] == ["PATCH", "POST"]
    assert [one["name"] for one in api.endpoints[0].parameters] == ["namespace", "name", "path", "pretty"]
    body = api.endpoints[1].request_body
    assert body is not None
    assert body["content"][0]["media_type"] == "application/json"
    value = body["content"][0]["value"]
    assert value["$ref"] == value["$schema"] == "string"
    assert all(isinstance(one, str) for one in value["limits"].values())


def test_azure_has_x_ms_paths_and_queries_in_paths() -> None:
    api = extracted(
        {
            "swagger": "2.0", "info": {"title": "Storage", "version": "2024-01-01"}, "schemes": ["https"],
            "host": "management.azure.com",
            "x-ms-parameterized-host": {"hostTemplate": "{accountName}.{dnsSuffix}", "useSchemePrefix": False},
            "x-ms-paths": {"/{container}?restype=container": {"put": {"operationId": "Container_Create"}}},
            "paths": {
                "/subscriptions/{subscriptionId}/providers/Microsoft.Storage": {
                    "get": {
                        "parameters": [
                            {"name": "subscriptionId", "in": "path", "required": True, "type": "string",
                             "x-ms-skip-url-encoding": True},
                            {"name": "api-version", "in": "query", "required": True, "type": "string",
                             "enum": ["2024-01-01"], "x-ms-enum": {"name": "v"}},
                        ],
                        "x-ms-pageable": {"nextLinkName": None},
                    }
                }
            },
        }
    )  # fmt: skip
    assert [f"{one.method} {one.path}" for one in api.endpoints] == [
        "GET /subscriptions/{subscriptionId}/providers/Microsoft.Storage",
        "PUT /{container}?restype=container",
    ]
    assert api.endpoints[0].parameters[1]["value"] == "2024-01-01"


def test_amazon_uses_matrix_like_names_greedy_paths_and_targets() -> None:
    paths = {
        "/": {"parameters": [{"$ref": "#/components/parameters/X-Amz-Date"}]},
        "/{proxy+}": {"x-amazon-apigateway-any-method": {"responses": {}},
                      "get": {"parameters": [{"name": "proxy+", "in": "path", "required": True,
                                              "schema": {"type": "string"}}]}},
        "/#X-Amz-Target=DynamoDB_20120810.GetItem": {
            "post": {"parameters": [{"name": "X-Amz-Target", "in": "header", "required": True,
                                     "schema": {"type": "string", "enum": ["DynamoDB_20120810.GetItem"]}}]}},
    }  # fmt: skip
    components = {"parameters": {"X-Amz-Date": {"name": "X-Amz-Date", "in": "header", "schema": {"type": "string"}}}}
    api = extracted(with_paths(paths, components=components))
    assert [one.path for one in api.endpoints] == ["/{proxy+}", "/#X-Amz-Target=DynamoDB_20120810.GetItem"]
    assert api.endpoints[0].parameters[0]["value"] == "string"


def test_springdoc_has_pageables_of_objects_and_wild_media_types() -> None:
    pageable = {
        "type": "object",
        "properties": {
            "page": {"minimum": 0, "type": "integer", "format": "int32"},
            "size": {"minimum": 1, "type": "integer", "format": "int32"},
            "sort": {"type": "array", "items": {"type": "string"}},
        },
    }
    paths = {
        "/users": {
            "get": {"tags": ["user-controller"],
                    "parameters": [{"name": "pageable", "in": "query", "required": True,
                                    "schema": {"$ref": "#/components/schemas/Pageable"}}]},
            "post": {"requestBody": {"content": {"*/*": {"schema": {"$ref": "#/components/schemas/Pageable"}}}}},
        }
    }  # fmt: skip
    api = extracted(with_paths(paths, components={"schemas": {"Pageable": pageable}}))
    parameter = api.endpoints[0].parameters[0]
    assert (parameter["value"], parameter["style"], parameter["explode"]) == (
        {"page": 1, "size": 1, "sort": ["string"]}, "form", True,
    )  # fmt: skip
    assert api.endpoints[1].request_body is not None
    assert api.endpoints[1].request_body["content"][0]["media_type"] == "application/json"


def test_fastapi_has_any_of_null_titles_and_file_uploads() -> None:
    nullable = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "title": "Since"}
    upload = {"properties": {"files": {"items": {"type": "string", "contentMediaType": "application/octet-stream"},
                                       "type": "array"}, "note": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
              "type": "object", "required": ["files"], "title": "Body_upload"}  # fmt: skip
    paths = {
        "/items/": {"get": {"parameters": [{"name": "since", "in": "query", "required": False, "schema": nullable}]}},
        "/upload": {
            "post": {"requestBody": {"content": {"multipart/form-data": {"schema": upload}}, "required": True}}
        },
    }
    api = extracted(with_paths(paths))
    assert api.endpoints[0].parameters[0]["value"] == "2026-01-15T09:30:00Z"
    body = api.endpoints[1].request_body
    assert body is not None
    assert 'name="files"; filename="metric-vault.txt"' in body["content"][0]["text"]


def test_swashbuckle_has_enums_of_names_and_nullable_references() -> None:
    schemas = {
        "Status": {"enum": [0, 1, 2], "type": "integer", "format": "int32", "x-enumNames": ["A", "B", "C"]},
        "Order": {
            "type": "object", "additionalProperties": False,
            "properties": {
                "status": {"allOf": [{"$ref": "#/components/schemas/Status"}], "nullable": True},
                "id": {"type": "string", "format": "uuid", "readOnly": True},
                "when": {"type": "string", "format": "date-span", "nullable": True},
            },
        },
    }  # fmt: skip
    content = {
        name: {"schema": {"$ref": "#/components/schemas/Order"}}
        for name in ("application/json-patch+json", "application/json", "text/json", "application/*+json")
    }
    api = extracted(
        with_paths({"/orders": {"post": {"requestBody": {"content": content}}}}, components={"schemas": schemas})
    )
    body = api.endpoints[0].request_body
    assert body is not None
    assert body["content"][0]["media_type"] == "application/json"
    assert body["content"][0]["value"] == {"status": 0, "when": "string"}
    assert [entry["media_type"] for entry in body["content"]] == [
        "application/json", "application/json-patch+json", "text/json",
    ]  # fmt: skip


def test_drf_spectacular_has_nullable_unions_of_enums() -> None:
    schemas = {
        "BlankEnum": {"enum": [""]},
        "NullEnum": {"enum": [None]},
        "StatusEnum": {"enum": ["active", "off"], "type": "string"},
        "Site": {
            "type": "object", "required": ["status"],
            "properties": {
                "status": {"nullable": True, "oneOf": [{"$ref": "#/components/schemas/NullEnum"},
                                                       {"$ref": "#/components/schemas/StatusEnum"},
                                                       {"$ref": "#/components/schemas/BlankEnum"}]},
                "extra": {},
                "height": {"type": "string", "format": "decimal", "pattern": r"^-?\\d{0,3}(?:\\.\\d{0,2})?$"},
            },
        },
    }  # fmt: skip
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Site"}}}
    api = extracted(
        with_paths({"/s/": {"post": {"requestBody": {"content": content}}}}, components={"schemas": schemas})
    )
    body = api.endpoints[0].request_body
    assert body is not None
    assert body["content"][0]["value"]["status"] == "active"


def test_korean_public_apis_have_hangul_everywhere_and_service_keys() -> None:
    api = extracted(
        {
            "swagger": "2.0", "info": {"title": "기상청_단기예보 조회서비스", "version": "1.0", "x-기관": "기상청"},
            "host": "apis.data.go.kr/1360000/VilageFcstInfoService_2.0", "basePath": "/", "schemes": ["https", "http"],
            "tags": [{"name": "API 목록", "description": ""}],
            "paths": {
                "/getVilageFcst/날씨/{지역 코드}": {
                    "get": {
                        "tags": ["API 목록", "예보"], "summary": "단기예보조회",
                        "parameters": [
                            {"name": "지역 코드", "in": "path", "type": "string", "required": True, "example": "서울"},
                            {"name": "ServiceKey", "in": "query", "type": "string", "required": True,
                             "default": "%2Bkey%3D%3D"},
                            {"name": "numOfRows", "in": "query", "type": "number", "required": True, "default": "10"},
                            {"name": "base_date", "in": "query", "type": "string", "required": True,
                             "default": 20210628},
                        ],
                    }
                }
            },
        }
    )  # fmt: skip
    found = operation(api, "GET /getVilageFcst/날씨/{지역 코드}")
    assert found.tags == ("API 목록", "예보")
    assert [one["value"] for one in found.parameters] == ["서울", "%2Bkey%3D%3D", 10, "20210628"]
    assert api.base_url.rstrip("/") == "https://apis.data.go.kr/1360000/VilageFcstInfoService_2.0"


def test_nulls_stand_where_a_generator_had_nothing_to_say() -> None:
    document = {
        "openapi": "3.0.1", "info": {"title": "T", "version": None, "description": None}, "servers": None, "tags": None,
        "security": None, "components": None, "webhooks": None,
        "paths": {
            "/a": {
                "summary": None, "parameters": None,
                "get": {"tags": None, "parameters": None, "requestBody": None, "security": None, "servers": None,
                        "deprecated": None, "operationId": None, "callbacks": None},
                "post": {"parameters": [{"name": "q", "in": "query", "schema": None, "required": None, "example": None,
                                         "style": None, "explode": None}],
                         "requestBody": {"content": {"application/json": {"schema": None, "example": None},
                                                     "text/plain": None}, "required": None}},
                "put": None,
            },
            "/b": None,
        },
    }  # fmt: skip
    api = extracted(document)
    assert [one.method for one in api.endpoints] == ["GET", "POST"]
    assert api.endpoints[1].parameters[0]["source"] == "none"


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


def test_an_example_of_the_wrong_type_is_put_right_or_left() -> None:
    names = {"n": ({"type": "integer"}, "12"), "s": ({"type": "string"}, 12), "b": ({"type": "boolean"}, "true"),
             "l": ({"type": "array", "items": {"type": "integer"}}, "1"), "o": ({"type": "object"}, "{}"),
             "x": ({"type": "integer", "maximum": 5}, 99), "e": ({"type": "string", "enum": ["a"]}, "b")}  # fmt: skip
    parameters = [
        {"name": name, "in": "query", "schema": schema, "example": one} for name, (schema, one) in names.items()
    ]
    api = extracted(with_paths({"/a": {"get": {"parameters": parameters}}}))
    assert {one["name"]: one["value"] for one in api.endpoints[0].parameters} == {
        "n": 12, "s": "12", "b": True, "l": [1], "o": {}, "x": 1, "e": "a",
    }  # fmt: skip


def test_a_document_keeps_what_no_version_knows() -> None:
    mixed = {
        "openapi": "3.0.0", "info": {"title": "T", "version": "1"}, "host": "x.example.com", "basePath": "/v1",
        "paths": {"/a": {"post": {"consumes": ["application/json"],
                                  "parameters": [{"name": "body", "in": "body", "schema": {"type": "object"}},
                                                 {"name": "q", "in": "query", "type": "integer"}]}}},
    }  # fmt: skip
    api = extracted(json.loads(json.dumps(mixed)))
    assert [one["name"] for one in api.endpoints[0].parameters] == ["q"]
    assert api.endpoints[0].parameters[0]["value"] == 1
    assert api.endpoints[0].request_body is not None
