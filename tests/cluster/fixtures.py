"""`cluster` and `namespace` for tests that are marked `needs("cluster")`. A pytest plugin (pyproject.toml loads it)."""

import os
import re
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Cluster]":
    """One for all tests: the one that `make cluster` left running, or one that ends with them. With
    METRICVAULT_CLUSTER_OWN=1 always one of their own, for a machine where somebody else works on the other."""
    from tests.cluster import running_cluster

    own = os.environ.get("METRICVAULT_CLUSTER_OWN") == "1"
    with running_cluster(tmp_path_factory.mktemp("cluster"), own=own) as started:
        yield started


@pytest.fixture
def namespace(cluster: "Cluster", request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this test, which accepts restricted pods only. What the test broke is mended before it goes."""
    readable = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))[:40].strip("-")
    name = cluster.new_namespace(f"{readable}-{secrets.token_hex(3)}")
    yield name
    cluster.repair()
    cluster.delete_namespace(name)
