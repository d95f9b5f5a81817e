"""Scripts and data that are more than a cluster keeps by itself: compressed, and by a volume, on a real cluster."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from loadtests.k6.command import pod_command
from loadtests.k6.plan import RunPlan, StagePlan, TablePlan, Take
from loadtests.k6.script import build_script
from loadtests.runners import LaunchSpec, RunnerError
from loadtests.runners.kubernetes import ClusterOptions, KubernetesRunner
from loadtests.runners.manifests import Placement, carrier
from loadtests.tests.conftest import Target, run_plan, scenario, wait_until
from loadtests.tests.runner_contract import JOB, NOWHERE, TOKEN, requests_counted

if TYPE_CHECKING:
    from tests.cluster import Cluster

pytestmark = pytest.mark.needs("cluster")

SCENARIOS, BODY = 10, 210_000  # 2.1 MB together


def large_plan(url: str, bodies: list[str]) -> RunPlan:
    """Scenarios that post these bodies, one user each."""
    stages = (StagePlan(2, 1),)
    return run_plan(
        *(
            scenario(at, f"Post {at}", method="POST", url=url, body=body, stages=stages, think_time=0.3)
            for at, body in enumerate(bodies)
        )
    )


def script_with_rows(url: str, count: int) -> str:
    """Two users ask for the rows one after another."""
    stages = (StagePlan(2, 2),)
    one = scenario(url=(f"{url}/", Take("users.email", "url")), stages=stages, think_time=0.3)
    table = TablePlan("users", ("email",), "unique", count, "users.json")
    return build_script(replace(run_plan(one), tables=(table,)))


def load(script: str, files: Mapping[str, str] | None = None) -> LaunchSpec:
    arguments, environment = pod_command("7", NOWHERE, TOKEN)
    return LaunchSpec(JOB, f"{JOB}.js", script, arguments, environment, run="7", files=files or {})


def run_to_its_end(runner: KubernetesRunner, script: str, files: Mapping[str, str] | None = None) -> None:
    runner.launch(load(script, files))

    def is_over() -> bool:
        phase = runner.poll(JOB).phase
        if phase == "ready":
            runner.begin(JOB)
        return phase == "finished"

    wait_until(is_over, 90)
    assert runner.poll(JOB).exit_code == 0, runner.logs(JOB).log


def runner_on(
    cluster: "Cluster", namespace: str, volume: str = "", volume_folder: Path | None = None
) -> KubernetesRunner:
    from tests.cluster import K6_IMAGE

    placement = Placement(image=K6_IMAGE, cpu_request="50m", memory_request="64Mi", memory_limit="1Gi")
    options = ClusterOptions(
        str(cluster.kubeconfig), namespace, placement, "proxy", kept=3600, volume=volume, volume_folder=volume_folder
    )
    return KubernetesRunner(options)


@pytest.fixture
def claim(cluster: "Cluster", namespace: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A claim on a volume that everybody may mount, and the folder of this machine that is in it."""
    folder = tmp_path / "scripts"
    folder.mkdir(mode=0o755)
    volume = f"scripts-{namespace}"
    common = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    room = {"storage": "1Gi"}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume},
            "spec": {**common, "capacity": room, "hostPath": {"path": str(folder), "type": "Directory"}},
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "k6-script-pvc", "namespace": namespace},
            "spec": {**common, "volumeName": volume, "resources": {"requests": room}},
        },
    )
    yield "k6-script-pvc", folder
    cluster.kubectl("delete", "persistentvolume", volume, "--wait=false")


def test_a_script_of_two_megabytes_travels_compressed(cluster: "Cluster", namespace: str, target: Target) -> None:
    bodies = [f'{{"order": "{at:>{BODY}}"}}' for at in range(SCENARIOS)]
    script = build_script(large_plan(target.url.replace("127.0.0.1", cluster.host_address), bodies))
    assert (carrier([script]), len(script) > 2_000_000) == ("packed", True)
    runner = runner_on(cluster, namespace)
    run_to_its_end(runner, script)
    assert target.count >= 2 * SCENARIOS
    assert requests_counted(runner.logs(JOB).output) == target.count
    assert target.last[3].decode() in bodies
    runner.cleanup(JOB)


def test_a_script_that_does_not_compress_travels_by_a_volume(
    cluster: "Cluster", namespace: str, target: Target, claim: tuple[str, Path]
) -> None:
    dice = random.Random(7)
    bodies = [dice.randbytes(BODY // 2).hex() for _ in range(SCENARIOS)]
    script = build_script(large_plan(target.url.replace("127.0.0.1", cluster.host_address), bodies))
    assert (carrier([script]), len(script) > 2_000_000) == ("volume", True)
    with pytest.raises(RunnerError, match="K6_DEFAULT_PVC"):
        runner_on(cluster, namespace).launch(load(script))
    runner = runner_on(cluster, namespace, *claim)
    run_to_its_end(runner, script)
    assert requests_counted(runner.logs(JOB).output) == target.count
    assert target.last[3].decode() in bodies
    assert cluster.get("configmaps", f"--namespace={namespace}", "--selector=metricvault/run=7")["items"] == []
    runner.cleanup(JOB)


def test_data_of_three_megabytes_travels_compressed(cluster: "Cluster", namespace: str, target: Target) -> None:
    rows = [[f"사용자{number:06}@example.com"] for number in range(100_000)]
    files = {"users.json": json.dumps(rows, ensure_ascii=False)}
    script = script_with_rows(target.url.replace("127.0.0.1", cluster.host_address), len(rows))
    assert (carrier([script, *files.values()]), len(files["users.json"].encode()) > 3_000_000) == ("packed", True)
    runner = runner_on(cluster, namespace)
    run_to_its_end(runner, script, files)
    assert [unquote(target.last[1])[1:]] in rows[: target.count]
    assert requests_counted(runner.logs(JOB).output) == target.count
    runner.cleanup(JOB)


def test_data_that_does_not_compress_travels_by_a_volume_and_leaves_it(
    cluster: "Cluster", namespace: str, target: Target, claim: tuple[str, Path]
) -> None:
    dice = random.Random(7)
    rows = [[dice.randbytes(20).hex()] for _ in range(70_000)]
    files = {"users.json": json.dumps(rows)}
    script = script_with_rows(target.url.replace("127.0.0.1", cluster.host_address), len(rows))
    assert (carrier([script, *files.values()]), len(files["users.json"]) > 3_000_000) == ("volume", True)
    with pytest.raises(RunnerError, match="K6_DEFAULT_PVC"):
        runner_on(cluster, namespace).launch(load(script, files))
    runner = runner_on(cluster, namespace, *claim)
    run_to_its_end(runner, script, files)
    assert [target.last[1][1:]] in rows[: target.count]
    assert requests_counted(runner.logs(JOB).output) == target.count
    assert cluster.get("configmaps", f"--namespace={namespace}", "--selector=metricvault/run=7")["items"] == []
    runner.cleanup(JOB)
    assert list(claim[1].iterdir()) == []
