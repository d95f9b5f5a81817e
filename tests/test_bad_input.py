"""What cannot be taken gets a 4xx that names the field, and leaves nothing half-made. By API; the pages use the same
rules and are tested with them in their apps."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from openapi_spec_validator import validate

from history.models import ScenarioHistory, TestHistory
from projects.models import Endpoint, OpenApiSpec, Project

pytestmark = pytest.mark.django_db
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "http://127.0.0.1:9"}],
    "paths": {
        "/items/{id}": {
            "get": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "ok"}},
            }
        },
        "/items": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {"201": {"description": "made"}},
            }
        },
    },
}


def post(client: Client, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    response = client.post(path, json.dumps(body), content_type="application/json")
    return response.status_code, response.json()


@pytest.fixture
def api(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def project(api: Client) -> int:
    return int(post(api, "/project", {"title": "Shop"})[1]["id"])


@pytest.fixture
def endpoints(api: Client, project: int) -> dict[str, int]:
    status, answer = post(api, "/openapi/analyze", {"project_id": project, "document": json.dumps(DOCUMENT)})
    assert status == 201, answer
    return {f"{one.method} {one.path}": one.pk for one in Endpoint.objects.all()}


def asked(endpoint: int, **changes: Any) -> dict[str, Any]:
    scenario = {
        "name": "Look",
        "endpoint_id": endpoint,
        "executor": "constant-vus",
        "stages": [{"duration": 10, "target": 2}],
        **changes.pop("scenario", {}),
    }
    return {"title": "Load", "scenarios": [scenario], **changes}


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("no title", {"title": ""}, "title"),
    ("title of blanks", {"title": "   "}, "title"),
    ("no scenarios", {"scenarios": []}, "scenarios"),
    ("unknown project", {"project_id": 4711}, "project_id"),
    ("negative duration", {"scenario": {"stages": [{"duration": -5, "target": 2}]}}, "scenarios.0.stages.0.duration"),
    ("negative text", {"scenario": {"stages": [{"duration": "-5s", "target": 2}]}}, "scenarios.0.stages.0.duration"),
    ("10x", {"scenario": {"stages": [{"duration": "10x", "target": 2}]}}, "scenarios.0.stages.0.duration"),
    ("no time at all", {"scenario": {"stages": [{"duration": 0, "target": 2}]}}, "scenarios.0.stages"),
    ("no users", {"scenario": {"stages": [{"duration": 10, "target": 0}]}}, "scenarios.0.stages"),
    ("negative users", {"scenario": {"stages": [{"duration": 10, "target": -1}]}}, "scenarios.0.stages.0.target"),
    ("a million users", {"scenario": {"stages": [{"duration": 10, "target": 1_000_000}]}}, "scenarios.0.stages"),
    ("days", {"scenario": {"stages": [{"duration": "100h", "target": 1}]}}, "scenarios.0.stages"),
    ("no stages", {"scenario": {"stages": []}}, "scenarios.0.stages"),
    ("unknown executor", {"scenario": {"executor": "as-fast-as-possible"}}, "scenarios.0.executor"),
    ("unknown endpoint", {"scenario": {"endpoint_id": 4711}}, "scenarios.0.endpoint_id"),
    ("endpoint as text", {"scenario": {"endpoint_id": "abc"}}, "scenarios.0.endpoint_id"),
    ("negative think time", {"scenario": {"think_time": -1}}, "scenarios.0.think_time"),
    ("error rate of 200 %", {"scenario": {"error_rate_target": 200}}, "scenarios.0.error_rate_target"),
    ("response time target of 0", {"scenario": {"response_time_target": 0}}, "scenarios.0.response_time_target"),
]


@pytest.mark.parametrize("path", ["/load-testing", "/load-testing/preview"])
def test_a_bad_load_test_is_refused_with_its_field(api: Client, endpoints: dict[str, int], path: str) -> None:
    for what, changes, field in BAD:
        status, answer = post(api, path, asked(endpoints["GET /items/{id}"], **json.loads(json.dumps(changes))))
        assert 400 <= status < 500, what
        fields = [detail["field"] for detail in answer["error"]["details"]]
        assert any(found == field or found.startswith(f"{field}.") for found in fields), (what, answer)
        assert answer["error"]["message"], what
        assert not TestHistory.objects.exists(), what
        assert not ScenarioHistory.objects.exists(), what


def test_an_endpoint_of_another_project_is_refused(api: Client, endpoints: dict[str, int]) -> None:
    other = post(api, "/project", {"title": "Other"})[1]["id"]
    status, answer = post(api, "/load-testing", asked(endpoints["GET /items/{id}"], project_id=other))
    assert status == 422
    assert answer["error"]["details"][0]["field"] == "scenarios.0.endpoint_id"


def test_an_endpoint_of_a_stranger_does_not_exist(
    api: Client, endpoints: dict[str, int], client: Client, charlie: User
) -> None:
    client.force_login(charlie)
    status, _answer = post(client, "/load-testing", asked(endpoints["GET /items/{id}"]))
    assert status in {404, 422}
    assert not TestHistory.objects.exists()


def test_5_mb_of_body_are_too_much(api: Client, endpoints: dict[str, int]) -> None:
    body = {"scenario": {"body": "x" * 5 * 1024 * 1024}}
    status, answer = post(api, "/load-testing", asked(endpoints["POST /items"], **body))
    assert status == 413
    assert answer["error"]["details"][0]["field"] == "scenarios.0.body"
    assert not TestHistory.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", '"text"', "null", "[" * 100_000])
@pytest.mark.parametrize("path", ["/load-testing", "/project", "/openapi/analyze"])
def test_a_body_that_is_no_json_object_is_refused(api: Client, path: str, body: str) -> None:
    response = api.post(path, body, content_type="application/json")
    assert response.status_code in {400, 422}
    assert set(response.json()["error"]) == {"code", "message", "details"}


def test_a_project_needs_a_title(api: Client) -> None:
    for body in ({}, {"title": ""}, {"title": None}, {"title": "x" * 1000}):
        status, answer = post(api, "/project", body)
        assert status == 422
        assert answer["error"]["details"][0]["field"] == "title"
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"openapi_url": "http://127.0.0.1:9/openapi.json"}, 502, "openapi_url"),
        ({"openapi_url": "not an address"}, 422, "openapi_url"),
        ({"openapi_url": "file:///etc/passwd"}, 422, "openapi_url"),
        ({"document": "<html><body>Log in</body></html>"}, 422, "document"),
        ({"document": "just words"}, 422, "document"),
        ({}, 422, "openapi_url"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused(
    api: Client, project: int, settings: Any, body: dict[str, Any], status: int, field: str
) -> None:
    settings.METRICVAULT_IMPORT_PRIVATE = True
    found, answer = post(api, "/openapi/analyze", {"project_id": project, **body})
    assert found == status
    assert answer["error"]["details"][0]["field"] == field
    assert not OpenApiSpec.objects.exists()


def test_an_unknown_project_is_named(api: Client) -> None:
    status, answer = post(api, "/openapi/analyze", {"project_id": 4711, "document": json.dumps(DOCUMENT)})
    assert status == 404
    assert answer["error"]["details"][0]["field"] == "project_id"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/nothing/here", 404),
        ("get", "/test-history/4711/details", 404),
        ("get", "/test-history/99999999999999999999/details", 404),
        ("get", "/project/4711", 404),
        ("get", "/load-testing", 405),
        ("delete", "/test-history/simple", 405),
        ("get", "/test-history/simple?limit=1000", 422),
        ("get", "/test-history/simple?limit=abc", 422),
        ("get", "/sse/k6-data?test_history_id=abc", 400),
        ("get", "/sse/k6-data?test_history_id=4711", 404),
    ],
)
def test_every_error_has_the_one_shape(api: Client, method: str, path: str, status: int) -> None:
    response = getattr(api, method)(path)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"code", "message", "details"}


@pytest.mark.parametrize("path", ["/project", "/test-history/simple", "/scheduler/jobs", "/sse/k6-data", "/endpoint"])
def test_without_a_login_nothing_is_shown(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code in {401, 403}
    assert set(response.json()["error"]) == {"code", "message", "details"}


def test_another_web_site_cannot_start_anything(api: Client, endpoints: dict[str, int]) -> None:
    body = json.dumps(asked(endpoints["GET /items/{id}"]))
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        response = api.post("/load-testing", body, content_type="text/plain", headers=headers)
        assert response.status_code == 403
    assert not TestHistory.objects.exists()


def test_the_api_describes_itself(api: Client) -> None:
    document = api.get("/api/openapi.json").json()
    assert {"/project", "/openapi/analyze", "/load-testing", "/test-history/simple"} <= set(document["paths"])
    assert {"/sse/k6-data", "/"} <= set(document["paths"])
    validate(document)
    assert api.get("/api/swagger").status_code == 200
