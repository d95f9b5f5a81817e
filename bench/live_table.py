"""How smoothly a live page with many endpoints runs: `python -m bench.live_table [ENDPOINTS]` prints one table.

A real run of so many scenarios (50, the most that a plan may have; more where `MOST_SCENARIOS` of loadtests/payload.py
is raised for it), a user each that thinks for a second, is watched in Chromium for 20 s, without a graphics card.
Printed: tasks of over 50 ms of the page's main thread, which the browser itself reports, their share of the time, and
the gaps between two frames.
"""

import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.conftest import CHROMIUM
from tests.needs import find
from tests.product import Product, running_product

WATCHED = 20  # seconds
_WATCH = """
window.tasks = []; window.frames_seen = [];
new PerformanceObserver((list) => list.getEntries().forEach((one) => tasks.push(one.duration)))
  .observe({ type: "longtask" });
(function frame(now) { frames_seen.push(now); requestAnimationFrame(frame); })(performance.now());
"""


def start(product: Product, count: int) -> int:
    """A run of `count` scenarios of the demo's endpoint that answers fastest."""
    endpoint = product.imported_demo("Many endpoints")["GET /health"]["id"]
    load = {"executor": "constant-vus", "think_time": 1, "stages": [{"duration": WATCHED + 20, "target": 1}]}
    scenarios = [{"name": f"Endpoint {number}", "endpoint_id": endpoint, **load} for number in range(1, count + 1)]
    return product.start("Many endpoints", scenarios)


def main() -> None:
    """Watches and prints the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder) / "copy") as product:
        run = start(product, count)
        product.wait(run, lambda one: one["status"] == "running")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find("chromium"), args=CHROMIUM)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(_WATCH)
            page.goto(f"{product.url}/runs/{run}/")
            page.wait_for_timeout(5000)  # opening the page is another matter
            page.evaluate("() => { tasks.length = 0; frames_seen.length = 0; }")
            before: int = page.evaluate("() => MV.charts.seconds().length")
            page.wait_for_timeout(1000 * WATCHED)
            tasks: list[float] = page.evaluate("() => tasks")
            frames: list[float] = page.evaluate("() => frames_seen")
            told: int = page.evaluate("() => MV.charts.seconds().length") - before
            rows = page.locator("[data-scenario]").count()
            browser.close()
        product.api.post(f"/test-history/{run}/stop")
        product.wait(run)
    gaps = sorted(after - earlier for earlier, after in pairwise(frames))
    most = max(tasks, default=0)
    print(f"{rows} rows, {told} messages in {WATCHED} s")
    usual = statistics.median(tasks or [0])
    print(f"tasks over 50 ms         {len(tasks)}, median {usual:.0f} ms, longest {most:.0f} ms")
    print(f"their share of the time  {100 * sum(tasks) / 1000 / WATCHED:.1f} %")
    late = gaps[int(0.99 * len(gaps))]
    middle, longest = statistics.median(gaps), gaps[-1]
    print(f"gaps between frames      median {middle:.0f} ms, 99 % {late:.0f} ms, longest {longest:.0f} ms")


if __name__ == "__main__":
    main()
