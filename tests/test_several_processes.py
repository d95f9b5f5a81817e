"""Several web processes and several workers on one database and one Redis: still every second once, every run once."""

import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.listening import Listener
from tests.product import Product, running_product

pytestmark = [pytest.mark.needs("k6", "redis-server"), pytest.mark.thorough]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("several") / "copy", WEB_CONCURRENCY="2") as started:
        yield started


def test_every_page_hears_every_second_once_whichever_process_serves_it(product: Product) -> None:
    endpoints = product.imported_demo("Several")
    stages = [{"duration": 6, "target": 2}]
    names = ("GET /products", "POST /orders")
    asked = [
        {"name": name, "endpoint_id": endpoints[name]["id"], "stages": stages, "think_time": 0.02} for name in names
    ]
    listeners = [Listener(product.url) for _number in range(6)]
    product.demo.post("/__counts/reset")
    made: list[int] = []
    threads = [threading.Thread(target=lambda: made.append(product.start("Several", asked))) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results = [product.wait(run) for run in made]
    assert sum(found["total_requests"] for found in results) == product.demo.get("/__counts").json()["total"]
    for listener in listeners:
        listener.wait_for_status(made, "completed")
        listener.close()
        for run, found in zip(made, results, strict=True):
            seconds = listener.seconds(run)
            assert [one["t"] for one in seconds] == list(range(len(seconds)))
            assert sum(one["requests"] for one in seconds) == found["total_requests"]


def test_open_streams_hold_no_threads_and_end_with_the_process(product: Product) -> None:
    listeners = [Listener(product.url) for _number in range(60)]
    (web,) = [found for found in product.processes("uvicorn") if found.ppid() not in pids(product, "uvicorn")]
    processes = [web, *web.children(recursive=True)]
    assert len(processes) >= 3
    assert max(process.num_threads() for process in processes) < 20
    web.terminate()  # the product starts it again
    for listener in listeners:
        listener.wait_for_end()
    assert all(listener.was_ended for listener in listeners)
    for listener in listeners:
        listener.close()
    wait_until(lambda: answers(product))


def answers(product: Product) -> bool:
    try:
        return product.api.get("/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def pids(product: Product, word: str) -> set[int]:
    return {process.pid for process in product.processes(word)}


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)
