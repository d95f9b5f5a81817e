"""What an environment puts into requests, and how its secrets are kept."""

import base64
from typing import Any

import pytest
from django.test import override_settings

from metricvault.lib.errors import Conflict, Refused
from projects.environment_keeping import EnvironmentPatch, duplicate, keep
from projects.environments import (
    CredentialParts,
    OAuthParts,
    SecretsUnreadable,
    parts,
    schemes_of,
    secret_values,
)
from projects.models import Environment, OpenApiSpec, Project


@pytest.fixture
def secured(shop: Project) -> Project:
    """The shop with a document that describes a login of each kind."""

    def scheme(name: str, kind: str, place: str = "header", parameter: str = "Authorization", **more: Any) -> Any:
        return {"name": name, "kind": kind, "place": place, "parameter": parameter, "flows": [], **more}

    flows = [
        {"flow": "client_credentials", "token_url": "/oauth/token", "scopes": ["read", "write"]},
        {"flow": "password", "token_url": "https://login.example.com/token", "scopes": []},
    ]
    schemes = [
        scheme("bearerAuth", "bearer"),
        scheme("basicAuth", "basic"),
        scheme("queryKey", "api_key", "query", "api_key"),
        scheme("oauth", "oauth2", flows=flows),
        scheme("mutual", "other"),
    ]
    OpenApiSpec.objects.create(
        project=shop, title="Shop API", base_url="https://shop.example.com/v1", security_schemes=schemes
    )
    return shop


def made(project: Project, **asked: Any) -> Environment:
    environment = Environment(project=project)
    return keep(environment, EnvironmentPatch.model_validate({"name": "staging", **asked}))


def changed(environment: Environment, **asked: Any) -> Environment:
    return keep(environment, EnvironmentPatch.model_validate(asked))


def problems(caught: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {detail.field for detail in caught.value.details}


def test_its_parts_hold_everything_but_the_secrets(secured: Project) -> None:
    environment = made(
        secured,
        base_url="https://staging.example.com/v1",
        headers=[{"name": "X-Tenant", "value": "{{tenant}}"}],
        variables=[{"name": "tenant", "value": "acme"}, {"name": "비밀", "value": "s3cret", "secret": True}],
        credentials=[
            {"scheme": "bearerAuth", "token": "s3cret-token"},
            {"scheme": "basicAuth", "username": "tester", "password": "s3cret:pass"},
            {"scheme": "queryKey", "key": "s3cret key"},
            {"scheme": "oauth", "client_id": "load", "client_secret": "s3cret-client", "scope": " read  write "},
        ],
    )
    found = parts(Environment.objects.get(pk=environment.pk))
    assert found.base_url == "https://staging.example.com/v1"
    assert found.headers == (("X-Tenant", "{{tenant}}"),)
    assert (found.variables, found.secret_variables) == ({"tenant": "acme"}, {"비밀": "variable:비밀"})
    oauth = OAuthParts(
        "client_credentials", "https://shop.example.com/oauth/token", "load", "client_secret:oauth", "read write", "",
        "", False,
    )  # fmt: skip
    assert found.credentials == (
        CredentialParts("bearerAuth", "bearer", "header", "Authorization", "Bearer ", "credential:bearerAuth"),
        CredentialParts("basicAuth", "basic", "header", "Authorization", "Basic ", "credential:basicAuth"),
        CredentialParts("queryKey", "api_key", "query", "api_key", "", "credential:queryKey"),
        CredentialParts("oauth", "oauth2", "header", "Authorization", "Bearer ", "", oauth),
    )
    assert secret_values(environment) == {
        "variable:비밀": "s3cret",
        "credential:bearerAuth": "s3cret-token",
        "credential:basicAuth": base64.b64encode(b"tester:s3cret:pass").decode(),
        "credential:queryKey": "s3cret key",
        "client_secret:oauth": "s3cret-client",
        "password:oauth": "",
    }
    columns = Environment.objects.filter(pk=environment.pk).values().get()
    assert "s3cret" not in str(columns)
    assert "s3cret" not in str(found)


def test_the_password_grant_takes_the_token_address_of_its_own_flow(secured: Project) -> None:
    asked = {"scheme": "oauth", "grant": "password", "client_id": "c", "client_secret": "s", "in_body": True}
    oauth = parts(made(secured, credentials=[{**asked, "username": "u", "password": "p"}])).credentials[0].oauth
    assert oauth == OAuthParts(
        "password", "https://login.example.com/token", "c", "client_secret:oauth", "", "u", "password:oauth", True
    )


def test_a_secret_that_is_left_out_stays_and_null_removes_it(shop: Project) -> None:
    environment = made(
        shop,
        variables=[{"name": "a", "value": "1", "secret": True}, {"name": "b", "value": "2", "secret": True}],
        credentials=[{"scheme": "key", "kind": "api_key", "name": "X-Key", "key": "3"}],
    )
    environment = changed(
        environment, variables=[{"name": "a", "secret": True}, {"name": "b", "value": None, "secret": True}]
    )
    assert secret_values(environment) == {"variable:a": "1", "variable:b": "", "credential:key": "3"}
    environment = changed(environment, credentials=[{"scheme": "key", "kind": "api_key", "name": "X-New"}], name="test")
    assert secret_values(environment)["credential:key"] == "3"
    assert (environment.name, environment.credentials[0]["name"]) == ("test", "X-New")
    marked = {"name": "a", "secret": True, "value": {"secret": True, "set": True}}  # as answers say it
    assert secret_values(changed(environment, variables=[marked]))["variable:a"] == "1"


def test_a_secret_goes_with_its_new_name_and_never_becomes_public(shop: Project) -> None:
    environment = made(shop, variables=[{"name": "a", "value": "s3cret", "secret": True}])
    environment = changed(environment, variables=[{"name": "b", "was": "a", "secret": True}])
    assert secret_values(environment) == {"variable:b": "s3cret"}
    environment = changed(environment, variables=[{"name": "b", "was": "b", "secret": False}])
    assert environment.variables == [{"name": "b", "value": "", "secret": False}]
    assert environment.sealed == ""


def test_a_login_of_another_kind_does_not_inherit_secrets(shop: Project) -> None:
    environment = made(shop, credentials=[{"scheme": "x", "kind": "basic", "username": "u", "password": "s3cret"}])
    asked = {"scheme": "x", "kind": "oauth2", "grant": "password", "token_url": "http://e.example/t", "client_id": "c"}
    with pytest.raises(Refused) as caught:
        changed(environment, credentials=[{**asked, "username": "u"}])
    assert problems(caught) == {"credentials.0.password"}


def test_nothing_is_kept_of_what_is_refused_and_every_field_is_named(secured: Project) -> None:
    with pytest.raises(Refused) as caught:
        made(
            secured,
            base_url="https://u:s3cret@example.com",
            headers=[{"name": "Content-Length", "value": "1"}, {"name": "X", "value": "a\nb"}],
            variables=[{"name": "1a"}, {"name": "a b"}, {"name": "ok"}, {"name": "ok"}, {"name": "n", "value": "\x00"}],
            credentials=[
                {"scheme": "bearerAuth"},
                {"scheme": "basicAuth", "username": "a:b"},
                {"scheme": "queryKey", "kind": "bearer", "token": "s3crét"},
                {"scheme": "oauth", "token_url": "ftp://x", "scope": "\x07"},
                {"scheme": "unheard-of"},
            ],
        )
    assert problems(caught) == {
        "base_url", "headers.0.name", "headers.1.value",
        "variables.0.name", "variables.1.name", "variables.3.name", "variables.4.value",
        "credentials.0.token", "credentials.1.username", "credentials.2.kind", "credentials.2.token",
        "credentials.3.token_url", "credentials.3.client_id", "credentials.3.scope", "credentials.3.client_secret",
        "credentials.4.kind",
    }  # fmt: skip
    assert "s3cr" not in str(caught.value) + str(caught.value.details)
    assert not Environment.objects.exists()


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"headers": [{"name": "authorization", "value": "Bearer s3cret"}]}, "headers.0.value"),
        ({"headers": [{"name": "X", "value": "1"}, {"name": "x", "value": "2"}]}, "headers.1.name"),
        (
            {"credentials": [{"scheme": "x", "kind": "api_key", "place": "cookie", "name": "c", "key": "a;b"}]},
            "credentials.0.key",
        ),
        (
            {"credentials": [{"scheme": "x", "kind": "api_key", "name": "X-Key", "prefix": "a\n", "key": "b"}]},
            "credentials.0.prefix",
        ),
        (
            {"variables": [{"name": f"v{at}", "value": "x" * 10_000, "secret": True} for at in range(21)]},
            "variables",
        ),
    ],
)
def test_what_could_not_be_sent_or_kept_safely_is_refused(shop: Project, asked: Any, field: str) -> None:
    with pytest.raises(Refused) as caught:
        made(shop, **asked)
    assert problems(caught) == {field}


def test_a_header_may_name_a_secret(shop: Project) -> None:
    made(
        shop,
        headers=[{"name": "Authorization", "value": "Bearer {{pin}}"}],
        variables=[{"name": "pin", "value": "s3cret", "secret": True}],
    )


def test_a_name_is_there_once_in_a_project(shop: Project) -> None:
    made(shop)
    with pytest.raises(Conflict):
        made(shop)
    other = made(shop, name="production")
    with pytest.raises(Conflict):
        changed(other, name="staging")
    assert changed(other, name="production").name == "production"


def test_a_duplicate_has_the_secrets_too(shop: Project) -> None:
    environment = made(shop, variables=[{"name": "a", "value": "s3cret", "secret": True}])
    first, second = duplicate(environment), duplicate(environment)
    assert [first.name, second.name] == ["staging (2)", "staging (3)"]
    assert secret_values(second) == {"variable:a": "s3cret"}


def test_secrets_whose_key_is_gone_are_said_to_be(shop: Project) -> None:
    with override_settings(SECRET_KEY="old"):
        environment = made(shop, variables=[{"name": "a", "value": "s3cret", "secret": True}])
    with pytest.raises(SecretsUnreadable, match="Type them again"):
        secret_values(environment)
    environment = changed(environment, name="renamed")  # what has nothing to do with secrets leaves them alone
    with override_settings(SECRET_KEY_FALLBACKS=["old"]):
        assert secret_values(environment) == {"variable:a": "s3cret"}
    environment = changed(environment, variables=[{"name": "a", "value": "new", "secret": True}])
    assert secret_values(environment) == {"variable:a": "new"}


def test_schemes_come_from_all_documents_and_only_those_that_can_be_answered(secured: Project) -> None:
    OpenApiSpec.objects.create(
        project=secured, title="Zoo", security_schemes=[{"name": "bearerAuth", "kind": "basic", "flows": []}]
    )
    found = schemes_of(secured)
    assert [(one["name"], one["kind"]) for one in found] == [
        ("bearerAuth", "bearer"), ("basicAuth", "basic"), ("queryKey", "api_key"), ("oauth", "oauth2"),
    ]  # fmt: skip
    assert found[3]["flows"][0]["token_url"] == "https://shop.example.com/oauth/token"


def test_a_client_without_a_secret_is_public(secured: Project) -> None:
    asked = {"scheme": "oauth", "grant": "password", "client_id": "c", "username": "u", "password": "p"}
    oauth = parts(made(secured, credentials=[asked])).credentials[0].oauth
    assert oauth is not None
    assert (oauth.client_secret, oauth.password) == ("", "password:oauth")
