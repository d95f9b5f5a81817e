"""The main job as a tester does it, in a real browser on the whole product."""

import contextlib
import re
from typing import TYPE_CHECKING

import pytest

from tests import test_end_to_end as end_to_end
from tests.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.needs("k6", "redis-server", "chromium", "uplot")


def scenario(endpoint: dict, users: int, seconds: float) -> dict:
    return end_to_end.scenario(endpoint, users, seconds)


def shown_number(page: "Page", name: str) -> int:
    """The whole number a tile shows; -1 where it shows none yet."""
    text = page.locator(f"[data-tiles] [data-live='{name}']").first.inner_text()
    digits = re.sub(r"\D", "", text)
    return int(digits) if digits else -1


def until(page: "Page", expression: str, within: float = 20) -> None:
    """Waits until `expression` is true in the page. Playwright's own way needs eval, which our pages forbid."""
    from playwright.sync_api import Error

    for _look in range(int(within / 0.1)):
        with contextlib.suppress(Error):  # the page may be loading itself again right now
            if page.evaluate(f"() => Boolean({expression})"):
                return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {expression}")


def seconds_on_charts(page: "Page") -> list[int]:
    return list(page.evaluate("MV.charts.seconds()"))


def test_from_a_document_to_a_result(page: "Page", product: Product) -> None:
    page.goto(product.url)
    page.get_by_role("link", name="Projects").first.click()
    page.get_by_role("link", name="New project").first.click()
    page.get_by_label("Title").fill("Evening peak 저녁 피크")
    page.get_by_role("button", name="Make project").click()
    page.get_by_label("Address of the OpenAPI or Swagger document").fill(f"{product.demo_url}/openapi.json")
    page.get_by_role("button", name="Import", exact=True).first.click()
    page.get_by_role("heading", name="Demo shop").wait_for()
    page.get_by_role("link", name="New plan").first.click()
    page.get_by_role("checkbox", name="GET /products", exact=True).check()
    page.get_by_role("button", name="Build plan").click()
    page.wait_for_url(re.compile(r"/tests/\d+/"))
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_label("Stage 1, duration").fill("4s")
        page.keyboard.press("Tab")
    page.get_by_role("link", name="Script").click()
    page.get_by_text("METRICVAULT-SUMMARY").first.wait_for()
    page.get_by_role("button", name="Run", exact=True).first.click()
    page.locator("dialog[open]").get_by_role("button", name=re.compile("^Run|Start")).click()
    page.wait_for_url(re.compile(r"/runs/\d+/"))
    run = int(re.findall(r"/runs/(\d+)/", page.url)[0])
    page.get_by_text(re.compile("^Passed")).first.wait_for(timeout=40_000)
    found = product.details(run)
    assert found["status"] == "completed"
    assert page.get_by_text(f"{found['total_requests']:,}", exact=True).first.is_visible()


def test_the_live_page_shows_every_second_as_it_comes(page: "Page", product: Product) -> None:
    endpoint = product.imported_demo("Live page")["GET /products"]
    run = product.start("Live page", [scenario(endpoint, 2, 8)])
    page.goto(f"{product.url}/runs/{run}/")
    seen: list[int] = []
    until(page, "document.querySelector('[data-tiles]') && MV.charts.seconds().length >= 2")
    for _look in range(25):
        seen.append(shown_number(page, "total_requests"))
        if product.details(run)["status"] != "running":
            break
        page.wait_for_timeout(200)
    grown = sorted(set(seen))
    assert seen == sorted(seen)
    assert len(grown) >= 3
    shown = seconds_on_charts(page)
    assert shown == list(range(len(shown)))


def test_a_page_opened_late_or_reloaded_shows_the_whole_curve(page: "Page", product: Product) -> None:
    endpoint = product.imported_demo("Late")["GET /products"]
    run = product.start("Late", [scenario(endpoint, 1, 60)])  # not over before both looks are
    product.wait(run, lambda one: one["status"] == "running")
    page.wait_for_timeout(4000)
    for _time in ("opened late", "reloaded"):
        page.goto(f"{product.url}/runs/{run}/")
        until(page, "MV.charts && MV.charts.seconds().length >= 3")
        seconds = seconds_on_charts(page)
        assert seconds == list(range(len(seconds)))
    product.api.post(f"/test-history/{run}/stop")
    product.wait(run)


def test_two_live_pages_do_not_mix(page: "Page", product: Product) -> None:
    endpoints = product.imported_demo("Two pages")
    slow = product.start("Slow", [scenario(endpoints["GET /reports/sales"], 1, 6)])
    fast = product.start("Fast", [scenario(endpoints["GET /products"], 3, 6)])
    other = page.context.new_page()
    page.goto(f"{product.url}/runs/{slow}/")
    other.goto(f"{product.url}/runs/{fast}/")
    for run, tab in ((slow, page), (fast, other)):
        product.wait(run)
        until(tab, "!document.querySelector('[data-live-run]')")
        assert tab.get_by_text(f"{product.details(run)['total_requests']:,}", exact=True).first.is_visible()


def test_stop_asks_first_and_keeps_the_result(page: "Page", product: Product) -> None:
    endpoint = product.imported_demo("Stop by hand")["GET /products"]
    run = product.start("Stop by hand", [scenario(endpoint, 1, 60)])
    product.wait(run, lambda one: one["status"] == "running")
    page.goto(f"{product.url}/runs/{run}/")
    page.get_by_role("button", name="Stop", exact=True).first.click()
    page.locator("dialog[open]").get_by_role("button", name="Keep running").click()
    assert product.details(run)["status"] == "running"
    page.get_by_role("button", name="Stop", exact=True).first.click()
    page.locator("dialog[open]").get_by_role("button", name=re.compile("Stop run")).click()
    page.get_by_text("Stopped").first.wait_for(timeout=20_000)
    assert product.wait(run)["status"] == "stopped"


def test_the_page_speaks_korean_by_browser_and_by_switch(page: "Page", product: Product) -> None:
    page.goto(f"{product.url}/runs/")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("button", name="한국어").first.click()
    page.wait_for_selector("html[lang=ko]")
    page.get_by_role("link", name="실행").first.wait_for()
    korean = page.context.browser.new_context(locale="ko-KR")
    tab = korean.new_page()
    tab.goto(f"{product.url}/runs/")
    assert tab.locator("html").get_attribute("lang") == "ko"
    korean.close()


def test_a_wrong_value_is_named_at_its_field_and_nothing_is_lost(page: "Page", product: Product) -> None:
    product.imported_demo("Typing")
    page.goto(f"{product.url}/projects/")
    page.get_by_role("link", name="Typing").first.click()
    page.get_by_role("link", name="New plan").first.click()
    page.get_by_role("checkbox", name="GET /products", exact=True).check()
    page.get_by_role("button", name="Build plan").click()
    page.wait_for_url(re.compile(r"/tests/\d+/"))
    duration = page.get_by_label("Stage 1, duration")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        duration.fill("10x")
        page.keyboard.press("Tab")
    page.get_by_text(re.compile("“10x” is not a duration")).first.wait_for()
    page.get_by_role("button", name="Run", exact=True).first.click()
    page.locator("dialog[open]").get_by_text("Not ready to run").wait_for()
    page.keyboard.press("Escape")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        duration.fill("12s")
        page.keyboard.press("Tab")
    page.get_by_text(re.compile("“10x” is not a duration")).first.wait_for(state="hidden")
    page.reload()
    assert page.get_by_label("Stage 1, duration").input_value() == "12s"
