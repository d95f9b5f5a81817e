"""One load over 1, 2 and 5 pods of a real cluster, through the whole product."""

import time
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.on_cluster import endpoints_for_pods, left_in
from tests.product import Product

pytestmark = pytest.mark.needs("cluster", "k6", "redis-server")


def load(endpoint: dict[str, Any], seconds: float, users: int, **more: Any) -> dict[str, Any]:
    stages = [{"duration": seconds, "target": users}]
    return {"name": endpoint["path"], "endpoint_id": endpoint["id"], "think_time": 0.02, "stages": stages, **more}


@pytest.mark.parametrize("pods", [1, 2, 5])
def test_the_target_the_result_and_the_pods_count_the_same(on_pods: Product, cluster: Cluster, pods: int) -> None:
    endpoints = endpoints_for_pods(on_pods, cluster, f"{pods} pods")
    on_pods.demo.post("/__counts/reset")
    chosen = [endpoints["GET /products"], endpoints["GET /search"]]
    run = on_pods.start(f"{pods} pods", [load(one, 5, 5) for one in chosen], generators=pods)
    found = on_pods.wait(run, within=120)
    counted = on_pods.demo.get("/__counts").json()["endpoints"]
    assert (found["status"], found["outcome"]) == ("completed", "passed"), found["reasons"]
    assert [one["total_requests"] for one in found["scenarios"]] == [
        counted[f"{one['method']} {one['path']}"]["total"] for one in chosen
    ]
    assert found["total_requests"] == sum(one["total"] for one in counted.values())
    assert found["total_requests"] == sum(on_pods.api.get(f"/test-history/{run}/timeseries").json()["requests"])
    assert [one["code"] for one in found["reasons"] if one["code"].startswith("counts")] == ["counts_agree"]
    assert [one["phase"] for one in found["generators"]] == ["finished"] * pods
    starts = [one["started"] for one in found["generators"]]
    assert max(starts) - min(starts) < 0.5
    assert found["max_vus"] == 10


def test_a_stop_ends_the_load_in_every_pod_and_keeps_what_was_measured(on_pods: Product, cluster: Cluster) -> None:
    endpoint = endpoints_for_pods(on_pods, cluster, "Stop")["GET /products"]
    on_pods.demo.post("/__counts/reset")
    run = on_pods.start("Stop", [load(endpoint, 60, 6)], generators=3)
    on_pods.wait(run, lambda one: one["status"] == "running", within=60)
    time.sleep(2)
    asked = time.monotonic()
    assert on_pods.api.post(f"/test-history/{run}/stop").status_code == 202
    counts = [-1, on_pods.demo.get("/__counts").json()["endpoints"]["GET /products"]["total"]]
    while counts[-1] != counts[-2]:
        time.sleep(0.5)
        counts.append(on_pods.demo.get("/__counts").json()["endpoints"]["GET /products"]["total"])
    assert time.monotonic() - asked < 10
    found = on_pods.wait(run, within=60)
    assert found["status"] == "stopped"
    assert 0 <= counts[-1] - found["total_requests"] <= 6
    assert found["test_duration"] < 30


def test_nothing_of_them_is_left(on_pods: Product, cluster: Cluster, own_namespace: str) -> None:
    assert left_in(cluster, own_namespace) == []
