"""How soon numbers are on the page: `python -m bench.live [ROUNDS]` watches live pages in a real Chromium.

Printed: seconds from the first request (as k6 says) to the first number on the page, and the gaps between two
updates while the run lasts.
"""

import itertools
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.conftest import CHROMIUM
from tests.needs import find
from tests.product import Product, running_product

SECONDS = 12
COUNT = "() => window.MV?.charts?.seconds().length ?? 0"


def watch(product: Product, page: object, endpoint: int) -> tuple[float, list[float]]:
    """One run: seconds to the first number, and the gaps between updates."""
    stages = [{"duration": SECONDS, "target": 5}]
    run = product.start("Live", [{"name": "Look", "endpoint_id": endpoint, "stages": stages}])
    page.goto(f"{product.url}/runs/{run}/")  # type: ignore[attr-defined]
    seen, updates = 0, []
    end = time.time() + SECONDS + 2
    while time.time() < end and len(updates) < SECONDS:
        count = page.evaluate(COUNT)  # type: ignore[attr-defined]
        if count > seen:
            seen = count
            updates.append(time.time())
        time.sleep(0.02)
    found = product.wait(run)
    began = datetime.fromisoformat(found["tested_at"]).timestamp()
    return updates[0] - began, [b - a for a, b in itertools.pairwise(updates)]


def main() -> None:
    """Runs the rounds and prints the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    firsts: list[float] = []
    gaps: list[float] = []
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder) / "copy") as product:
        endpoint = product.imported_demo("Live")["GET /products"]["id"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find("chromium"), args=CHROMIUM)
            page = browser.new_page()
            for number in range(1, rounds + 1):
                first, between = watch(product, page, endpoint)
                print(f"round {number}: first number after {first:.2f} s, {len(between) + 1} updates", flush=True)
                firsts.append(first)
                gaps += between
            browser.close()
    print(f"first number: median {statistics.median(firsts):.2f} s, latest {max(firsts):.2f} s")
    print(f"between updates: median {statistics.median(gaps):.2f} s, longest {max(gaps):.2f} s")


if __name__ == "__main__":
    main()
