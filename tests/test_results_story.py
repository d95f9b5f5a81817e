"""What came of it, as a tester sees it: watch a run, zoom, stop another, read the verdict, compare, trend, export."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.product import Product
from tests.test_browser import shown_number, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.needs("k6", "redis-server", "chromium", "uplot")
STAGES = [{"duration": 3, "target": 6}, {"duration": 6, "target": 6}, {"duration": 2, "target": 0}]


def load(product: Product) -> dict[str, Any]:
    endpoints = product.imported_demo("Results")
    scenario = {"executor": "ramping-vus", "stages": STAGES, "think_time": 0.05}
    products = {**scenario, "name": "Products", "endpoint_id": endpoints["GET /products"]["id"]}
    # No such order: each request fails, and its answer is shown.
    order = {**scenario, "name": "An order", "endpoint_id": endpoints["GET /orders/{order_id}"]["id"]}
    order["parameters"] = {"path": {"order_id": "nothing"}}
    return {"scenarios": [{**products, "response_time_target": 5000}, {**order, "error_rate_target": 1}]}


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def test_the_story_of_a_result(page: "Page", product: Product) -> None:
    asked = load(product)
    first = product.start("Story", release="1.0", labels=["story"], **asked)
    _watch(page, product, first)
    second = product.start("Story", release="1.1", labels=["story"], **asked)
    _stop_another(page, product, asked)
    product.wait(second)
    _verdict_and_zoom(page, product, first)
    _compare(page, product, first, second)
    _trend(page, product, first)
    _export(page, product, second)


def _watch(page: "Page", product: Product, run: int) -> None:
    """The numbers come by themselves, and the page becomes the result at the end."""
    page.goto(f"{product.url}/runs/{run}/")
    until(page, "document.querySelector('[data-tiles] [data-live=total_requests]')", 30)
    for _look in range(300):
        if shown_number(page, "total_requests") > 0:
            break
        page.wait_for_timeout(100)
    early = shown_number(page, "total_requests")
    until(page, "MV.charts.seconds().length >= 6", 30)
    assert shown_number(page, "total_requests") > early > 0
    page.get_by_text("Targets missed so far").wait_for(timeout=20_000)
    page.get_by_role("heading", name=re.compile("^Targets missed:")).wait_for(timeout=60_000)


def _stop_another(page: "Page", product: Product, asked: dict[str, Any]) -> None:
    stages = [{"duration": 120, "target": 1}]
    scenario = {**asked["scenarios"][0], "executor": "constant-vus", "stages": stages}
    other = product.start("Too long", [scenario])
    product.wait(other, lambda one: one["status"] == "running")
    page.goto(f"{product.url}/runs/{other}/")
    page.get_by_role("button", name="Stop", exact=True).first.click()
    page.locator("dialog[open]").get_by_role("button", name=re.compile("Stop run")).click()
    page.get_by_text("Stopped").first.wait_for(timeout=30_000)
    assert product.wait(other)["status"] == "stopped"


def _verdict_and_zoom(page: "Page", product: Product, run: int) -> None:
    """The verdict in words; a span drawn on a chart recounts the tables; the failing request is shown."""
    details = product.details(run)
    page.goto(f"{product.url}/runs/{run}/")
    title = page.get_by_role("heading", name=re.compile("^Targets missed:")).inner_text()
    assert "/orders/{order_id}" in title
    assert details["verdict"]["sentence"].rstrip(".").startswith(title.rstrip(".").split(" from ")[0][:40])
    whole = page.locator("#totals .card-foot").inner_text()
    assert f"{details['total_requests']:,} requests" in whole
    plot = page.locator("[data-chart=tps] .u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, y, steps=4)
    page.mouse.up()
    note = page.locator("[data-span-note]")
    note.wait_for(timeout=20_000)
    found = re.search(r"from=(\d+)&to=(\d+)", page.url)
    assert found is not None
    span = product.api.get(f"/test-history/{run}/span", params={"from": found[1], "to": found[2]}).json()
    requests = span["whole"]["numbers"]["requests"]
    assert 0 < requests < details["total_requests"]
    assert f"{requests:,} requests" in note.inner_text()
    assert f"{requests:,} requests" in page.locator("#totals .card-foot").inner_text()
    note.get_by_role("button", name="Show all").click()
    until(page, f"document.querySelector('#totals .card-foot').textContent.includes('{details['total_requests']:,}')")
    failing = page.locator("#failures")
    failing.scroll_into_view_if_needed()
    assert "404" in failing.inner_text()


def _compare(page: "Page", product: Product, first: int, second: int) -> None:
    page.goto(f"{product.url}/runs/?label=story")
    for run in (first, second):
        page.locator(f"[data-run-row='{run}'] input[type=checkbox]").check()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url(re.compile(r"/runs/compare/"))
    page.get_by_role("heading", name="Compare runs").wait_for()
    text = page.locator("main").inner_text()
    assert "/orders/{order_id}" in text
    assert "1.0" in text
    assert "1.1" in text


def _trend(page: "Page", product: Product, run: int) -> None:
    project = product.details(run)["project"]["id"]
    page.goto(f"{product.url}/projects/{project}/")
    page.locator("[data-trend]").first.click()
    page.wait_for_url(re.compile(r"/runs/trends/"))
    points = page.locator("main svg a")
    assert points.count() >= 2
    points.first.click()
    page.wait_for_url(re.compile(r"/runs/\d+/"))


def _export(page: "Page", product: Product, run: int) -> None:
    details = product.details(run)
    page.goto(f"{product.url}/runs/{run}/")
    page.locator("details.menu summary", has_text="Download").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("ZIP")).click()
    assert download.value.suggested_filename.endswith(".zip")
    report = product.api.get(f"/test-history/{run}/report.html").text
    assert f"{details['total_requests']:,}" in report
    page.goto(f"{product.url}/runs/{run}/report.html")
    assert page.get_by_role("heading", name=re.compile("^Targets missed")).count() >= 1
