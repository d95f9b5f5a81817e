"""Records what a real cluster says of pods: `python -m bench.record_pods` writes loadtests/tests/pods_seen.json.

Each scene is made to happen on the test cluster (`make cluster`), then Job, pods and events are kept as the API gave
them, without what nobody reads. With --own a cluster of its own is started, and its kubelet killed for the last scene.
"""

import json
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loadtests.k6.command import pod_command
from loadtests.runners import LaunchSpec, RunnerError
from loadtests.runners.kubernetes import ClusterOptions, KubernetesRunner
from loadtests.runners.manifests import Placement
from loadtests.tests.pods_seen import FILE, Scene, shortened
from tests.cluster import K6_IMAGE, Cluster, attach, provoking, running_cluster

INDEX = "batch.kubernetes.io/job-completion-index"
LOAD = "import {sleep} from 'k6'; export const options = {vus: 1, duration: '%ss'}; export default () => { %s }"
IDLE = LOAD % (60, "sleep(0.1)")
NOISY = LOAD % (60, "console.log('x'.repeat(2000)); sleep(0.001)")
SHORT = LOAD % (1, "sleep(0.1)")
GREEDY = "const kept = []; for (;;) kept.push(new Array(1e5).fill(1)); export default function () {}"


class Recorder:
    """Makes Jobs in a namespace and keeps what is said of them."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.scenes: dict[str, Scene] = {}

    def runner(self, **placement: str) -> KubernetesRunner:
        wanted = {"image": K6_IMAGE, "cpu_request": "50m", "memory_request": "64Mi", "memory_limit": "256Mi"}
        options = Placement(**{**wanted, **placement})
        return KubernetesRunner(ClusterOptions(str(self.cluster.kubeconfig), self.namespace, options, "proxy", 3600))

    def launch(self, name: str, script: str = IDLE, pods: int = 1, longest: float = 300, **placement: str) -> Any:
        runner = self.runner(**placement)
        arguments, environment = pod_command("7", "http://127.0.0.1:9/ingest/7/write", "token")
        runner.launch(
            LaunchSpec(name, f"{name}.js", script, arguments, environment, run="7", generators=pods, longest=longest)
        )
        return runner

    def begin(self, name: str, runner: KubernetesRunner) -> None:
        self.until(lambda: runner.poll(name).phase == "ready", name)
        runner.begin(name)

    def until(self, true: Callable[[], bool], what: str, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise SystemExit(f"{what}: it did not come about; kept: {', '.join(self.scenes)}")
            time.sleep(0.2)

    def keep(self, scene: str, name: str) -> None:
        def get(*what: str) -> Any:
            return self.cluster.get("-n", self.namespace, *what)

        pods = get("pods", "-l", f"job-name={name}")["items"]
        events = [one for one in get("events")["items"] if one["involvedObject"]["name"] == name]
        self.scenes[scene] = shortened(get("job", name), pods, events)
        print(scene, flush=True)

    def keep_when(self, scene: str, name: str, runner: KubernetesRunner, code: str) -> None:
        """Once the runner names `code`, for the Job or for one of its pods."""

        def told() -> bool:
            found = runner.poll(name)
            return code in {one["code"] for one in (found.trouble, *(one.trouble for one in found.generators)) if one}

        self.until(told, scene)
        self.keep(scene, name)

    def drop(self, name: str, runner: KubernetesRunner) -> None:
        runner.cleanup(name)
        self.until(lambda: runner.poll(name).phase == "absent", name)


def _delete(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.kubectl("-n", namespace, "delete", "pod", "-l", f"job-name={name},{INDEX}=0", "--wait=false")


def _evict(cluster: Cluster, namespace: str, name: str) -> None:
    pods = cluster.get("pods", "-n", namespace, "-l", f"job-name={name},{INDEX}=0")["items"]
    pod = pods[0]["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))


def ordinary(to: Recorder) -> None:
    runner = to.launch("k6-two", pods=2)
    to.keep("waiting", "k6-two")
    to.until(lambda: runner.poll("k6-two").phase == "ready", "ready")
    to.keep("ready", "k6-two")
    runner.begin("k6-two")
    to.keep("running", "k6-two")
    runner.stop("k6-two")
    to.until(lambda: runner.poll("k6-two").phase == "finished", "stopped")
    to.keep("stopped", "k6-two")
    to.drop("k6-two", runner)
    ends = {"finished": SHORT, "thresholds": SHORT.replace("}; e", ", thresholds: {iterations: ['count<0']}}; e")}
    for scene, script in {**ends, "script_error": "throw new Error('broken')"}.items():
        runner = to.launch(scene.replace("_", "-"), script)
        if scene != "script_error":
            to.begin(scene.replace("_", "-"), runner)
        to.until(lambda runner=runner, scene=scene: runner.poll(scene.replace("_", "-")).phase == "finished", scene)
        to.keep(scene, scene.replace("_", "-"))


def failing(to: Recorder) -> None:
    runner = to.launch("k6-image", image="grafana/k6:0.0.0")
    to.keep_when("image", "k6-image", runner, "pod_image")
    runner = to.launch("k6-room", cpu_request="64")
    to.keep_when("unschedulable", "k6-room", runner, "pod_unschedulable")
    runner = to.launch("k6-memory", GREEDY, memory_request="20Mi", memory_limit="20Mi")
    to.keep_when("oom", "k6-memory", runner, "pod_oom")
    for scene, make in (("deleted", _delete), ("evicted", _evict)):
        runner = to.launch(f"k6-{scene}", pods=2)
        to.begin(f"k6-{scene}", runner)
        make(to.cluster, to.namespace, f"k6-{scene}")
        to.keep(scene, f"k6-{scene}")
        to.until(lambda runner=runner, name=f"k6-{scene}": not runner.poll(name).generators[0].name, scene)
        to.keep(f"{scene}_gone", f"k6-{scene}")
        to.drop(f"k6-{scene}", runner)
    runner = to.launch("k6-deadline", longest=6)
    to.begin("k6-deadline", runner)
    to.until(lambda: runner.poll("k6-deadline").phase == "finished", "deadline")
    to.keep("deadline", "k6-deadline")
    runner = to.launch("k6-suspended", cpu_request="64")
    runner.stop("k6-suspended")
    time.sleep(9)
    runner.stop("k6-suspended")
    time.sleep(2)
    to.keep("stopped_before_begin", "k6-suspended")


def refused(to: Recorder) -> None:
    provoking._narrow(to.cluster, to.namespace)
    runner = to.launch("k6-narrow")
    to.keep_when("admission", "k6-narrow", runner, "pod_refused")
    to.cluster.kubectl("-n", to.namespace, "delete", "limitrange", "narrow")
    provoking._quota(to.cluster, to.namespace)
    runner = to.launch("k6-quota", pods=2)
    to.keep_when("quota", "k6-quota", runner, "pod_quota")
    to.cluster.kubectl("-n", to.namespace, "delete", "resourcequota", "small")


def full_disk(to: Recorder) -> None:
    """The kubelet itself evicts what writes more than it may."""
    limits = [{"type": "Container", "default": {"ephemeral-storage": "1Mi"}}]
    meta = {"name": "disk", "namespace": to.namespace}
    to.cluster.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": meta, "spec": {"limits": limits}})
    runner = to.launch("k6-disk", NOISY, pods=1)
    to.begin("k6-disk", runner)
    to.until(lambda: runner.poll("k6-disk").phase == "finished", "kubelet evicts", 120)
    to.keep("evicted_by_kubelet", "k6-disk")


def silent_node(to: Recorder) -> None:
    runner = to.launch("k6-silent", pods=2)
    to.begin("k6-silent", runner)
    to.cluster.kill_kubelet()
    to.keep_when("node_lost", "k6-silent", runner, "pod_node_lost")
    to.cluster.start_kubelet()


@contextmanager
def place(own: bool) -> Any:
    attached = None if own else attach()
    if attached:
        yield attached
        return
    with tempfile.TemporaryDirectory() as folder, running_cluster(Path(folder), own=own) as cluster:
        yield cluster


def _text(kept: dict[str, Scene]) -> str:
    """One line a scene, with no registry's name."""
    lines = (f"{json.dumps(name)}: {json.dumps(kept[name], ensure_ascii=False)}" for name in sorted(kept))
    return ("{\n" + ",\n".join(lines) + "\n}\n").replace("docker.io", "registry.example.com")


def main() -> None:
    own = "--own" in sys.argv
    wanted = [one for one in sys.argv[1:] if not one.startswith("-")]
    kept: dict[str, Scene] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    acts = (ordinary, failing, refused, full_disk, *((silent_node,) if own else ()))
    with place(own) as cluster:
        for act in acts:
            if wanted and act.__name__ not in wanted:
                continue
            with cluster.namespace(f"record-{secrets.token_hex(3)}") as namespace:
                to = Recorder(cluster, namespace)
                try:
                    act(to)
                except (RunnerError, SystemExit) as error:  # the scenes before it are worth keeping
                    print(f"{act.__name__}: {error}")
                kept |= to.scenes
            FILE.write_text(_text(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
