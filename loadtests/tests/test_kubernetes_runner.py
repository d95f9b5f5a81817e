"""k6 as pods of a real cluster (tests/cluster): the contract, and what only several generators can do."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from history.metrics.summary import find
from loadtests.k6.command import pod_command
from loadtests.k6.plan import RunPlan, StagePlan
from loadtests.k6.script import build_script
from loadtests.runners import LaunchSpec
from loadtests.runners.kubernetes import ClusterOptions, KubernetesRunner
from loadtests.runners.manifests import Placement
from loadtests.tests.conftest import Target, run_plan, scenario, wait_until
from loadtests.tests.runner_contract import JOB, NOWHERE, TOKEN, RunnerContract

if TYPE_CHECKING:
    from tests.cluster import Cluster

pytestmark = pytest.mark.needs("cluster")


def open_on(cluster: "Cluster", namespace: str, access: str = "proxy", **placement: object) -> KubernetesRunner:
    from tests.cluster import K6_IMAGE

    wanted = Placement(**{"image": K6_IMAGE, "cpu_request": "50m", "memory_request": "64Mi", **placement})
    return KubernetesRunner(ClusterOptions(str(cluster.kubeconfig), namespace, wanted, access, kept=3600))


def pods_of(plan: RunPlan, generators: int = 1, script: str = "") -> LaunchSpec:
    arguments, environment = pod_command("7", NOWHERE, TOKEN, plan)
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
    def _host(self, cluster: "Cluster") -> None:
        self.host = cluster.host_address

    def spec(self, plan: RunPlan, script: str = "") -> LaunchSpec:
        return pods_of(plan, script=script)

    def reach(self, url: str) -> str:
        return url.replace("127.0.0.1", self.host)

    def test_several_generators_share_the_users(self, runner: KubernetesRunner, target: Target) -> None:
        plan = run_plan(scenario(url=self.reach(target.url), stages=(StagePlan(1, 5),)))
        runner.launch(pods_of(replace(plan, generators=3), generators=3))
        assert self.finish(runner) == 0
        summaries = find(runner.logs(JOB).output)
        assert sorted(one["metrics"]["vus_max"]["values"]["max"] for one in summaries) == [1, 2, 2]
        assert sum(one["metrics"]["http_reqs"]["values"]["count"] for one in summaries) == target.count

    def test_a_stop_before_the_load_sends_none(self, runner: KubernetesRunner, target: Target) -> None:
        self.launch(runner, target.url, seconds=30)
        wait_until(lambda: runner.poll(JOB).phase == "ready", self.patience)
        runner.stop(JOB)
        wait_until(lambda: runner.poll(JOB).phase == "finished", self.patience)
        assert target.count == 0

    def test_what_it_made_goes_with_the_job(
        self, runner: KubernetesRunner, target: Target, cluster: "Cluster", namespace: str
    ) -> None:
        self.launch(runner, target.url)
        assert runner.jobs() == [JOB]
        self.finish(runner)
        runner.cleanup(JOB)
        asked = ("-n", namespace, "get", "jobs,pods,secrets,configmaps", "-o", "name")
        wait_until(lambda: cluster.kubectl(*asked).split() == ["configmap/kube-root-ca.crt"], self.patience)
        assert runner.jobs() == []

    def test_it_says_what_load_is_made_with(self, runner: KubernetesRunner, namespace: str) -> None:
        assert runner.check().startswith("Kubernetes v1.")
        assert namespace in runner.check()


class TestInsideTheCluster:
    """Pods reached at their own addresses, as from a pod of the cluster."""

    def test_it_begins_and_stops_a_load(self, cluster: "Cluster", namespace: str, target: Target) -> None:
        runner = open_on(cluster, namespace, access="direct")
        url = target.url.replace("127.0.0.1", cluster.host_address)
        plan = run_plan(scenario(url=url, stages=(StagePlan(60, 4),)))
        runner.launch(pods_of(replace(plan, generators=2), generators=2))
        wait_until(lambda: runner.poll(JOB).phase == "ready", 60)
        runner.begin(JOB)
        wait_until(lambda: target.count > 0)
        runner.stop(JOB)
        wait_until(lambda: runner.poll(JOB).phase == "finished", 20)
        assert runner.poll(JOB).exit_code == 103
        assert (
            0
            <= target.count
            - sum(one["metrics"]["http_reqs"]["values"]["count"] for one in find(runner.logs(JOB).output))
            <= 4
        )
