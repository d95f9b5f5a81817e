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


@pytest.fixture(scope="package")  # ended before the tests of the apps begin: a copy works also while nobody asks it
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """tests/parallel.py keeps the modules that take it on one worker. Its k6 is a link that `without_k6` takes away."""
    folder = tmp_path_factory.mktemp("copy")
    link = folder / "programs" / "k6"
    link.parent.mkdir()
    link.symlink_to(find("k6"))
    with running_product(folder / "data", METRICVAULT_K6_BINARY=str(link)) as started:
        yield started


@pytest.fixture
def without_k6(product: Product) -> Iterator[None]:
    """The copy that all share has no k6 as long as this test lasts."""
    link = product.data_dir.parent / "programs" / "k6"
    aside = link.rename(link.with_name("aside"))
    yield
    aside.rename(link)


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
