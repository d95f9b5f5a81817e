"""How soon the page of a long run is there: `python -m bench.long_run [MINUTES [ENDPOINTS]]` (240 minutes, 20).

A run as k6 would push it, five million requests, goes through the product's own recording; then its page is opened in a
real Chromium, five times each: the whole of it, and a span of ten minutes that the address names. Printed: milliseconds
to the first paint, until the charts are drawn and until everything has come (heatmap, sparklines), the transferred
kilobytes; and what the server takes for each answer that the page asks for, with its queries. The first paint has to
come within a second: the exit code is 1 where its median does not.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.recording import create
from bench.web_process import web_process

MINUTES, ENDPOINTS, REQUESTS, TIMES, MOST_MS = 240, 20, 5_000_000, 5, 1000
# Milliseconds since the navigation began.
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
DRAWN = "window.MV?.charts?.seconds().length ?? 0"
EVERYTHING = (
    "!document.querySelector('[data-heatmap]')?.hidden"
    " && Boolean(document.querySelector('[data-spark] .line')?.getAttribute('d'))"
)
WEIGHT = "performance.getEntriesByType('resource').reduce((all, one) => all + one.encodedBodySize, 0) / 1000"


def main() -> int:
    """Makes the run, opens its page, prints the figures."""
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    endpoints = int(sys.argv[2]) if len(sys.argv) > 2 else ENDPOINTS
    with web_process(on_postgres=False) as web:
        began = time.perf_counter()
        run = finished(minutes * 60, endpoints)
        print(f"{minutes} minutes, {endpoints} endpoints, {run.total_requests:,} requests:", end=" ")
        print(f"made and recorded in {time.perf_counter() - began:.0f} s", flush=True)
        serve(run)
        return look(f"http://127.0.0.1:{web.port}/runs/{run.pk}/", minutes * 60)


def finished(seconds: int, endpoints: int) -> Any:
    """The run as it is once it has been recorded."""
    from history.metrics.stores import open_store
    from history.recording import record
    from history.states import Status, move

    run = create(seconds, endpoints, REQUESTS)
    found = record(run, [])
    move(run, Status.COMPLETED, outcome=found.outcome, reasons=found.reasons)
    open_store().delete(run.pk)
    run.refresh_from_db()
    return run


def serve(run: Any) -> None:
    """What the server takes for each answer, in this process, without the way there."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    def asked(path: str, headers: dict[str, str]) -> tuple[float, float, int, int]:
        clock, processor, queries, weight = [], [], 0, 0
        for _time in range(3):
            with CaptureQueriesContext(connection) as found:
                begin, used = time.perf_counter(), time.process_time()
                answer = Client(SERVER_NAME="127.0.0.1").get(path, headers=headers)
                clock.append(1000 * (time.perf_counter() - begin))
                processor.append(1000 * (time.process_time() - used))
            assert answer.status_code == 200, (path, answer.status_code)
            queries, weight = len(found), len(answer.content)
        return statistics.median(clock), statistics.median(processor), queries, weight // 1000

    middle = int(run.test_duration // 2)
    span = f"from={middle}&to={middle + 600}"
    api, page = f"/test-history/{run.pk}", f"/runs/{run.pk}/"
    print(f"\n{'server, ms of the clock and the processor':48}{'clock':>8}{'cpu':>8}{'queries':>9}{'kB':>8}")
    for path, headers in (
        (page, {"accept": "text/html"}),
        (f"{page}series/", {}),
        (f"{api}/heatmap", {}),
        (f"{page}span/?{span}", {"accept": "text/html", "HX-Request": "true"}),
        (f"{page}series/?{span}", {}),
        (f"{api}/heatmap?{span}", {}),
    ):
        clock, processor, queries, weight = asked(path, headers)
        print(f"{path:48}{clock:8.0f}{processor:8.0f}{queries:9}{weight:8}", flush=True)


def look(address: str, seconds: int) -> int:
    """In Chromium; 1 where the first paint comes late."""
    from playwright.sync_api import sync_playwright

    from tests.conftest import CHROMIUM
    from tests.needs import find

    late = 0
    print(f"\n{'in Chromium, median (slowest), ms':36}{'first paint':>16}{'charts':>16}{'everything':>16}{'kB':>8}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find("chromium"), args=CHROMIUM)
        middle = seconds // 2
        for name, query in (("the whole run", ""), ("ten minutes of it", f"?from={middle}&to={middle + 600}")):
            rounds = [opened(browser, address + query) for _time in range(TIMES)]
            shown = [
                f"{statistics.median(one):.0f} ({max(one):.0f})" for one in zip(*(r[:3] for r in rounds), strict=True)
            ]
            print(f"{name:36}" + "".join(f"{text:>16}" for text in shown) + f"{rounds[0][3]:8.0f}", flush=True)
            late |= statistics.median(one[0] for one in rounds) > MOST_MS
        browser.close()
    return int(late)


def opened(browser: Any, address: str) -> tuple[float, float, float, float]:
    """First paint, charts, everything (ms), and the kilobytes that came; in a browser that has seen the scripts."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address.partition("runs/")[0] + "runs/")
    page.goto(address, wait_until="commit")
    drawn = until(page, DRAWN)
    everything = until(page, EVERYTHING)
    found = (float(page.evaluate(PAINTED)), drawn, everything, float(page.evaluate(WEIGHT)))
    context.close()
    return found


def until(page: Any, expression: str, now: Callable[[], float] = time.perf_counter) -> float:
    """Milliseconds since the navigation at which `expression` is seen to be true."""
    end = now() + 60
    while now() < end:
        if found := page.evaluate(f"() => ({expression}) ? performance.now() : 0"):
            return float(found)
        page.wait_for_timeout(10)
    raise SystemExit(f"never true: {expression}")


if __name__ == "__main__":
    sys.exit(main())
