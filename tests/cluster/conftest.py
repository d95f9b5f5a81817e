"""One product for all tests that make load on the cluster, and the namespace of its pods."""

from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.cluster.on_cluster import product_on
from tests.product import Product


@pytest.fixture(scope="package")
def own_namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace("runs") as name:
        yield name


@pytest.fixture(scope="package")
def on_pods(cluster: Cluster, own_namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with product_on(cluster, own_namespace, tmp_path_factory.mktemp("pods") / "copy") as product:
        yield product
