"""The page of a run in a real browser: a span is chosen on a chart while the load lasts and afterwards."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.product import Product
from tests.test_browser import scenario, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.needs("k6", "redis-server", "chromium", "uplot")


def drag(page: "Page", chart: str, start: float, end: float) -> None:
    """Over a chart, from one share of its width to another."""
    over = page.locator(f"figure[data-chart={chart}] .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=5)
    page.mouse.up()


def shown(page: "Page", name: str) -> int:
    """A whole number of the tiles."""
    return int(re.sub(r"\D", "", page.locator(f"[data-value={name}]").inner_text()))


def span_of(page: "Page") -> tuple[int, int]:
    """The span that the address names."""
    start, end = re.findall(r"(?:from|to)=(\d+)", page.url)
    return int(start), int(end)


def test_a_span_chosen_on_a_chart_is_counted_again_everywhere(page: "Page", product: Product) -> None:
    endpoints = product.imported_demo("Spans")
    looks = [scenario(endpoints["GET /products"], 2, 8), {**scenario(endpoints["GET /search"], 1, 8), "name": "Search"}]
    run = product.start("Spans", looks)
    page.goto(f"{product.url}/runs/{run}/")
    until(page, "MV.charts && MV.charts.seconds().length >= 3")
    until(page, "document.querySelector('[data-answers] [data-kind=\"200\"]')")
    drag(page, "tps", 0.05, 0.4)  # of what has been measured so far
    page.locator("[data-span-note]").wait_for()
    assert shown(page, "total_requests") > 0
    page.locator("[data-span-note] [data-reset]").click()
    until(page, "document.querySelector('#scenarios [data-live]')")
    product.wait(run)
    page.locator("[data-verdict-kind]").wait_for()

    until(page, "MV.charts && MV.charts.seconds().length >= 7")
    everything = shown(page, "total_requests")
    drag(page, "latency", 0.3, 0.7)
    page.locator("[data-span-note]").wait_for()
    start, end = span_of(page)
    found = product.api.get(f"/test-history/{run}/span", params={"from": start, "to": end}).json()
    assert 0 < shown(page, "total_requests") == found["whole"]["numbers"]["requests"] < everything
    page.reload()
    assert shown(page, "total_requests") == found["whole"]["numbers"]["requests"]
    page.locator("[data-readout] [data-reset]").click()
    page.locator("[data-span-note]").wait_for(state="detached")
    assert shown(page, "total_requests") == everything
    assert page.url.endswith(f"/runs/{run}/")


def test_charts_are_read_by_keys_and_kept_as_pictures(page: "Page", product: Product) -> None:
    run = product.start("Keys", [scenario(product.imported_demo("Keys")["GET /products"], 1, 6)])
    product.wait(run)
    page.goto(f"{product.url}/runs/{run}/")
    until(page, "MV.charts && MV.charts.seconds().length >= 5")
    plot = page.locator("figure[data-chart=latency] .plot")
    plot.focus()
    page.keyboard.press("Home")
    assert (plot.get_attribute("aria-valuetext") or "").startswith("00:00, p50 ")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator("[data-span-note]").wait_for()
    assert span_of(page)[0] == 0
    until(page, "!document.querySelector('[data-heatmap]').hidden")
    for chart in ("tps", "heat"):
        with page.expect_download() as download:
            page.locator(f"figure[data-chart={chart}] [data-save]").click()
        assert download.value.suggested_filename == f"run-{run}-{chart}.png"
        assert download.value.path().read_bytes().startswith(b"\x89PNG")
    page.locator("#seconds summary").click()
    page.locator("[data-stretches] tbody tr").first.wait_for()
    assert page.locator("[data-stretches] tbody tr").count() >= 2
