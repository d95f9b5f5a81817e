"""REST: environments and data files. Secrets go in and never come out."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from history.models import TestHistory
from history.states import Status
from loadtests.models import Plan
from projects.environment_keeping import EnvironmentPatch, keep
from projects.environments import secret_values
from projects.models import DataFile, Environment, Project
from projects.tests.test_api import fields, post

WHOLE = {
    "name": "staging",
    "base_url": "https://staging.example.com",
    "headers": [{"name": "X-Tenant", "value": "{{tenant}}"}],
    "variables": [{"name": "tenant", "value": "acme"}, {"name": "pin", "value": "s3cret-pin", "secret": True}],
    "credentials": [
        {"scheme": "key", "kind": "api_key", "place": "query", "name": "k", "key": "s3cret-key"},
        {
            "scheme": "oauth", "kind": "oauth2", "token_url": "https://login.example.com/token", "client_id": "load",
            "client_secret": "s3cret-client", "scope": "read",
        },
    ],
}  # fmt: skip


def patch(client: Client, path: str, data: Any) -> Any:
    return client.patch(path, json.dumps(data), content_type="application/json")


def test_an_environment_comes_back_without_its_secrets(shop: Project, bob_client: Client) -> None:
    answer = post(bob_client, "/environment", {"project_id": shop.pk, **WHOLE})
    assert answer.status_code == 201
    found = answer.json()
    assert found == bob_client.get(f"/environment/{found['id']}").json()
    assert "s3cret" not in answer.content.decode()
    assert (found["project_id"], found["base_url"], found["headers"]) == (shop.pk, WHOLE["base_url"], WHOLE["headers"])
    assert found["variables"] == [
        {"name": "tenant", "value": "acme", "secret": False},
        {"name": "pin", "secret": True, "set": True},
    ]
    kept = {"secret": True, "set": True}
    assert found["credentials"] == [
        {"scheme": "key", "kind": "api_key", "place": "query", "name": "k", "prefix": "", "key": kept},
        {
            "scheme": "oauth", "kind": "oauth2", "grant": "client_credentials", "client_id": "load", "in_body": False,
            "token_url": "https://login.example.com/token", "scope": "read", "client_secret": kept,
        },
    ]  # fmt: skip


def test_what_was_answered_may_be_sent_back(shop: Project, alice_client: Client) -> None:
    found = post(alice_client, "/environment", {"project_id": shop.pk, **WHOLE}).json()
    before = secret_values(Environment.objects.get())
    assert patch(alice_client, f"/environment/{found['id']}", found).json()["credentials"] == found["credentials"]
    assert secret_values(Environment.objects.get()) == before
    changed = patch(alice_client, f"/environment/{found['id']}", {"base_url": ""}).json()
    assert (changed["base_url"], changed["name"]) == ("", "staging")
    variables = [{"name": "pin", "secret": True, "value": None}]
    assert patch(alice_client, f"/environment/{found['id']}", {"variables": variables}).json()["variables"] == [
        {"name": "pin", "secret": True, "set": False}
    ]


def test_secrets_that_cannot_be_read_are_told_as_such(shop: Project, alice_client: Client) -> None:
    variables = [{"name": "x", "value": "1", "secret": True}]
    with override_settings(SECRET_KEY="old"):
        asked = EnvironmentPatch.model_validate({"name": "a", "variables": variables})
        key = keep(Environment(project=shop), asked).pk
    found = alice_client.get(f"/environment/{key}").json()
    assert (found["secrets_readable"], found["variables"][0]["set"]) == (False, False)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a", "base_url": "shop"}, "base_url"),
        ({"name": "a", "variables": [{"name": "x-y"}]}, "variables.0.name"),
        ({"name": "a", "headers": [{"name": "X", "value": "\ud800"}]}, "headers.0.value"),
        ({"name": "a", "credentials": [{"scheme": "x"}]}, "credentials.0.kind"),
        ({"name": "a", "credentials": [{"scheme": "x", "kind": "digest"}]}, "credentials.0.kind"),
        ({"name": "a", "variables": {}}, "variables"),
        ({"name": "a", "project_id": 0}, "project_id"),
    ],
)
def test_the_field_that_is_wrong_is_named(shop: Project, alice_client: Client, data: Any, field: str) -> None:
    answer = post(alice_client, "/environment", {"project_id": shop.pk, **data})
    assert answer.status_code == 422
    assert fields(answer) == {field}
    assert not Environment.objects.exists()


def test_a_name_that_is_taken_is_a_conflict(shop: Project, alice_client: Client) -> None:
    assert post(alice_client, "/environment", {"project_id": shop.pk, "name": "a"}).status_code == 201
    answer = post(alice_client, "/environment", {"project_id": shop.pk, "name": "a"})
    assert (answer.status_code, fields(answer)) == (409, {"name"})


def test_environments_are_listed_by_project(shop: Project, alice_client: Client, charlie_client: Client) -> None:
    other = Project.objects.create(title="Other", owner=shop.owner)
    for project, name in ((shop, "b"), (shop, "a"), (other, "c")):
        Environment.objects.create(project=project, name=name)
    found = alice_client.get(f"/environment?project_id={shop.pk}&limit=1").json()
    assert ([one["name"] for one in found["items"]], found["count"]) == (["a"], 2)
    assert alice_client.get("/environment").json()["count"] == 3
    assert charlie_client.get("/environment").json() == {"items": [], "count": 0}
    assert charlie_client.get(f"/environment?project_id={shop.pk}").status_code == 404


def test_who_may_only_look_changes_nothing(shop: Project, rita_client: Client, charlie_client: Client) -> None:
    key = Environment.objects.create(project=shop, name="a").pk
    assert rita_client.get(f"/environment/{key}").status_code == 200
    assert charlie_client.get(f"/environment/{key}").status_code == 404
    for client, status in ((rita_client, 403), (charlie_client, 404)):
        assert patch(client, f"/environment/{key}", {"name": "b"}).status_code == status
        assert client.delete(f"/environment/{key}").status_code == status
        assert client.post(f"/environment/{key}/duplicate").status_code == status
        assert post(client, "/environment", {"project_id": shop.pk, "name": "b"}).status_code == status
    assert Client().get("/environment").status_code == 401
    assert Environment.objects.get().name == "a"


def test_it_is_duplicated_and_deleted(shop: Project, bob_client: Client) -> None:
    key = post(bob_client, "/environment", {"project_id": shop.pk, **WHOLE}).json()["id"]
    copy = bob_client.post(f"/environment/{key}/duplicate")
    assert (copy.status_code, copy.json()["name"]) == (201, "staging (2)")
    assert bob_client.delete(f"/environment/{key}").status_code == 204
    assert bob_client.get(f"/environment/{key}").status_code == 404
    assert secret_values(Environment.objects.get())["variable:pin"] == "s3cret-pin"


def test_it_stays_while_a_plan_or_an_active_run_uses_it(shop: Project, bob_client: Client) -> None:
    environment = Environment.objects.create(project=shop, name="a")
    plan = Plan.objects.create(project=shop, title="Log in", environment=environment)
    answer = bob_client.delete(f"/environment/{environment.pk}")
    assert (answer.status_code, "Log in" in answer.json()["error"]["message"]) == (409, True)
    plan.delete()
    snapshot = {"environment": environment.pk}
    run = TestHistory.objects.create(project=shop, title="r", status=Status.RUNNING, plan_snapshot=snapshot)
    assert bob_client.delete(f"/environment/{environment.pk}").status_code == 409
    TestHistory.objects.filter(pk=run.pk).update(is_completed=True)
    assert bob_client.delete(f"/environment/{environment.pk}").status_code == 204


def upload(client: Client, project: Project, text: bytes = "이름\n홍길동\n".encode("cp949"), **more: str) -> Any:
    file = SimpleUploadedFile("Users.csv", text)
    return client.post("/data-file", {"project_id": project.pk, "file": file, **more})


def test_a_data_file_is_uploaded_looked_at_and_deleted(shop: Project, bob_client: Client) -> None:
    answer = upload(bob_client, shop)
    assert answer.status_code == 201
    found = answer.json()
    assert (found["name"], found["file_name"], found["encoding"]) == ("users", "Users.csv", "cp949")
    assert (found["columns"], found["row_count"], found["first_rows"]) == (["이름"], 1, [["홍길동"]])
    assert bob_client.get(f"/data-file/{found['id']}").json() == found
    listed = bob_client.get(f"/data-file?project_id={shop.pk}").json()
    assert (listed["count"], listed["items"][0]["name"]) == (1, "users")
    assert bob_client.delete(f"/data-file/{found['id']}").status_code == 204
    assert bob_client.get("/data-file").json() == {"items": [], "count": 0}


def test_a_new_upload_takes_the_place_of_the_old(shop: Project, bob_client: Client) -> None:
    first, second = (upload(bob_client, shop, text, name="u").json() for text in (b"a\n1\n", b"a\n2\n"))
    assert first["id"] != second["id"]
    assert bob_client.get("/data-file").json()["count"] == 1


@pytest.mark.parametrize(
    ("text", "more", "field"),
    [
        (b"", {}, "file"),
        (b"a,b\n1\n", {}, "file"),
        (b"a\n1\n", {"name": "No Name"}, "name"),
        (b"a\n1\n", {"encoding": "rot13"}, "encoding"),
        (b"a\n1\n", {"project_id": "x"}, "project_id"),
    ],
)
def test_a_bad_upload_is_refused(
    shop: Project, alice_client: Client, text: bytes, more: dict[str, str], field: str
) -> None:
    answer = upload(alice_client, shop, text, **more)
    assert (answer.status_code, fields(answer)) == (422, {field})
    assert not DataFile.objects.exists()


def test_an_upload_without_a_file_says_so(shop: Project, alice_client: Client) -> None:
    answer = alice_client.post("/data-file", {"project_id": shop.pk})
    assert (answer.status_code, fields(answer)) == (422, {"file"})


@pytest.mark.parametrize("path", ["/data-file", "/openapi/analyze"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n" * 2000),
    ],
)
def test_a_body_that_is_no_form_is_refused(
    shop: Project, alice_client: Client, path: str, kind: str, body: bytes
) -> None:
    answer = alice_client.generic("POST", path, body, content_type=kind)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")


def test_strangers_and_readers_do_not_upload(shop: Project, rita_client: Client, charlie_client: Client) -> None:
    assert (upload(rita_client, shop).status_code, upload(charlie_client, shop).status_code) == (403, 404)
    assert not DataFile.objects.exists()


def test_a_file_that_a_plan_uses_stays(shop: Project, alice_client: Client, rita_client: Client) -> None:
    key = upload(alice_client, shop).json()["id"]
    Plan.objects.create(project=shop, title="Log in", options={"data": {"users": "unique"}})
    assert alice_client.delete(f"/data-file/{key}").status_code == 409
    assert rita_client.delete(f"/data-file/{key}").status_code == 403
    assert rita_client.get(f"/data-file/{key}").status_code == 200
