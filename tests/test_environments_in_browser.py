"""An environment with a login and secrets, and a Korean CSV, made on the pages by labels and keyboard."""

from typing import TYPE_CHECKING

import pytest

from tests.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.needs("chromium", "redis-server", "k6"), pytest.mark.thorough]


def test_an_environment_is_made_by_labels_and_keyboard(product: Product, page: "Page") -> None:
    endpoints = product.imported_demo("Environments")
    document = product.api.get(f"/openapi/{endpoints['GET /me']['openapi_spec_id']}").json()
    project = document["project_id"]
    page.goto(f"{product.url}/projects/")
    page.get_by_role("link", name="Environments").click()
    page.get_by_role("link", name="New environment").click()
    page.get_by_label("Name", exact=True).fill("staging")
    page.get_by_label("How to log in to oauth2Client").select_option(label="OAuth 2.0: client credentials")
    page.get_by_label("Client ID").fill("partner")
    assert page.get_by_label("Token URL").input_value().endswith("/oauth/token")
    page.get_by_role("button", name="Add variable").press("Enter")
    page.get_by_label("Variable name").fill("tenant name")
    page.get_by_label("Variable value").fill("s3cret-value")
    page.get_by_label("secret", exact=True).press("Space")
    page.get_by_label("Client secret").press("Enter")
    page.get_by_text("Write letters, digits").wait_for()
    assert page.get_by_label("Client ID").input_value() == "partner"  # nothing of what was typed is lost but secrets
    page.get_by_label("Variable name").fill("tenant")
    page.get_by_label("Variable value").fill("s3cret-value")
    page.get_by_label("Client secret").fill("secret-partner")
    page.get_by_label("Client secret").press("Enter")
    page.get_by_role("cell", name="oauth2Client").wait_for()
    page.get_by_role("link", name="staging").click()
    page.get_by_label("Variable name").wait_for()
    assert page.get_by_label("Variable value").get_attribute("placeholder") == "kept; type to replace it"
    assert "s3cret-value" not in page.content()
    page.get_by_role("button", name="Remove tenant").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("cell", name="oauth2Client").wait_for()
    (environment,) = product.api.get("/environment", params={"project_id": project}).json()["items"]
    assert (environment["variables"], environment["credentials"][0]["client_secret"]["set"]) == ([], True)


def test_a_korean_spreadsheet_is_uploaded(product: Product, page: "Page") -> None:
    project = product.api.post("/project", json={"title": "Korean CSV"}).json()["id"]
    page.goto(f"{product.url}/projects/{project}/data")
    content = "이름,이메일\r\n홍길동,hong@example.kr\r\n".encode("cp949")
    page.get_by_label("File").set_input_files({"name": "사용자.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("Write small letters").wait_for()
    page.get_by_label("Name").fill("users")  # the file stays chosen
    page.get_by_label("Name").press("Enter")
    page.get_by_role("columnheader", name="{{users.이름}}").wait_for()
    assert page.get_by_role("cell", name="홍길동").is_visible()
