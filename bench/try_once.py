"""How soon the answers of "try once" are on the page: `python -m bench.try_once [ROUNDS]`.

The whole product as `make run` starts it, its demo API, a plan of three requests, a real Chromium. Printed: seconds
from the click to the answers on the page, and those of the same by the API; the limit is 3 s.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.conftest import CHROMIUM
from tests.needs import find
from tests.product import Product, running_product

LIMIT = 3.0
STEPS = ("GET /products", "POST /orders", "GET /orders/{order_id}")


def by_click(page: Page) -> float:
    """Seconds until the drawer says how it went."""
    began = time.perf_counter()
    page.get_by_role("button", name="Try once").first.click()
    page.locator(".drawer[data-state=passed], .drawer[data-state=failed]").wait_for()
    spent = time.perf_counter() - began
    state = page.locator(".drawer").get_attribute("data-state")
    if state != "passed":
        raise SystemExit(f"The try {state}: {page.locator('.drawer').inner_text()}")
    page.get_by_role("button", name="Close").first.click()
    return spent


def by_api(product: Product, payload: dict[str, Any]) -> float:
    """Seconds until the API has the answers, asked every 50 ms."""
    began = time.perf_counter()
    started = product.api.post("/load-testing/try", json=payload)
    started.raise_for_status()
    while True:
        found = product.api.get(f"/load-testing/try/{started.json()['id']}").json()
        if found["state"] in ("passed", "failed"):
            break
        time.sleep(0.05)
    if found["state"] != "passed":
        raise SystemExit(f"The try failed: {found['message']} {found['log']}")
    return time.perf_counter() - began


def _said(name: str, times: list[float]) -> None:
    print(f"{name}: median {statistics.median(times):.2f} s, slowest {max(times):.2f} s")


def main() -> None:
    """Runs the rounds and prints the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder) / "copy") as product:
        endpoints = product.imported_demo("Try once")
        steps = [{"endpoint_id": endpoints[name]["id"]} for name in STEPS]
        stages = [{"duration": 30, "target": 5}]
        payload = {"title": "Order", "scenarios": [{"name": "Order", "steps": steps, "stages": stages}]}
        print(f"the first of all, while the worker starts: {by_api(product, payload):.2f} s")
        called = [by_api(product, payload) for _round in range(rounds)]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find("chromium"), args=CHROMIUM)
            page = browser.new_page(locale="en-US")
            page.goto(f"{product.url}/tests/new")
            for name in STEPS:
                page.get_by_role("row").filter(has_text=name.partition(" ")[2]).filter(
                    has_text=name.partition(" ")[0]
                ).get_by_role("checkbox").first.check()
            page.get_by_role("button", name="Build plan").click()
            page.wait_for_url("**/tests/*/")
            clicked = [by_click(page) for _round in range(rounds)]
            browser.close()
    _said("API", called)
    _said("page", clicked)
    if max(*called, *clicked) > LIMIT:
        sys.exit(f"Over {LIMIT} s.")


if __name__ == "__main__":
    main()
