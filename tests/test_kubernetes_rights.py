"""deploy/kubernetes before a real API server: every manifest is taken, every pod let in, and web and worker may do what
the code does and nothing else."""

import base64
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from loadtests.k6.command import pod_command
from loadtests.k6.plan import StagePlan
from loadtests.k6.script import build_script
from loadtests.runners import LaunchSpec
from loadtests.runners.kubernetes import ClusterOptions, KubernetesRunner
from loadtests.runners.manifests import Placement
from loadtests.tests.conftest import run_plan, scenario, wait_until

if TYPE_CHECKING:
    from tests.cluster import Cluster

pytestmark = pytest.mark.needs("cluster")

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "kubernetes"
OVERLAYS = ("trial", "production")
Build = Callable[..., list[dict[str, Any]]]
Right = tuple[str, str]  # ("list", "pods"), ("get", "jobs.batch")
JOB, PODLESS = "k6-0123abcd", "k6-4567cdef"

# What the code asks the cluster for. The pages of active runs look; the worker does the rest.
WEB: set[Right] = {
    *(("get", kind) for kind in ("jobs.batch", "pods/log")),
    *(("list", kind) for kind in ("pods", "events", "pods.metrics.k8s.io")),
}
WORKER: set[Right] = WEB | {
    *((verb, "jobs.batch") for verb in ("create", "list", "patch", "delete")),
    *(("create", kind) for kind in ("configmaps", "secrets")),
}
# The worker's watcher lists pods, then watches them; a run is looked after without it too, a few seconds later.
WATCHES: set[Right] = {("watch", "pods")}


def built(cluster: "Cluster", namespace: str, folder: Path, overlay: str, component: str = "") -> list[dict[str, Any]]:
    """What `kubectl kustomize` makes of an overlay, moved to a namespace of the test. It takes relative paths only."""
    components = [os.path.relpath(FOLDER / "components" / component, folder.resolve())] if component else []
    resources = [os.path.relpath(FOLDER / "overlays" / overlay, folder.resolve())]
    made = {"kind": "Kustomization", "namespace": namespace, "resources": resources, "components": components}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(made))
    manifests = [one for one in yaml.safe_load_all(cluster.kubectl("kustomize", str(folder))) if one]
    for subject in (subject for one in manifests for subject in one.get("subjects", [])):
        subject["namespace"] = namespace  # kustomize leaves those alone
    return manifests


@pytest.fixture
def build(cluster: "Cluster", namespace: str, tmp_path: Path) -> Build:
    """`build("trial")`, `build("trial", "script-volume")`"""
    return lambda *names: built(cluster, namespace, tmp_path, *names)


def dry(cluster: "Cluster", manifests: list[dict[str, Any]]) -> list[str]:
    """What the API server says to the manifests, line by line."""
    text = "\n---\n".join(json.dumps(one) for one in manifests)
    return cluster.kubectl("apply", "--dry-run=server", "--filename=-", stdin=text).splitlines()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_api_server_takes_every_manifest(cluster: "Cluster", build: Build, overlay: str) -> None:
    manifests = build(overlay)
    said = dry(cluster, manifests)
    assert len(said) == len(manifests)
    assert all(line.endswith(("created (server dry run)", "configured (server dry run)")) for line in said), said


def test_it_takes_the_volume_for_scripts_too(cluster: "Cluster", build: Build) -> None:
    manifests = build("trial", "script-volume")
    assert len(dry(cluster, manifests)) == len(manifests)
    (worker,) = [one for one in manifests if one["kind"] == "Deployment" and one["metadata"]["name"] == "worker"]
    mounted = {one["mountPath"] for one in worker["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]}
    (settings,) = [one["data"] for one in manifests if one["kind"] == "ConfigMap"]
    assert settings["K6_SCRIPT_FILE_FOLDER"] in mounted


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_restricted_namespace_lets_every_pod_in(
    cluster: "Cluster", namespace: str, build: Build, overlay: str
) -> None:
    manifests = build(overlay)
    cluster.apply(*(one for one in manifests if one["kind"] == "ServiceAccount"))
    (labels,) = [one["metadata"]["labels"] for one in manifests if one["kind"] == "Namespace"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": one["metadata"]["name"], "namespace": namespace},
            "spec": _without_claims(one["spec"]["template"]["spec"], one["spec"].get("volumeClaimTemplates", [])),
        }
        for one in manifests
        if one["kind"] in ("Deployment", "StatefulSet")
    ]
    assert {"web", "worker", "beat", "redis"} <= {one["metadata"]["name"] for one in pods}
    assert len(dry(cluster, pods)) == len(pods)


def _without_claims(spec: dict[str, Any], claims: list[dict[str, Any]]) -> dict[str, Any]:
    """A StatefulSet's pods get their volumes from it; here an empty folder stands for each."""
    instead = [{"name": one["metadata"]["name"], "emptyDir": {}} for one in claims]
    return {**spec, "volumes": [*spec.get("volumes", []), *instead]}


def rights(cluster: "Cluster", namespace: str, account: str) -> set[Right]:
    """What an account may do in the namespace, as `kubectl auth can-i --list` asks it."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    who = f"--as=system:serviceaccount:{namespace}:{account}"
    found = json.loads(
        cluster.kubectl("create", "--filename=-", "--validate=false", "--output=json", who, stdin=json.dumps(review))
    )
    return {
        (verb, f"{resource}.{group}" if group else resource)
        for rule in found["status"]["resourceRules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


@pytest.mark.parametrize(
    ("account", "used"), [("metricvault-web", WEB), ("metricvault-worker", WORKER | WATCHES), ("metricvault", set())]
)
def test_an_account_may_do_what_the_code_does_and_nothing_else(
    cluster: "Cluster",
    namespace: str,
    build: Build,
    account: str,
    used: set[Right],
) -> None:
    allow(cluster, build("production"))
    anybody = rights(cluster, namespace, "default")
    assert rights(cluster, namespace, account) - anybody == used


def allow(cluster: "Cluster", manifests: list[dict[str, Any]]) -> None:
    cluster.apply(*(one for one in manifests if one["kind"] in ("ServiceAccount", "Role", "RoleBinding")))


class Recorder:
    """Every right that a runner makes use of."""

    def __init__(self, runner: KubernetesRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        self.used: set[Right] = set()
        self._really = runner._api._open
        monkeypatch.setattr(runner._api, "_open", self._open)

    def _open(self, method: str, path: str, *rest: Any, **more: Any) -> Any:
        query = more.get("query") or (rest[1] if len(rest) > 1 else None) or {}
        self.used.add(right(method, path, "watch" in query))
        return self._really(method, path, *rest, **more)


def right(method: str, path: str, watching: bool) -> Right:
    found = re.fullmatch(r"/(?:api|apis/([^/]+))/[^/]+/namespaces/[^/]+/(\w+)(?:/([^/]+))?(?:/(\w+).*)?", path)
    assert found, path
    group, resource, name, part = found.groups()
    resource = f"{resource}/{part}" if part else resource
    reading = "watch" if watching else "get" if name else "list"
    verb = {"GET": reading, "POST": "create", "PATCH": "patch", "DELETE": "delete"}[method]
    return verb, f"{resource}.{group}" if group else resource


def runner_as(cluster: "Cluster", namespace: str, account: str, folder: Path, **placement: str) -> KubernetesRunner:
    """The runner with nothing but the token of an account, as inside of the cluster."""
    from tests.cluster import K6_IMAGE

    token = cluster.kubectl("create", "token", account, f"--namespace={namespace}").strip()
    authority = Path(cluster.parts.certificates.crt("ca")).read_bytes()
    known = {"server": cluster.server, "certificate-authority-data": base64.b64encode(authority).decode()}
    config = {
        "clusters": [{"name": "c", "cluster": known}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / f"{account}.kubeconfig"
    path.write_text(json.dumps(config))
    wanted = Placement(image=K6_IMAGE, cpu_request="50m", memory_request="64Mi", **placement)
    return KubernetesRunner(ClusterOptions(str(path), namespace, wanted, "direct", kept=3600))


def load(seconds: float = 30) -> LaunchSpec:
    arguments, environment = pod_command("7", "http://127.0.0.1:9/ingest/7/write", "token")
    script = build_script(run_plan(scenario(stages=(StagePlan(seconds, 1),), think_time=0.5)))
    return LaunchSpec(JOB, f"{JOB}.js", script, arguments, environment, run="7", generators=1)


def test_with_these_rights_a_run_is_made_watched_stopped_and_cleared_away(
    cluster: "Cluster", namespace: str, build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    allow(cluster, build("production"))
    worker = runner_as(cluster, namespace, "metricvault-worker", tmp_path, service_account="metricvault-k6")
    web = runner_as(cluster, namespace, "metricvault-web", tmp_path)
    by_worker, by_web = Recorder(worker, monkeypatch), Recorder(web, monkeypatch)
    worker.launch(load())
    wait_until(lambda: worker.poll(JOB).phase == "ready", 60)
    worker.begin(JOB)
    wait_until(lambda: worker.poll(JOB).phase == "running", 30)
    assert web.poll(JOB).phase == "running"
    wait_until(lambda: "connection refused" in web.log_tail(JOB), 30)
    assert worker.jobs() == [JOB]
    worker.stop(JOB)
    wait_until(lambda: worker.poll(JOB).phase == "finished", 60)
    assert worker.logs(JOB).output
    worker.cleanup(JOB)
    # Pods of an account that is not there are never made, and why is asked of events.
    worker.launch(replace(load(), job_name=PODLESS, placement={"service_account": "not-there"}))
    wait_until(lambda: worker.poll(PODLESS).trouble is not None, 30)
    assert web.poll(PODLESS).trouble is not None
    worker.cleanup(PODLESS)
    assert by_worker.used == WORKER
    assert by_web.used == WEB
