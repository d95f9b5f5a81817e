"""A tester who has never seen it builds a journey in the browser: log in, list, order, cancel, with fifty users of a
file. By labels and keyboard; a page that is loaded again has lost nothing of what was typed."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.needs("k6", "redis-server", "chromium", "uplot")

USERS = 50
STAGES = "4s to 50, hold 3s, 1s to 0"
LOGIN = '{"email": "", "password": "{{users.password}}"}'


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A CSV of users as a spreadsheet program saves it."""
    file = tmp_path / "users.csv"
    rows = [f"user{number}@example.com,pw-user{number}" for number in range(1, USERS + 1)]
    file.write_text("\ufeffemail,password\r\n" + "\r\n".join(rows), encoding="utf-8")
    return file


def kept(page: "Page", act: Callable[[], object]) -> None:
    """Does something and waits until it is saved and the page shows what came of it."""
    with page.expect_response(lambda answer: answer.request.method == "POST") as waiting:
        act()
    assert waiting.value.status == 200
    waiting.value.finished()
    page.wait_for_timeout(100)


def type_into(page: "Page", field: "Locator", text: str) -> None:
    """Replaces what stands in a field; leaving it saves at once."""
    field.focus()
    field.fill(text)
    kept(page, lambda: field.press("Tab"))


def open_step(page: "Page", request: str) -> None:
    """Opens a step by its line, from the keyboard."""
    line = page.locator("#steps").get_by_role("link", name=request)
    line.focus()
    line.press("Enter")
    page.locator("#steps [aria-current=true]", has_text=request.split()[0]).get_by_text(request.split()[1]).wait_for()


def make_project(page: "Page", product: Product, users: Path) -> None:
    """A project of the demo shop with a file of users."""
    page.goto(product.url)
    page.get_by_role("link", name="Projects").first.click()
    page.get_by_role("link", name="New project").first.click()
    page.get_by_label("Title").fill("A journey")
    page.get_by_role("button", name="Make project").click()
    page.get_by_label("Address of the OpenAPI or Swagger document").fill(f"{product.demo_url}/openapi.json")
    page.get_by_role("button", name="Import", exact=True).first.click()
    page.get_by_role("heading", name="Demo shop").wait_for()
    page.get_by_role("link", name="A journey").first.click()
    page.get_by_role("link", name="Data files").first.click()
    page.get_by_label("File", exact=True).set_input_files(users)
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("users.csv").wait_for()
    page.get_by_role("link", name="A journey").first.click()


def make_journey(page: "Page") -> None:
    """A plan of one scenario with four steps, in their order."""
    page.get_by_role("link", name="New plan").first.click()
    page.get_by_role("checkbox", name="POST /login", exact=True).check()
    page.get_by_role("button", name="Build plan").click()
    page.wait_for_url(re.compile(r"/tests/\d+/"))
    page.get_by_role("link", name="Step", exact=True).click()
    for request in ("POST /orders", "GET /orders", "DELETE /orders/{order_id}"):
        page.get_by_role("checkbox", name=request, exact=True).check()
    page.get_by_role("button", name="Add to the plan").click()
    page.locator("#steps").wait_for()
    listing = page.locator("#steps").get_by_role("link", name="GET /orders")
    listing.focus()
    kept(page, lambda: page.keyboard.press("Alt+ArrowUp"))
    lines = page.locator("#steps > li .method")
    assert lines.all_inner_texts() == ["POST", "GET", "POST", "DELETE"]


def fill_steps(page: "Page") -> None:
    """What each step sends, takes and checks."""
    open_step(page, "POST /login")
    kept(page, page.get_by_label("Once for each user").check)
    body = page.get_by_label("Body", exact=True)
    type_into(page, body, LOGIN)
    body.evaluate("(field) => field.setSelectionRange(11, 11)")
    page.get_by_role("button", name="Insert a variable into Body").press("Enter")
    kept(page, lambda: page.get_by_role("button", name="{{users.email}}").press("Enter"))
    assert body.input_value() == LOGIN.replace('""', '"{{users.email}}"')
    kept(page, lambda: page.get_by_role("button", name="Value", exact=True).press("Enter"))
    type_into(page, page.get_by_label("Value 1, variable", exact=True), "token")
    type_into(page, page.get_by_label("Value 1, where", exact=True), "$.token")

    open_step(page, "GET /orders")
    kept(page, lambda: page.get_by_role("button", name="Header", exact=True).press("Enter"))
    type_into(page, page.get_by_label("Header 1, name", exact=True), "Authorization")
    type_into(page, page.get_by_label("Header 1, value", exact=True), "Bearer {{token}}")
    kept(page, lambda: page.get_by_role("button", name="Check", exact=True).press("Enter"))
    type_into(page, page.get_by_label("Check 1, value", exact=True), "items")

    page.locator("#steps").get_by_role("link", name="POST /orders").press("Enter")
    page.get_by_label("Body", exact=True).wait_for()
    kept(page, lambda: page.get_by_role("button", name="Value", exact=True).press("Enter"))
    type_into(page, page.get_by_label("Value 1, variable", exact=True), "order_id")
    type_into(page, page.get_by_label("Value 1, where", exact=True), "$.id")

    open_step(page, "DELETE /orders/{order_id}")
    type_into(page, page.get_by_label("order_id in the path", exact=True), "{{order_id}}")


def shape_load(page: "Page") -> None:
    """Users that ramp up to fifty, typed as text."""
    type_into(page, page.get_by_label("Think time", exact=True), "1s")
    page.get_by_role("tab", name="Text").click()
    type_into(page, page.get_by_label("Stages as text", exact=True), STAGES)
    assert page.get_by_text("k6: ramping-vus").is_visible()
    page.get_by_role("tab", name="Rows").click()
    assert page.get_by_label("Stage 1, users").input_value() == "50"


def assert_nothing_is_lost(page: "Page") -> None:
    """The page as it comes after it is loaded again."""
    page.reload()
    assert page.locator("#stage-line").inner_text() == STAGES
    assert page.get_by_label("Think time", exact=True).input_value() == "1s"
    assert page.get_by_label("order_id in the path", exact=True).input_value() == "{{order_id}}"
    open_step(page, "POST /login")
    assert page.get_by_label("Once for each user").is_checked()
    assert page.get_by_label("Body", exact=True).input_value() == LOGIN.replace('""', '"{{users.email}}"')
    assert page.get_by_label("Value 1, where", exact=True).input_value() == "$.token"
    assert page.get_by_text("Before it can run").count() == 0


def test_a_tester_builds_a_journey_and_runs_it(page: "Page", product: Product, users: Path) -> None:
    make_project(page, product, users)
    make_journey(page)
    fill_steps(page)
    shape_load(page)
    assert_nothing_is_lost(page)

    page.get_by_role("button", name="Try once").press("Enter")
    page.locator("#try").get_by_text("As expected").wait_for(timeout=30_000)
    assert page.locator("#try .try-step").count() == 4
    page.locator("#try").get_by_role("button", name="Close").click()

    product.demo.post("/__counts/reset")
    page.get_by_role("button", name="Run", exact=True).first.click()
    page.locator("dialog[open]").get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/\d+/"))
    run = int(re.findall(r"/runs/(\d+)/", page.url)[0])
    page.get_by_text(re.compile("^Passed")).first.wait_for(timeout=60_000)

    counts = product.demo.get("/__counts").json()["endpoints"]
    login, placed, cancelled = (counts[name] for name in ("POST /login", "POST /orders", "DELETE /orders/{order_id}"))
    assert (login["total"], login["failed"]) == (USERS, 0)
    assert placed["total"] == cancelled["total"] > USERS
    assert (placed["failed"], cancelled["failed"]) == (0, 0)
    found = product.details(run)
    assert found["total_requests"] == sum(one["total"] for one in counts.values())
    assert found["max_vus"] == USERS
