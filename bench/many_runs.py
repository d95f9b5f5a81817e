"""A hundred runs on the test cluster, mixed of success, failure and stop, several at once: `python -m bench.many_runs
[RUNS]`. Prints how they ended, whether every request was counted, and what of them is left in the cluster."""

import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.cluster import Cluster, attach
from tests.cluster.on_cluster import endpoints_for_pods, product_on
from tests.product import FINISHED, Product

AT_ONCE = 4
KINDS = ("success", "success", "stop", "stop while starting", "failure")
_SETTINGS = {"METRICVAULT_POD_READY_SECONDS": "20", "METRICVAULT_KEEP_FAILED_HOURS": "0.002"}


def main() -> int:
    """1 where something is left behind or a request was not counted."""
    cluster = attach()
    if cluster is None:
        print("No cluster runs here: make cluster")
        return 2
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    namespace = cluster.new_namespace(f"many-{secrets.token_hex(3)}")
    with tempfile.TemporaryDirectory() as folder:
        with product_on(cluster, namespace, Path(folder) / "copy", **_SETTINGS) as product:
            wrong = _rounds(product, cluster, runs)
            left = _left(cluster, namespace)
        print(f"left in the namespace: {left or 'nothing'}")
    cluster.delete_namespace(namespace)
    return 1 if wrong or left else 0


def _rounds(product: Product, cluster: Cluster, runs: int) -> int:
    chance = random.Random(1)
    endpoints = endpoints_for_pods(product, cluster, "Many")
    broken = product.imported_demo("Broken", f"http://{cluster.host_address}:9")
    active: dict[int, tuple[str, int]] = {}
    ended: Counter[str] = Counter()
    wrong, began = 0, time.monotonic()
    asked = 0
    while asked < runs or active:
        while asked < runs and len(active) < AT_ONCE:
            kind, pods = chance.choice(KINDS), chance.choice((1, 1, 2, 3))
            place = broken if kind == "failure" else endpoints
            seconds = 2 if kind in ("success", "failure") else 30
            stages = [{"duration": seconds, "target": 3}]
            load = {"name": "Load", "endpoint_id": place["GET /products"]["id"], "think_time": 0.05, "stages": stages}
            active[product.start(kind, [load], generators=pods)] = (kind, pods)
            asked += 1
        time.sleep(0.3)
        for run, (kind, _pods) in list(active.items()):
            found = product.details(run)
            status = found["status"]
            if (kind == "stop" and status == "running") or (kind == "stop while starting" and status == "starting"):
                product.api.post(f"/test-history/{run}/stop")
            if status in FINISHED:
                del active[run]
                ended[f"{kind}: {status}, {found['outcome'] or '-'}"] += 1
                wrong += any(one["code"] == "counts_differ" for one in found["reasons"])
    for end, count in sorted(ended.items()):
        print(f"{count:>4}  {end}")
    print(f"{runs} runs in {time.monotonic() - began:.0f} s, {wrong} whose counts differ from k6's", flush=True)
    return wrong


def _left(cluster: Cluster, namespace: str) -> str:
    """What is still there after two minutes at most, but for what every namespace has."""
    found = ""
    for _look in range(60):
        lines = cluster.kubectl("-n", namespace, "get", "jobs,pods,configmaps,secrets", "-o", "name").split()
        found = " ".join(line for line in lines if line != "configmap/kube-root-ca.crt")
        if not found:
            break
        time.sleep(2)
    return found


if __name__ == "__main__":
    sys.exit(main())
