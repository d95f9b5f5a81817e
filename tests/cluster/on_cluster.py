"""The whole product, as `make run` starts it, with its load generators on the test cluster."""

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
