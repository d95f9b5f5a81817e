"""Redis dies in the middle of things and comes back, and the network between k6 and the product misbehaves: nothing is
lost, nobody has to load a page again."""

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from metricvault.supervise.leftovers import members
from metricvault.supervise.place import Place
from tests.faults.faults import Fault
from tests.faults.proxy import UnrulyNetwork, unruly_network
from tests.faults.running import run_fault
from tests.faults.test_quick import check
from tests.listening import Listener
from tests.product import Product, running_product
from tests.servers import Server, redis_server
from tests.test_end_to_end import scenario

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.needs("k6", "redis-server"), pytest.mark.thorough]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis outside the product, by TCP."""
    server = redis_server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def network() -> Iterator[UnrulyNetwork]:
    """Between k6 and the product; calm, unless a test says otherwise."""
    with unruly_network() as started:
        started.calm = True
        yield started


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, place: Server, network: UnrulyNetwork) -> Iterator[Product]:
    around = {"REDIS_URL": place.url, "METRICVAULT_INGEST_URL": network.url}
    with running_product(tmp_path_factory.mktemp("away") / "copy", **around) as started:
        network.target = started.url
        yield started


def start(product: Product, title: str, seconds: float) -> int:
    endpoint = product.imported_demo(title)["GET /products"]
    return product.start(title, [scenario(endpoint, 2, seconds)])


def heard(listener: Listener, run: int, more_than: int, within: float = 30) -> list[int]:
    """The seconds heard so far, once there are more than so many."""
    end = time.monotonic() + within
    while len(found := [one["t"] for one in listener.seconds(run)]) <= more_than:
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def test_pushes_that_arrive_twice_late_and_out_of_order_change_nothing(
    product: Product, network: UnrulyNetwork
) -> None:
    network.calm = False
    try:
        result = run_fault(product, Fault("unruly network", lambda product, lasts: None, load=9))
    finally:
        network.calm = True
    check(result)
    assert result.outcome == "passed", result.message  # neither a silence nor a clock that jumped
    assert network.late
    assert network.twice


def test_an_open_stream_hears_messages_again_and_the_result_is_whole(product: Product, place: Server) -> None:
    product.demo.post("/__counts/reset")
    run = start(product, "Redis killed", 14)
    product.wait(run, lambda one: one["status"] == "running")
    listener = Listener(product.url, run)
    before = heard(listener, run, 1)
    place.kill()
    time.sleep(4)
    assert product.details(run)["status"] == "running"
    place.start()
    after = heard(listener, run, len(before) + 1)
    assert sorted(set(after)) == after
    assert after[-1] > before[-1] + 1
    so_far = product.api.get(f"/test-history/{run}/timeseries").json()["t"]
    assert so_far == list(range(len(so_far)))
    found = product.wait(run)
    listener.close()
    assert found["status"] == "completed", found["message"]
    assert found["total_requests"] == product.demo.get("/__counts").json()["total"]


def test_a_run_that_is_started_meanwhile_waits_for_redis(product: Product, place: Server) -> None:
    place.kill()
    try:
        run = start(product, "Started without Redis", 2)
        assert product.details(run)["status"] == "queued"
        assert product.api.get("/").json()["checks"]["broker"] != "ok"
    finally:
        place.start()
    assert product.wait(run)["status"] == "completed"


def test_a_redis_that_hangs_holds_nobody_up(product: Product, place: Server) -> None:
    run = start(product, "Redis hangs", 12)
    product.wait(run, lambda one: one["status"] == "running")
    listener = Listener(product.url, run)
    before = heard(listener, run, 1)
    place.pause()
    try:
        time.sleep(4)
        so_far = product.api.get(f"/test-history/{run}/timeseries").json()["t"]
        assert len(so_far) > before[-1] + 1
    finally:
        place.go_on()
    heard(listener, run, len(before))
    assert product.wait(run)["status"] == "completed"
    listener.close()


@pytest.mark.needs("chromium", "uplot")
def test_an_open_page_fills_its_gap_without_being_loaded_again(page: "Page", product: Product, place: Server) -> None:
    run = start(product, "Page without Redis", 20)
    product.wait(run, lambda one: one["status"] == "running")
    page.goto(f"{product.url}/runs/{run}/")
    page.evaluate("() => { window.stayed = true; }")

    def shown() -> list[int]:
        return list(page.evaluate("() => window.MV?.charts?.seconds() ?? []"))

    def until(more_than: int) -> list[int]:
        end = time.monotonic() + 30
        while len(found := shown()) <= more_than:
            assert time.monotonic() < end, found
            page.wait_for_timeout(100)
        return found

    before = until(2)
    place.kill()
    page.wait_for_timeout(4000)
    place.start()
    after = until(len(before) + 4)
    assert after == list(range(len(after)))
    assert page.evaluate("() => window.stayed") is True
    product.api.post(f"/test-history/{run}/stop")
    product.wait(run)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, whose kernel ends a supervisor with its parent")
def test_a_copy_that_is_killed_outright_leaves_nothing(product: Product) -> None:
    """The last one: it ends the copy of all tests here."""
    place = Place(product.port, product.data_dir)
    assert members(place)
    product.process.kill()
    end = time.monotonic() + 15
    while members(place):
        assert time.monotonic() < end, members(place)
        time.sleep(0.1)
