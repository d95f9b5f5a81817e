"""Trying a plan on the page of a real product: answers, a value taken by a click, a run that asks first."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.needs("chromium", "redis-server", "k6")


def build_plan(product: Product, page: "Page") -> None:
    """A plan of the demo: list products, place an order."""
    endpoints = product.imported_demo("Try in a browser")
    chosen = [endpoints[name] for name in ("GET /products", "POST /orders")]
    project = product.api.get("/project", params={"limit": 500}).json()["items"]
    key = next(one["id"] for one in project if one["title"] == "Try in a browser")
    page.goto(f"{product.url}/tests/new?project={key}&" + "&".join(f"endpoint={one['id']}" for one in chosen))
    page.get_by_role("button", name="Build plan").click()
    page.wait_for_url("**/tests/*/")


def try_once(page: "Page", state: str) -> None:
    """Clicks until a worker is there: on a busy machine a copy that has just begun has none yet."""
    over = page.locator(".drawer[data-state=passed], .drawer[data-state=failed]")
    for _attempt in range(3):
        page.locator("#try-button").click()
        over.wait_for()
        if "No worker" not in over.inner_text():
            break
        page.get_by_role("button", name="Close").first.click()
    assert over.get_attribute("data-state") == state, over.inner_text()


def test_a_plan_is_tried_mended_and_run(product: Product, page: "Page") -> None:
    build_plan(product, page)
    try_once(page, "passed")
    page.locator(".try-step > summary").nth(1).press("Enter")
    page.get_by_title("$.id", exact=True).press("Enter")
    page.get_by_text("Later steps may use {{order_id}}: it is taken from $.id.").wait_for()
    page.locator("#scenarios input[value='$.id']").wait_for()
    page.get_by_role("button", name="Close").first.click()

    # What was typed just before the click is tried, too.
    page.get_by_label("Statuses that are expected").fill("404")
    try_once(page, "failed")
    said = page.locator(".drawer [role=alert]").inner_text()
    assert "POST /orders: The answer was “201 Created”, which counts as a failure here; expected: 404." in said
    page.get_by_role("button", name="Close").first.click()

    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("The last try did not go as expected.").last.wait_for()
    page.get_by_role("button", name="Run all the same").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Try again").click()
    page.locator(".drawer[data-state=failed]").wait_for()
    assert not page.get_by_role("dialog").is_visible()

    page.get_by_role("button", name="Close").first.click()
    page.get_by_label("Statuses that are expected").fill("")
    try_once(page, "passed")
    page.get_by_role("button", name="Close").first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/\d+/"))
