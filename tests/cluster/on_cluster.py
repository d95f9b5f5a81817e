"""The whole product, as `make run` starts it, with its load generators on the test cluster."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster import K6_IMAGE, Cluster
from tests.product import Product, running_product
from tests.servers import free_port


@contextmanager
def product_on(cluster: Cluster, namespace: str, data_dir: Path, **environ: str) -> Iterator[Product]:
    """A copy whose pods live in `namespace` and push to this machine over the cluster's bridge."""
    port = free_port()
    own = {
        "METRICVAULT_RUNNER": "kubernetes",
        "KUBECONFIG": str(cluster.kubeconfig),
        "KUBERNETES_NAMESPACE": namespace,
        "METRICVAULT_K6_IMAGE": K6_IMAGE,
        "METRICVAULT_POD_CPU_REQUEST": "50m",
        "METRICVAULT_POD_MEMORY_REQUEST": "64Mi",
        "METRICVAULT_INGEST_URL": f"http://{cluster.host_address}:{port}",
        "PORT": str(port),
    }
    with running_product(data_dir, **{**own, **environ}) as product:
        yield product


def endpoints_for_pods(product: Product, cluster: Cluster, title: str) -> dict[str, dict[str, Any]]:
    """The demo's endpoints in a new project, with the demo's address as pods reach it."""
    return product.imported_demo(title, product.demo_url.replace("127.0.0.1", cluster.host_address))


def left_in(cluster: Cluster, namespace: str) -> list[str]:
    """What runs have left in their namespace, once nothing is, or after a minute."""
    names: list[str] = []
    for _look in range(60):
        found = json.loads(cluster.kubectl("-n", namespace, "get", "jobs,pods,secrets,configmaps", "-o", "json"))
        names = [one["metadata"]["name"] for one in found["items"] if one["metadata"]["name"] != "kube-root-ca.crt"]
        if not names:
            break
        time.sleep(1)
    return names
