"""What a plan asks for is what arrives: the script of each executor, run by the real k6 against the demo shop.

`python -m bench.builder` measures the same for longer, and freezes.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from loadtests.k6.curves import scenario_curve
from loadtests.k6.plan import TablePlan, Take
from loadtests.runners import find_k6
from tests import as_asked
from tests.as_asked import scenario_on, single
from tests.needs import skip_or_fail
from tests.product import free_port


@pytest.fixture(scope="module")
def k6() -> str:
    return find_k6() or skip_or_fail("k6")  # type: ignore[func-returns-value]


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The demo shop on loopback: its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "demo", "--port", str(port)])
    address = f"http://127.0.0.1:{port}"
    try:
        for _attempt in range(200):
            try:
                httpx.get(f"{address}/health")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def test_rates_arrive_as_asked(k6: str, tmp_path: Path, shop: str) -> None:
    room = {"pre_allocated_vus": 30, "max_vus": 60}
    later = {"time_unit": 60.0, "start_time": 1.0}
    scenarios = (
        scenario_on(shop, 0, "Level", "constant-arrival-rate", [(5, 40)], **room),
        scenario_on(shop, 1, "Levels", "constant-arrival-rate", [(2, 30), (3, 60)], endpoint="GET /products", **room),
        scenario_on(shop, 2, "Ramp", "ramping-arrival-rate", [(4, 60), (1, 60)], endpoint="GET /orders", **room),
        scenario_on(shop, 3, "Later", "constant-arrival-rate", [(4, 1800)], endpoint="GET /me", **room, **later),
    )
    arrived = as_asked.run(k6, tmp_path, shop, single(*scenarios))
    for one in scenarios:
        total, worst = as_asked.rate_errors(arrived, one)
        # A machine that does other things besides may be too late for some; k6 says for how many.
        late = as_asked.dropped(arrived, one)
        assert total <= 0.02 + late / as_asked.asked_for(one), one.name
        assert worst <= 20 + late, one.name


@pytest.mark.parametrize(
    ("executor", "stages"),
    [("constant-vus", [(2.0, 5), (2.0, 15), (2.0, 3)]), ("ramping-vus", [(3.0, 12), (1.0, 12), (2.0, 0)])],
)
def test_users_follow_their_curve(
    k6: str, tmp_path: Path, shop: str, executor: str, stages: list[tuple[float, int]]
) -> None:
    one = scenario_on(shop, 0, "Users", executor, stages, think=0.1)
    arrived = as_asked.run(k6, tmp_path, shop, single(one))
    off = as_asked.user_errors(arrived, scenario_curve(one))
    assert len(off) >= 5
    assert max(map(abs, off)) <= 2.5


@pytest.mark.parametrize("generators", [1, 3])
def test_iterations_are_as_many_as_asked(k6: str, tmp_path: Path, shop: str, generators: int) -> None:
    shared = scenario_on(shop, 0, "Shared", "shared-iterations", [(30, 4)], iterations=50)
    each = scenario_on(shop, 1, "Each", "per-vu-iterations", [(30, 6)], endpoint="GET /products", iterations=5)
    arrived = as_asked.run(k6, tmp_path, shop, single(shared, each, generators=generators))
    assert (arrived.counts["GET /health"], arrived.counts["GET /products"]) == (50, 30)


def test_no_row_is_used_twice_by_three_generators_and_two_scenarios(k6: str, tmp_path: Path, shop: str) -> None:
    table = TablePlan("words", ("word",), "unique", 90, "words.json")
    words = [[f"낱말{number:04}"] for number in range(90)]
    httpx.post(f"{shop}/__record", params={"on": "true"})
    path = (f"{shop}/search?q=", Take("words.word", "url"))
    room = {"endpoint": "GET /search", "path": path}
    scenarios = (
        scenario_on(shop, 0, "Users", "constant-vus", [(3.0, 6)], **room),
        scenario_on(shop, 1, "Rate", "constant-arrival-rate", [(3.0, 30)], pre_allocated_vus=12, **room),
    )
    plan = single(*scenarios, generators=3, tables=(table,))
    arrived = as_asked.run(k6, tmp_path, shop, plan, {"words.json": words})
    items = httpx.get(f"{shop}/__requests", params={"path": "/search"}).json()["items"]
    used = [one["query"] for one in items]
    assert len(used) == len(set(used)) == 90
    assert sum(one["mv_no_row"]["values"]["count"] for one in arrived.summaries) > 0


def test_a_shop_that_stands_still_shows_where_a_rate_is_asked_for(k6: str, tmp_path: Path, shop: str) -> None:
    """2 s instead of the 5 of bench.builder; users that wait for answers would send less, and hide it."""
    one = scenario_on(shop, 0, "Open", "constant-arrival-rate", [(5.0, 40)], pre_allocated_vus=10, max_vus=40)
    timer = threading.Timer(1.5, lambda: httpx.post(f"{shop}/__freeze", params={"seconds": 2}))
    timer.start()
    (found,) = as_asked.run(k6, tmp_path, shop, single(one)).summaries
    timer.join()
    assert found["http_req_duration"]["values"]["p(99)"] > 1500
    assert found["dropped_iterations"]["values"]["count"] > 20
    assert found["dropped_iterations{scenario:s01_open}"]["values"]["count"] > 20
