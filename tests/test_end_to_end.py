"""The main job with real parts: the whole product, the real k6, the demo API as target, which counts for itself."""

import json
import threading
import time

import pytest

from tests.listening import Listener
from tests.product import Product

pytestmark = [pytest.mark.needs("k6", "redis-server")]


THINK_TIME = 0.02  # without it users send as many as the machine can, and other tests wait


def scenario(endpoint: dict, users: int, seconds: float, **more: object) -> dict:
    return {
        "name": f"{endpoint['method']} {endpoint['path']}",
        "endpoint_id": endpoint["id"],
        "executor": "constant-vus",
        "stages": [{"duration": seconds, "target": users}],
        "think_time": THINK_TIME,
        **more,
    }


def counted(product: Product) -> dict:
    return product.demo.get("/__counts").json()


def test_every_request_is_counted_exactly_by_three_witnesses(product: Product) -> None:
    endpoints = product.imported_demo("Exact counts")
    product.demo.post("/__counts/reset")
    listener = Listener(product.url)
    run = product.start(
        "Exact counts",
        [
            scenario(endpoints["GET /products/{product_id}"], 4, 5),
            scenario(endpoints["POST /orders"], 2, 4, name="주문하기", think_time=0.02),
            scenario(endpoints["POST /payments"], 2, 5, think_time=0.01, error_rate_target=1),
        ],
    )
    found = product.wait(run)
    at_target = counted(product)
    assert found["status"] == "completed", found["message"]
    assert (found["total_requests"], found["failed_requests"]) == (at_target["total"], at_target["failed"])
    for one in found["scenarios"]:
        of_target = at_target["endpoints"][one["request"]]
        assert (one["total_requests"], one["failed_requests"]) == (of_target["total"], of_target["failed"])
    time.sleep(0.5)
    listener.close()
    seconds = listener.seconds(run)
    assert [one["t"] for one in seconds] == list(range(len(seconds)))
    assert sum(one["requests"] for one in seconds) == at_target["total"]
    assert sum(one["failures"] for one in seconds) == at_target["failed"]
    series = product.api.get(f"/test-history/{run}/timeseries").json()
    assert sum(series["requests"]) == at_target["total"]
    # Every tenth payment fails: its target of 1 % is missed, and the verdict says where.
    assert found["outcome"] == "targets_missed"
    assert "POST /payments" in found["reasons"][0]["message"]
    told = product.api.get(f"/test-history/{run}/failures").json()["items"]
    assert {(one["name"], one["kind"]) for one in told} == {("POST /payments", "503")}
    assert any(one["response"]["body"] for one in told)


def test_every_column_is_measured(product: Product) -> None:
    endpoints = product.imported_demo("Columns")
    found = product.wait(product.start("Columns", [scenario(endpoints["GET /products"], 2, 3)]))
    empty = [name for name, value in found.items() if value is None]
    optional = {"response_time_target", "error_rate_target", "baseline_id"}
    assert set(empty) <= {"target_tps", "plan_id", "trouble", *optional}
    (only,) = found["scenarios"]
    assert {name for name, value in only.items() if value is None} <= {"tps_target", *optional}
    assert only["stages"][0]["total_requests"] > 0
    assert only["stages"][0]["duration"] == 3


def test_two_runs_at_once_do_not_mix(product: Product) -> None:
    endpoints = product.imported_demo("Two at once")
    product.demo.post("/__counts/reset")
    first = product.start("First", [scenario(endpoints["GET /products"], 2, 4)])
    second = product.start("Second", [scenario(endpoints["GET /orders/{order_id}"], 3, 4)])
    listeners = {run: Listener(product.url, run) for run in (first, second)}
    results = {run: product.wait(run) for run in (first, second)}
    at_target = counted(product)["endpoints"]
    assert results[first]["total_requests"] == at_target["GET /products"]["total"]
    assert results[second]["total_requests"] == at_target["GET /orders/{order_id}"]["total"]
    for run, listener in listeners.items():
        listener.close()
        assert {one["test_history_id"] for _at, one in listener.messages} == {run}


def test_the_first_numbers_come_soon_and_then_every_second(product: Product) -> None:
    endpoints = product.imported_demo("Soon")
    listener = Listener(product.url)
    run = product.start("Soon", [scenario(endpoints["GET /products"], 1, 6)])
    product.wait(run)
    listener.close()
    arrivals = [at for at, one in listener.messages if one["test_history_id"] == run and one["t"] is not None]
    tested_at = product.details(run)["tested_at"]
    assert tested_at is not None
    assert len(arrivals) >= 6


def test_stop_ends_the_load_and_keeps_what_was_measured(product: Product) -> None:
    endpoints = product.imported_demo("Stop")
    run = product.start("Stop", [scenario(endpoints["GET /products"], 3, 60)])
    product.wait(run, lambda one: one["status"] == "running")
    time.sleep(3)
    assert product.api.post(f"/test-history/{run}/stop").status_code == 202
    found = product.wait(run, within=20)
    assert found["status"] == "stopped"
    assert found["outcome"] is None
    series = product.api.get(f"/test-history/{run}/timeseries").json()
    assert sum(series["requests"]) == found["total_requests"] > 0
    assert product.api.post(f"/test-history/{run}/stop").status_code == 409
    assert not [process for process in product.processes("k6-") if process.name() == "k6"]


def test_a_worker_killed_in_mid_run_loses_nothing(product: Product) -> None:
    endpoints = product.imported_demo("Killed worker")
    product.demo.post("/__counts/reset")
    run = product.start("Killed worker", [scenario(endpoints["GET /products"], 3, 8)])
    product.wait(run, lambda one: one["status"] == "running")
    killed = product.processes("worker")
    assert killed
    for process in killed:
        process.kill()
    found = product.wait(run, within=60)
    assert found["status"] == "completed", found["message"]
    assert found["total_requests"] == counted(product)["total"]


def test_a_target_that_is_not_there_ends_in_a_sentence(product: Product) -> None:
    document = {
        "openapi": "3.0.0",
        "info": {"title": "Nobody home", "version": "1"},
        "servers": [{"url": "http://127.0.0.1:9"}],
        "paths": {"/a": {"get": {"responses": {"200": {"description": "ok"}}}}},
    }
    project = product.api.post("/project", json={"title": "Unreachable"}).json()
    body = {"project_id": project["id"], "document": json.dumps(document)}
    assert product.api.post("/openapi/analyze", json=body).status_code == 201
    (endpoint,) = product.api.get("/endpoint", params={"project_id": project["id"]}).json()["items"]
    found = product.wait(product.start("Unreachable", [scenario(endpoint, 1, 2, think_time=0.2)]))
    assert found["outcome"] == "error"
    assert "127.0.0.1:9" in found["message"]
    assert found["failed_requests"] == found["total_requests"] > 0
    told = product.api.get(f"/test-history/{found['id']}/failures").json()["items"]
    assert {one["kind"] for one in told} == {"0:1212"}
    page = product.api.get(f"/runs/{found['id']}/", headers={"Accept": "text/html"}).text
    assert "connection refused" in page


def test_a_missing_k6_ends_in_a_sentence(product: Product, without_k6: None) -> None:
    endpoints = product.imported_demo("No k6")
    found = product.wait(product.start("No k6", [scenario(endpoints["GET /products"], 1, 2)]))
    assert (found["status"], found["outcome"]) == ("failed", "error")
    assert "k6" in found["message"]
    health = product.api.get("/")
    assert health.status_code == 503
    assert health.json()["checks"]["runner"] != "ok"


def test_a_page_that_opens_late_has_the_whole_curve(product: Product) -> None:
    endpoints = product.imported_demo("Late page")
    run = product.start("Late page", [scenario(endpoints["GET /products"], 2, 6)])
    early = Listener(product.url, run)
    product.wait(run, lambda one: one["status"] == "running")
    time.sleep(3)
    late = Listener(product.url, run)
    before = product.api.get(f"/test-history/{run}/timeseries").json()
    found = product.wait(run)
    time.sleep(0.3)
    for listener in (early, late):
        listener.close()
    merged = dict(zip(before["t"], before["requests"], strict=True))
    merged.update({one["t"]: one["requests"] for one in late.seconds(run)})
    assert sorted(merged) == list(range(len(merged)))
    assert sum(merged.values()) == found["total_requests"]


def test_active_runs_are_listed(product: Product) -> None:
    endpoints = product.imported_demo("Jobs")
    run = product.start("Jobs", [scenario(endpoints["GET /products"], 1, 4)])
    product.wait(run, lambda one: one["status"] == "running")
    (job,) = [one for one in product.api.get("/scheduler/jobs").json()["items"] if one["test_history_id"] == run]
    assert job["status"] == "running"
    assert job["pods"] == {"wanted": 1, "ready": 1, "failed": 0}
    product.wait(run)
    assert not product.api.get("/scheduler/jobs").json()["items"]


def test_many_starts_at_the_same_moment_make_as_many_runs(product: Product) -> None:
    endpoints = product.imported_demo("Burst")
    made: list[int] = []
    asked = [scenario(endpoints["GET /products"], 1, 1)]
    threads = [threading.Thread(target=lambda: made.append(product.start("Burst", asked))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4
    for run in made:
        assert product.wait(run)["status"] == "completed"
