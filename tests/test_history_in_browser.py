"""The list of runs in a real browser: search as one types, ticks that stay, delete and undo, labels and notes."""

from typing import TYPE_CHECKING

import pytest

from tests.product import Product
from tests.test_browser import scenario, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.needs("k6", "redis-server", "chromium", "uplot"), pytest.mark.thorough]


def test_runs_are_found_ticked_deleted_and_brought_back(page: "Page", product: Product) -> None:
    endpoints = product.imported_demo("Archive")
    load = [scenario(endpoints["GET /products"], 1, 1)]
    runs = [product.start(f"Archived {word}", load, labels=["archive"]) for word in ("one", "two", "three")]
    for run in runs:
        product.wait(run)
    page.goto(f"{product.url}/runs/?label=archive")
    page.keyboard.press("/")
    page.keyboard.type("archived two", delay=20)
    _only(page, runs[1])
    assert "label=archive" in page.url
    assert "q=archived" in page.url
    page.locator(f"[data-run-row='{runs[1]}'] input").check()
    page.locator("#q").fill("three")
    _only(page, runs[2])
    page.locator(f"[data-run-row='{runs[2]}'] input").check()
    page.locator("#q").fill("one")  # the ticks stay while the table shows others
    _only(page, runs[0])
    page.get_by_text("2 runs chosen").wait_for()
    _delete_and_undo(page)
    _notes(page, product, runs[0])


def _only(page: "Page", run: int) -> None:
    until(page, f"[...document.querySelectorAll('[data-run-row]')].map((row) => row.dataset.runRow).join() === '{run}'")


def _delete_and_undo(page: "Page") -> None:
    page.locator("#delete-chosen").click()
    page.get_by_role("heading", name="Delete 2 runs?").wait_for()
    page.keyboard.press("Escape")  # nothing happens
    page.locator("#delete-chosen").click()
    page.locator("#delete-body").get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("2 runs are deleted.").wait_for()
    page.locator("#q").fill("")
    until(page, "!location.search.includes('q=')")
    page.locator("[data-undo]").click()
    page.get_by_text("2 runs are back.").wait_for()
    until(page, "document.querySelectorAll('[data-run-row]').length === 3")


def _notes(page: "Page", product: Product, run: int) -> None:
    page.goto(f"{product.url}/runs/{run}/")
    page.get_by_label("Add labels").fill("cold cache")
    page.keyboard.press("Enter")
    page.locator("#run-marks").get_by_role("link", name="cold cache").wait_for()
    page.get_by_label("New note").fill("Measured before the cache was warm.")
    page.get_by_role("button", name="Add note").click()
    page.locator(".remark-text", has_text="Measured before the cache was warm.").wait_for()
    page.locator("#run-menu summary").click()
    page.get_by_role("button", name="Make it the baseline").click()
    page.get_by_text("This run is the baseline now").wait_for()
    page.locator("#run-marks").get_by_role("link", name="cold cache").click()
    assert page.locator(f"[data-run-row='{run}']").get_by_text("Baseline").is_visible()
    assert page.get_by_text("1 note").is_visible()
