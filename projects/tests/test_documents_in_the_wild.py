"""Shapes that published documents have, each by the generator or the house it is known from. Small ones of our own."""

import json

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
