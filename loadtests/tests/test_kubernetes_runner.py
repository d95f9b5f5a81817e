"""k6 as pods of a real cluster (tests/cluster): the contract, and what only several generators can do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from loadtests.k6.command import pod_command
from loadtests.k6.plan import RunPlan
from loadtests.k6.script import build_script
from loadtests.runners import LaunchSpec
from loadtests.runners.kubernetes import ClusterOptions, KubernetesRunner
from loadtests.runners.manifests import Placement
from loadtests.tests.runner_contract import JOB, NOWHERE, TOKEN, RunnerContract

if TYPE_CHECKING:
    from tests.cluster import Cluster

pytestmark = pytest.mark.needs("cluster")


def open_on(cluster: "Cluster", namespace: str, access: str = "proxy", **placement: object) -> KubernetesRunner:
    from tests.cluster import K6_IMAGE

    wanted = Placement(**{"image": K6_IMAGE, "cpu_request": "50m", "memory_request": "64Mi", **placement})
    return KubernetesRunner(ClusterOptions(str(cluster.kubeconfig), namespace, wanted, access, kept=3600))


def pods_of(plan: RunPlan, generators: int = 1, script: str = "") -> LaunchSpec:
    arguments, environment = pod_command("7", NOWHERE, TOKEN)
    text = script or build_script(plan)
    return LaunchSpec(JOB, f"{JOB}.js", text, arguments, environment, run="7", generators=generators)


@pytest.fixture
def bare_runner(cluster: "Cluster", namespace: str) -> KubernetesRunner:
    return open_on(cluster, namespace)


class TestKubernetesRunner(RunnerContract):
    """The contract, and what only a cluster can do."""

    stopped = 103
    patience = 60.0
    instance, pods = "0", True

    @pytest.fixture(autouse=True)
    def _host(self, cluster: "Cluster") -> Iterator[None]:
        self.host = cluster.host_address
        yield

    def spec(self, plan: RunPlan, script: str = "") -> LaunchSpec:
        return pods_of(plan, script=script)

    def reach(self, url: str) -> str:
        return url.replace("127.0.0.1", self.host)
