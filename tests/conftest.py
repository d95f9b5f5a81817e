"""One running product and one browser for all tests across apps."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.needs import find
from tests.product import Product, running_product

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Chromium as root, on a machine without a network beyond itself.
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("copy")) as started:
        yield started


@pytest.fixture(scope="module")  # not longer: while it is there, an event loop runs in this thread
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find("chromium"), args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A fresh English tab; what the page reports as an error fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    context.close()
    assert not problems
