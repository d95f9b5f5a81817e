"""One fault against one running product, and what came of it."""

import time
from dataclasses import dataclass

from tests.faults.faults import Fault
from tests.faults.watching import PageWatcher
from tests.product import Product

STRIKE_AFTER = 3.0
PAGE_RIGHT_WITHIN = 45.0


@dataclass(frozen=True, slots=True)
class Result:
    """`sent`: as the target counted; `stored`: the result's total; `seconds`: from the repair to a page that has every
    second and hears new ones (or has the whole result); `lacking`: the result says that requests are missing."""

    fault: str
    sent: int
    stored: int
    timeline: int
    status: str
    outcome: str
    lacking: bool
    message: str
    seconds: float
    page_complete: bool
    twice: int

    @property
    def good(self) -> bool:
        """Every request is counted, or the reason is told in words. A silence of the web process makes the result
        invalid, but loses none."""
        if self.status == "completed" and not self.lacking:
            return self.sent == self.stored == self.timeline and self.page_complete and not self.twice
        return bool(self.message)


def run_fault(product: Product, fault: Fault) -> Result:
    """Starts a run, strikes in its middle, waits for its end."""
    endpoint = product.imported_demo(fault.name)["GET /products"]["id"]
    product.demo.post("/__counts/reset")
    stages = [{"duration": fault.load, "target": 3}]
    run = product.start(fault.name, [{"name": "Load", "endpoint_id": endpoint, "think_time": 0.02, "stages": stages}])
    product.wait(run, lambda one: one["status"] == "running", within=30)
    watcher = PageWatcher(product.url, run)
    time.sleep(STRIKE_AFTER)
    fault.strike(product, fault.lasts)
    mended = time.time()
    right = _until_right(watcher, product, run, mended)
    found = product.wait(run, within=fault.load + 120)
    time.sleep(1.5)
    series = product.api.get(f"/test-history/{run}/timeseries").json()["requests"]
    sent = product.demo.get("/__counts").json()["endpoints"]["GET /products"]["total"]
    watcher.close()
    return Result(
        fault.name,
        sent,
        found["total_requests"] or 0,
        sum(series),
        found["status"],
        found["outcome"] or "",
        any(one["code"] == "counts_differ" for one in found["reasons"]),
        found["message"],
        right,
        watcher.complete,
        len(watcher.twice),
    )


def _until_right(watcher: PageWatcher, product: Product, run: int, mended: float) -> float:
    while time.time() - mended < PAGE_RIGHT_WITHIN:
        if watcher.last_message > mended and watcher.complete:
            return watcher.last_message - mended
        time.sleep(0.1)
    return PAGE_RIGHT_WITHIN


def heading() -> str:
    """The table's first line."""
    return (
        f"{'fault':<22} {'sent':>7} {'stored':>7} {'seconds':>8}  {'outcome':<22} {'page right after':>16}  all equal"
    )


def line(result: Result) -> str:
    """One line of the table."""
    end = f"{result.status}, {result.outcome or '-'}"
    counts = f"{result.sent:>7} {result.stored:>7} {result.timeline:>8}"
    why = f"{result.message} page whole: {result.page_complete}, seconds heard twice: {result.twice}"
    verdict = "yes" if result.good else f"NO: {why}"
    return f"{result.fault:<22} {counts}  {end:<22} {result.seconds:>14.1f} s  {verdict}"
