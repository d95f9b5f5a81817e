"""The strict policy holds in a real browser: no page of ours, nor of the administration or the API, breaks it."""

from typing import TYPE_CHECKING

import pytest

from tests.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.needs("redis-server", "chromium", "uplot"), pytest.mark.thorough]
PLACES = (
    "/",
    "/projects/",
    "/projects/new",
    "/tests/",
    "/tests/new",
    "/tests/import",
    "/runs/",
    "/runs/import/",
    "/runs/compare/",
    "/runs/deleted/",
    "/accounts/tokens/",
    "/api/swagger",
    "/admin/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/history/testhistory/",
    "/admin/loadtests/plan/",
    "/there-is-nothing",
)


def test_no_page_breaks_the_policy(page: "Page", product: Product) -> None:
    """The fixture fails the test on whatever the console has of a Content Security Policy."""
    for place in PLACES:
        answer = page.goto(f"{product.url}{place}", wait_until="networkidle" if place == "/api/swagger" else "load")
        assert answer
        assert answer.status == (404 if place == "/there-is-nothing" else 200), place
        assert "script-src 'self'" in answer.headers["content-security-policy"], place
    page.goto(f"{product.url}/api/swagger")
    page.get_by_text("Health check").first.wait_for()  # its scripts ran


def test_it_is_in_force(browser: "Browser", product: Product) -> None:
    """In a tab whose console nobody watches."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{product.url}/projects/")
    page.evaluate(
        "() => { const one = document.createElement('script'); one.textContent = 'window.broken = 1'; "
        "document.body.append(one); document.body.setAttribute('onclick', 'window.broken = 1'); "
        "document.body.click() }"
    )
    assert page.evaluate("window.broken") is None
    context.close()
