"""The page of a document: servers to choose from, logins, findings, and each endpoint in full."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from projects.endpoint_table import in_words, kind_in_words
from projects.models import Endpoint, OpenApiSpec, Project
from projects.spec_import import analyze
from projects.tests.documents import ORDERS, with_paths

HTMX = {"HX-Request": "true"}
SERVERS = [
    {"url": "https://staging.example.com/v1", "description": "Staging"},
    {"url": "https://api.example.com/v1", "description": "Production"},
    {"url": "/v1", "description": "Same host"},
]


@pytest.fixture
def served(shop: Project) -> OpenApiSpec:
    return analyze(shop, text=json.dumps(with_paths({"/a": {"get": {}}}, servers=SERVERS))).spec


def spec_page(client: Client, spec: OpenApiSpec, query: str = "", **more: Any) -> str:
    answer = client.get(reverse("projects:spec", args=[spec.pk]) + query, **more)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_server_is_listed_and_one_is_in_use(served: OpenApiSpec, alice_client: Client) -> None:
    html = spec_page(alice_client, served)
    assert re.findall(r'name="base_url" value="(https[^"]*)"', html) == [
        "https://api.example.com/v1",
        "https://staging.example.com/v1",  # the field
    ]
    assert "in use" in html
    assert "names no host" in html


def test_a_server_is_chosen_with_one_click(served: OpenApiSpec, alice_client: Client) -> None:
    alice_client.post(reverse("projects:spec-edit", args=[served.pk]), {"base_url": SERVERS[1]["url"]})
    served.refresh_from_db()
    assert served.base_url == SERVERS[1]["url"]
    again = analyze(served.project, text=json.dumps(with_paths({"/a": {"get": {}}}, servers=SERVERS[:2])))
    assert again.spec.base_url == SERVERS[1]["url"]


def test_a_reader_chooses_no_server(served: OpenApiSpec, rita_client: Client) -> None:
    assert 'name="base_url"' not in spec_page(rita_client, served)


def test_a_document_without_a_server_asks_for_one(shop: Project, alice_client: Client) -> None:
    spec = analyze(shop, text=json.dumps(with_paths({"/a": {"get": {}}}, servers=[]))).spec
    assert "does not say where the API is" in spec_page(alice_client, spec)


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ({"kind": "bearer"}, "Bearer token"),
        ({"kind": "basic"}, "user name and password"),
        ({"kind": "api_key", "place": "query", "parameter": "key"}, "API key in the query parameter “key”"),
        ({"kind": "api_key", "place": "cookie", "parameter": "sid"}, "API key in the cookie “sid”"),
        ({"kind": "oauth2"}, "OAuth 2.0"),
        ({"kind": "open_id"}, "OpenID Connect"),
        ({}, "a way that is not known here"),
    ],
)
def test_a_scheme_is_said_in_words(scheme: dict[str, Any], words: str) -> None:
    assert kind_in_words(scheme) == words


def test_alternatives_are_said_in_words() -> None:
    schemes = {"a": {"kind": "bearer"}, "b": {"kind": "basic"}}
    both = [{"scheme": "a", "scopes": ["read", "write"]}, {"scheme": "b", "scopes": []}]
    assert in_words(both, schemes) == "a: Bearer token (read, write) + b: user name and password"
    assert in_words([], schemes) == "without a login"


@pytest.fixture
def secured(shop: Project) -> OpenApiSpec:
    """A document whose schemes are set here as `projects.openapi` gives them."""
    spec = analyze(shop, text=ORDERS).spec
    flow = {"flow": "client_credentials", "token_url": "https://login.example/token", "scopes": ["orders"]}
    schemes = [
        {"name": "login", "kind": "oauth2", "place": "", "parameter": "", "flows": [flow], "description": "<b>"},
        {"name": "key", "kind": "api_key", "place": "header", "parameter": "X-Key", "flows": []},
    ]
    security = [[{"scheme": "login", "scopes": ["orders"]}], [{"scheme": "key", "scopes": []}], []]
    OpenApiSpec.objects.filter(pk=spec.pk).update(security_schemes=schemes, webhooks=2, callbacks=1)
    Endpoint.objects.filter(path="/orders").update(security=security)
    return spec


def test_logins_stand_on_the_document_and_its_endpoints(secured: OpenApiSpec, alice_client: Client) -> None:
    html = spec_page(alice_client, secured)
    for text in ("OAuth 2.0", "https://login.example/token", "API key in the header “X-Key”", "2 webhooks besides"):
        assert text in html
    assert "<b>" not in html
    assert html.count(">login, key</span>") == 2  # the endpoint stands under two tags
    endpoint = Endpoint.objects.get(path="/orders")
    full = alice_client.get(reverse("projects:endpoint", args=[endpoint.pk])).content.decode()
    words = re.sub(r"\s+", " ", full)
    assert "login: OAuth 2.0 (orders) or key: API key in the header “X-Key” or without a login" in words


def test_an_endpoint_in_full(orders: OpenApiSpec, alice_client: Client) -> None:
    read, write = orders.endpoints.get(operation_id="readOrder"), orders.endpoints.get(path="/orders")
    html = alice_client.get(reverse("projects:endpoint", args=[read.pk]), headers=HTMX).content.decode()
    assert html.lstrip().startswith('<section class="drawer"')
    for text in ("orderId", "required", "X-Trace", "https://api.example.com/v1", "none asked for"):
        assert text in html
    html = alice_client.get(reverse("projects:endpoint", args=[write.pk])).content.decode()
    assert "<html" in html
    assert "커피" in html


def test_a_stranger_finds_no_endpoint_and_no_findings(orders: OpenApiSpec, charlie_client: Client) -> None:
    endpoint = orders.endpoints.first()
    assert endpoint is not None
    assert charlie_client.get(reverse("projects:endpoint", args=[endpoint.pk])).status_code == 404
    assert charlie_client.get(reverse("projects:spec-findings", args=[orders.pk])).status_code == 404


def test_endpoints_that_need_a_value_are_found(shop: Project, alice_client: Client) -> None:
    spec = analyze(shop, text=json.dumps(with_paths({"/a/{id}": {"get": {}}, "/b": {"get": {}}}))).spec
    assert "Need a value 1" in spec_page(alice_client, spec)
    found = spec_page(alice_client, spec, "?only=missing", headers=HTMX)
    assert re.findall(r'aria-label="([A-Z]+ /[^"]*)"', found) == ["GET /a/{id}"]


def test_the_pages_ask_few_queries_however_many_endpoints(
    shop: Project, alice_client: Client, django_assert_max_num_queries: Any
) -> None:
    paths = {f"/a{number}": {"get": {"tags": [f"t{number % 30}"]}} for number in range(400)}
    spec = analyze(shop, text=json.dumps(with_paths(paths))).spec
    endpoint = spec.endpoints.first()
    assert endpoint is not None
    for address in (
        reverse("projects:spec", args=[spec.pk]),
        reverse("projects:spec", args=[spec.pk]) + "?q=a3&page=2",
        reverse("projects:detail", args=[shop.pk]),
        reverse("projects:import", args=[shop.pk]) + f"?spec={spec.pk}",
        reverse("projects:endpoint", args=[endpoint.pk]),
    ):
        with django_assert_max_num_queries(17):
            assert alice_client.get(address).status_code == 200


def test_the_text_of_a_document_is_not_loaded_for_its_page(orders: OpenApiSpec, alice_client: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        spec_page(alice_client, orders)
    assert not [one["sql"] for one in queries.captured_queries if '"openapi_spec"."document"' in one["sql"]]
