"""Pages of environments and data files."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from loadtests.models import Plan
from projects.environment_keeping import CredentialIn, EnvironmentPatch, keep
from projects.environments import parts, secret_values
from projects.models import DataFile, Environment, OpenApiSpec, Project

PAGE = {"headers": {"accept": "text/html"}}


@pytest.fixture
def secured(shop: Project) -> Project:
    """The shop with two logins in its document."""
    flow = {"flow": "client_credentials", "token_url": "https://login.example.com/token", "scopes": ["read", "write"]}
    schemes = [
        {"name": "bearerAuth", "kind": "bearer", "place": "header", "parameter": "Authorization", "flows": []},
        {"name": "oauth", "kind": "oauth2", "place": "header", "parameter": "Authorization", "flows": [flow]},
    ]
    OpenApiSpec.objects.create(project=shop, title="Shop API", base_url="https://a.example", security_schemes=schemes)
    return shop


def typed(**more: str) -> dict[str, str]:
    return {
        "name": "staging",
        "base_url": "https://staging.example.com",
        "header.a.name": "X-Tenant",
        "header.a.value": "{{tenant}}",
        "header.b.name": "",
        "header.b.value": "",
        "variable.a.name": "tenant",
        "variable.a.value": "acme",
        "variable.b.name": "pin",
        "variable.b.value": "s3cret-pin",
        "variable.b.secret": "on",
        "login.s0.scheme": "bearerAuth",
        "login.s0.way": "bearer",
        "login.s0.token": "s3cret-token",
        "login.s1.scheme": "oauth",
        "login.s1.way": "",
        **more,
    }


def made(client: Client, project: Project, **more: str) -> Environment:
    answer = client.post(f"/projects/{project.pk}/environments/new", typed(**more), **PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/projects/{project.pk}/environments")
    return Environment.objects.get()


def page(client: Client, address: str) -> Any:
    answer = client.get(address, **PAGE)
    return answer.status_code, answer.content.decode()


def test_an_environment_is_made_from_its_form(secured: Project, bob_client: Client) -> None:
    environment = made(bob_client, secured)
    found = parts(environment)
    assert (environment.name, found.base_url) == ("staging", "https://staging.example.com")
    assert found.headers == (("X-Tenant", "{{tenant}}"),)
    assert (found.variables, list(found.secret_variables)) == ({"tenant": "acme"}, ["pin"])
    assert [one.scheme for one in found.credentials] == ["bearerAuth"]
    assert secret_values(environment) == {"variable:pin": "s3cret-pin", "credential:bearerAuth": "s3cret-token"}


def test_no_page_shows_a_secret(secured: Project, bob_client: Client, rita_client: Client) -> None:
    environment = made(bob_client, secured)
    for client in (bob_client, rita_client):
        for address in (
            f"/projects/{secured.pk}/environments",
            f"/projects/environments/{environment.pk}/",
            f"/projects/{secured.pk}/",
        ):
            status, text = page(client, address)
            assert status == 200
            assert "staging" in text
            assert "s3cret" not in text


def test_an_empty_secret_keeps_what_is_there_and_a_tick_removes_it(secured: Project, bob_client: Client) -> None:
    environment = made(bob_client, secured)
    address = f"/projects/environments/{environment.pk}/"
    again = {**typed(), "variable.b.value": "", "variable.b.was": "pin", "login.s0.token": ""}
    assert bob_client.post(address, again, **PAGE).status_code == 302
    assert secret_values(Environment.objects.get())["variable:pin"] == "s3cret-pin"
    assert secret_values(Environment.objects.get())["credential:bearerAuth"] == "s3cret-token"
    bob_client.post(address, {**again, "variable.b.name": "code"}, **PAGE)
    assert secret_values(Environment.objects.get())["variable:code"] == "s3cret-pin"
    bob_client.post(address, {**again, "variable.b.forget": "on"}, **PAGE)
    assert secret_values(Environment.objects.get())["variable:pin"] == ""
    gone = {name: value for name, value in again.items() if not name.startswith("variable.b")}
    bob_client.post(address, {**gone, "login.s0.way": ""}, **PAGE)
    assert Environment.objects.get().sealed == ""


def test_what_the_api_set_stays_when_the_form_is_saved(secured: Project, bob_client: Client) -> None:
    login = {"scheme": "x", "kind": "api_key", "place": "query", "name": "k", "prefix": "Key ", "key": "s3cret"}
    environment = keep(Environment(project=secured), EnvironmentPatch(name="a", credentials=[CredentialIn(**login)]))
    before = parts(environment)
    address = f"/projects/environments/{environment.pk}/"
    fields = re.findall(r'<input[^>]* name="([^"]+)"(?:[^>]* value="([^"]*)")?', page(bob_client, address)[1])
    sent = {name: value for name, value in fields if name != "csrfmiddlewaretoken"}
    chosen = re.findall(r'<select[^>]* name="([^"]+)".*?<option value="([^"]*)" selected', page(bob_client, address)[1])
    assert bob_client.post(address, {**sent, **dict(chosen)}, **PAGE).status_code == 302
    after = Environment.objects.get()
    assert (parts(after), secret_values(after)) == (before, {"credential:x": "s3cret"})


def test_problems_stand_at_their_fields_and_secrets_are_not_sent_back(secured: Project, bob_client: Client) -> None:
    wrong = typed(
        **{
            "name": "",
            "base_url": "shop",
            "header.a.name": "a b",
            "variable.a.name": "1",
            "login.s1.way": "oauth2:client_credentials",
            "login.s1.client_secret": "s3cret-client",
        }
    )
    answer = bob_client.post(f"/projects/{secured.pk}/environments/new", wrong, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert answer.status_code == 422
    for said in (
        "Write a name", "Write an address such as", "not a header that can be set", "Write letters, digits",
        "Write a value.", "Type it once more",
    ):  # fmt: skip
        assert said in text
    assert "s3cret" not in text
    assert 'value="acme"' in text
    assert "<html" not in text
    assert not Environment.objects.exists()


def test_saving_by_htmx_goes_back_to_the_list(secured: Project, bob_client: Client) -> None:
    address = f"/projects/{secured.pk}/environments/new"
    answer = bob_client.post(address, typed(), headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == f"/projects/{secured.pk}/environments"


def test_a_chosen_way_of_login_asks_for_its_fields_filled_in_from_the_document(
    secured: Project, bob_client: Client
) -> None:
    sent = typed(**{"login.s1.way": "oauth2:client_credentials"})
    hx = {"HX-Request": "true", "HX-Trigger-Name": "login.s1.way"}
    answer = bob_client.post(f"/projects/{secured.pk}/environments/login", sent, headers=hx)
    text = answer.content.decode()
    assert 'value="https://login.example.com/token"' in text
    assert 'value="read write"' in text
    assert 'id="login-s1"' in text
    assert "s3cret" not in text
    assert bob_client.post(f"/projects/{secured.pk}/environments/login", sent).status_code == 404


@pytest.mark.parametrize(("kind", "status"), [("header", 200), ("variable", 200), ("login", 404)])
def test_rows_are_added_one_by_one(secured: Project, bob_client: Client, kind: str, status: int) -> None:
    address = f"/projects/{secured.pk}/environments/rows/{kind}"
    first, second = bob_client.get(address), bob_client.get(address)
    assert first.status_code == status
    if status == 200:
        assert first.content != second.content  # each has names of its own


def test_a_reader_sees_it_without_a_form_and_a_stranger_not_at_all(
    secured: Project, bob_client: Client, rita_client: Client, charlie_client: Client
) -> None:
    key = made(bob_client, secured).pk
    status, text = page(rita_client, f"/projects/environments/{key}/")
    assert status == 200
    assert "secret, kept encrypted" in text
    assert 'id="environment"' not in text
    for client, status in ((rita_client, 403), (charlie_client, 404)):
        assert page(client, f"/projects/{secured.pk}/environments/new")[0] == status
        assert page(client, f"/projects/{secured.pk}/environments/rows/header")[0] == status
        for address in ("", "delete", "duplicate"):
            assert client.post(f"/projects/environments/{key}/{address}", typed(), **PAGE).status_code == status
        assert client.post(f"/projects/{secured.pk}/environments/new", typed(), **PAGE).status_code == status
        assert client.post(f"/projects/{secured.pk}/environments/login", {}, **PAGE).status_code == status
    assert page(charlie_client, f"/projects/{secured.pk}/environments")[0] == 404
    assert page(charlie_client, f"/projects/environments/{key}/")[0] == 404


def test_it_is_duplicated_and_deleted(secured: Project, bob_client: Client) -> None:
    key = made(bob_client, secured).pk
    answer = bob_client.post(f"/projects/environments/{key}/duplicate", **PAGE)
    assert answer.headers["Location"] == f"/projects/environments/{Environment.objects.latest('pk').pk}/"
    assert bob_client.post(f"/projects/environments/{key}/delete", **PAGE).status_code == 302
    assert list(Environment.objects.values_list("name", flat=True)) == ["staging (2)"]


def test_the_pages_say_what_to_do_first(shop: Project, bob_client: Client, rita_client: Client) -> None:
    assert "No environments yet" in page(rita_client, f"/projects/{shop.pk}/environments")[1]
    assert "No data files yet" in page(rita_client, f"/projects/{shop.pk}/data")[1]
    assert "describe no logins" in page(bob_client, f"/projects/{shop.pk}/environments/new")[1]


def upload(client: Client, project: Project, text: bytes, name: str = "users", **more: Any) -> Any:
    file = SimpleUploadedFile("사용자.csv", text)
    return client.post(f"/projects/{project.pk}/data", {"name": name, "encoding": "", "file": file}, **(more or PAGE))


def test_a_data_file_is_shown_with_its_first_rows(shop: Project, bob_client: Client) -> None:
    answer = upload(bob_client, shop, "이름,<b>\r\n홍길동,<script>\r\n".encode("cp949"))
    file = DataFile.objects.get()
    assert answer.headers["Location"] == f"/projects/data/{file.pk}/"
    Plan.objects.create(project=shop, title="Log in", options={"data": {"users": "user"}})
    _status, text = page(bob_client, f"/projects/data/{file.pk}/")
    assert "{{users.이름}}" in text
    assert "홍길동" in text
    assert "&lt;script&gt;" in text
    assert "Log in" in text
    assert "users" in page(bob_client, f"/projects/{shop.pk}/data")[1]


def test_an_upload_that_is_wrong_says_so_at_its_field(shop: Project, bob_client: Client) -> None:
    htmx = {"headers": {"HX-Request": "true"}}
    answer = upload(bob_client, shop, b"a,b\n1\n", **htmx)
    assert answer.status_code == 422
    assert "line 2 has 1" in answer.content.decode()
    assert "Write small letters" in upload(bob_client, shop, b"a\n1\n", name="", **htmx).content.decode()
    nothing = bob_client.post(f"/projects/{shop.pk}/data", {}, **htmx)
    assert "Choose a CSV file." in nothing.content.decode()
    assert upload(bob_client, shop, b"a\n1\n", **htmx).headers["HX-Redirect"].startswith("/projects/data/")


def test_readers_look_at_data_files_and_strangers_do_not(
    shop: Project, bob_client: Client, rita_client: Client, charlie_client: Client
) -> None:
    upload(bob_client, shop, b"a\n1\n")
    key = DataFile.objects.get().pk
    assert "upload" not in page(rita_client, f"/projects/{shop.pk}/data")[1].split("<main")[1].split("</main")[0]
    assert page(rita_client, f"/projects/data/{key}/")[0] == 200
    assert page(charlie_client, f"/projects/data/{key}/")[0] == 404
    assert page(charlie_client, f"/projects/{shop.pk}/data")[0] == 404
    for client, status in ((rita_client, 403), (charlie_client, 404)):
        assert upload(client, shop, b"a\n2\n").status_code == status
        assert client.post(f"/projects/data/{key}/delete", **PAGE).status_code == status
    assert bob_client.post(f"/projects/data/{key}/delete", **PAGE).status_code == 302
    assert not DataFile.objects.exists()
