"""Security schemes and requirements, from both versions in one form."""

from typing import Any

import pytest

from projects.openapi import ApiDocument
from projects.tests.documents import extracted, operation, with_paths


def schemes_of(**schemes: Any) -> dict[str, dict[str, Any]]:
    api = extracted(with_paths({}, components={"securitySchemes": schemes}), "https://docs.example.com/v1/openapi.json")
    return {scheme["name"]: scheme for scheme in api.security_schemes}


def swagger(operation: dict[str, Any], **more: Any) -> ApiDocument:
    head = {"swagger": "2.0", "info": {"title": "T", "version": "1"}, "host": "api.example.com"}
    return extracted({**head, "paths": {"/a": {"get": operation}}, **more})


@pytest.mark.parametrize(
    ("scheme", "kind", "place", "parameter"),
    [
        ({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}, "bearer", "header", "Authorization"),
        ({"type": "http", "scheme": "Basic"}, "basic", "header", "Authorization"),
        ({"type": "http", "scheme": "digest"}, "other", "", ""),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, "api_key", "header", "X-Key"),
        ({"type": "apiKey", "in": "query", "name": "key"}, "api_key", "query", "key"),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, "api_key", "cookie", "sid"),
        ({"type": "apiKey", "in": "nowhere", "name": "sid"}, "other", "", ""),
        ({"type": "mutualTLS"}, "other", "", ""),
        ({"type": "http"}, "other", "", ""),
        ({"type": ["x"]}, "other", "", ""),
    ],
)
def test_the_kinds_of_openapi_3(scheme: Any, kind: str, place: str, parameter: str) -> None:
    found = schemes_of(own=scheme)["own"]
    assert (found["kind"], found["place"], found["parameter"]) == (kind, place, parameter)


def test_flows_say_where_the_token_comes_from() -> None:
    flows = {
        "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {"read": "may read", "write": ""}},
        "password": {"tokenUrl": "https://login.example.com/token", "scopes": {}},
        "implicit": {"authorizationUrl": "https://login.example.com/"},
        "authorizationCode": {"tokenUrl": "javascript:alert(1)"},
        "unheard": {},
    }
    found = schemes_of(
        oauth={"type": "oauth2", "flows": flows, "description": "로그인"},
        oidc={
            "type": "openIdConnect",
            "openIdConnectUrl": "https://login.example.com/.well-known/openid-configuration",
        },
    )
    assert found["oauth"]["flows"] == [
        {
            "flow": "client_credentials",
            "token_url": "https://docs.example.com/oauth/token",
            "scopes": ["read", "write"],
        },
        {"flow": "password", "token_url": "https://login.example.com/token", "scopes": []},
        {"flow": "implicit", "token_url": "", "scopes": []},
        {"flow": "authorization_code", "token_url": "", "scopes": []},
    ]
    assert found["oauth"]["description"] == "로그인"
    assert found["oidc"]["kind"] == "open_id"
    assert found["oidc"]["open_id_url"].endswith("openid-configuration")


def test_swagger_2_has_the_same_form() -> None:
    api = swagger(
        {},
        securityDefinitions={
            "basic": {"type": "basic"},
            "key": {"type": "apiKey", "in": "query", "name": "api_key"},
            "app": {"type": "oauth2", "flow": "application", "tokenUrl": "https://a.example/t", "scopes": {"s": ""}},
            "code": {"type": "oauth2", "flow": "accessCode", "tokenUrl": "https://a.example/t"},
        },
    )
    assert [(scheme["name"], scheme["kind"]) for scheme in api.security_schemes] == [
        ("basic", "basic"), ("key", "api_key"), ("app", "oauth2"), ("code", "oauth2"),
    ]  # fmt: skip
    assert api.security_schemes[2]["flows"] == [
        {"flow": "client_credentials", "token_url": "https://a.example/t", "scopes": ["s"]}
    ]
    assert api.security_schemes[3]["flows"][0]["flow"] == "authorization_code"


def test_an_operation_asks_for_its_own_else_for_the_document_s() -> None:
    document = with_paths(
        {
            "/a": {
                "get": {},
                "put": {"security": []},
                "post": {"security": [{"oauth": ["write"], "key": []}, {}]},
            }
        },
        security=[{"key": []}],
        components={"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "K"}, "oauth": {}}},
    )
    api = extracted(document)
    assert operation(api, "GET /a").security == (({"scheme": "key", "scopes": []},),)
    assert operation(api, "PUT /a").security == ()
    assert operation(api, "POST /a").security == (
        ({"scheme": "oauth", "scopes": ["write"]}, {"scheme": "key", "scopes": []}),
        (),
    )


def test_a_requirement_of_a_scheme_that_is_not_described_is_one_warning() -> None:
    document = with_paths({f"/{n}": {"get": {"security": [{"gone": []}]}} for n in range(5)})
    api = extracted(document)
    assert [warning.message for warning in api.warnings] == [
        "The security scheme “gone” is not described in the document."
    ]
    assert operation(api, "GET /3").security == (({"scheme": "gone", "scopes": []},),)


@pytest.mark.parametrize("broken", [None, [], "x", 5, {"a": None}, {"a": [1]}, {"a": {"$ref": "#/nowhere"}}])
def test_broken_schemes_are_left_out(broken: Any) -> None:
    document = with_paths({"/a": {"get": {"security": broken}}}, components={"securitySchemes": broken})
    assert all(scheme["kind"] == "other" for scheme in extracted(document).security_schemes)


def test_callbacks_are_counted_and_are_no_endpoints() -> None:
    callbacks = {"done": {"{$request.body#/url}": {"post": {}}}, "failed": {"$ref": "#/components/callbacks/failed"}}
    api = extracted(with_paths({"/a": {"post": {"callbacks": callbacks}, "get": {"callbacks": 5}}}))
    assert (api.callbacks, len(api.endpoints)) == (2, 2)
