"""Each way in which a cluster fails a load test, made to happen, and what the product said of it and when."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.cluster.on_cluster import endpoints_for_pods, product_on
from tests.product import FINISHED, Product

QUIET = 0.25  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Failure:
    """`environ`: settings that make it happen; `before`: what is done to the namespace first; `during`: what is done
    once load flows; `after`: what mends it, `lasts` seconds later. `code`: the reason that has to be told.
    `ends`: how the run may end, as (status, outcome)."""

    name: str
    code: str
    ends: tuple[tuple[str, str], ...]
    environ: dict[str, str] = field(default_factory=dict)
    before: Callable[[Cluster, str], object] = lambda cluster, namespace: None
    during: Callable[[Cluster, str], object] | None = None
    after: Callable[[Cluster, str], object] = lambda cluster, namespace: None
    lasts: float = 0
    load: float = 12
    generators: int = 2
    users: int = 4
    in_tests: bool = False  # the others take longer, or break the cluster for everybody
    limited: bool = False  # with the rights of a service account instead of an administrator's


@dataclass(frozen=True, slots=True)
class Seen:
    """`seconds`: from the fault to the sentence on the run. `sent` as the target counted."""

    name: str
    sentence: str
    event: str
    codes: tuple[str, ...]
    seconds: float
    status: str
    outcome: str
    sent: int
    stored: int
    users: int

    @property
    def all_counted(self) -> bool:
        """Every request is counted; of a load that was broken off all but those under way, one a user at most."""
        return 0 <= self.sent - self.stored <= (self.users if self.status != "completed" else 0)


def _quota(cluster: Cluster, namespace: str) -> None:
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "small", "namespace": namespace},
            "spec": {"hard": {"pods": "1"}},
        }
    )


def _narrow(cluster: Cluster, namespace: str) -> None:
    """An admission rule that our pods break: they may use 1 GiB."""
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "narrow", "namespace": namespace},
            "spec": {"limits": [{"type": "Container", "max": {"memory": "128Mi"}}]},
        }
    )


def _bind(cluster: Cluster, namespace: str) -> None:
    """The account of `limited_kubeconfig` may do in its namespace what an editor may."""
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "metricvault", "namespace": namespace}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "metricvault", "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "metricvault", "namespace": namespace}],
        },
    )


def _unbind(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("-n", namespace, "delete", "rolebinding", "metricvault")


def limited_kubeconfig(cluster: Cluster, namespace: str, folder: Path) -> Path:
    """Of the service account `metricvault` of the namespace."""
    config = json.loads(cluster.kubectl("config", "view", "--raw", "--flatten", "-o", "json"))
    token = cluster.kubectl("-n", namespace, "create", "token", "metricvault").strip()
    config["users"] = [{"name": "metricvault", "user": {"token": token}}]
    for context in config["contexts"]:
        context["context"]["user"] = "metricvault"
    path = folder / "limited.kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def _evict(cluster: Cluster, namespace: str) -> None:
    pod = cluster.kubectl("-n", namespace, "get", "pods", "-o", "name").split()[0].removeprefix("pod/")
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
    }
    cluster.kubectl(
        "create", "--raw", f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction", "-f", "-", stdin=json.dumps(body)
    )


_NEVER_BEGAN = (("failed", "error"),)
_PARTLY = (("failed", "invalid"),)
_GOES_ON = (("completed", "passed"),)
_SOON = {"METRICVAULT_POD_READY_SECONDS": "12"}
_TINY = {"METRICVAULT_POD_MEMORY_REQUEST": "20Mi", "METRICVAULT_POD_MEMORY_LIMIT": "20Mi"}
_HUGE = {**_SOON, "METRICVAULT_POD_CPU_REQUEST": "64"}
_NO_IMAGE = {**_SOON, "METRICVAULT_K6_IMAGE": "grafana/k6:0.0.0"}

FAILURES = (
    Failure("impossible CPU request", "pod_unschedulable", _NEVER_BEGAN, _HUGE, in_tests=True),
    Failure("image that is not there", "pod_image", _NEVER_BEGAN, _NO_IMAGE),
    Failure("memory limit of 20 MiB", "pod_oom", (*_PARTLY, *_NEVER_BEGAN), _TINY, users=400),
    Failure("quota of one pod", "pod_quota", _NEVER_BEGAN, _SOON, before=_quota, in_tests=True),
    Failure("admission refused", "pod_refused", _NEVER_BEGAN, _SOON, before=_narrow),
    Failure("pod evicted", "pod_evicted", _PARTLY, during=_evict, load=20, in_tests=True),
    Failure("RBAC removed", "cluster_forbids", _GOES_ON, limited=True, during=_unbind, after=_bind, lasts=15, load=20),
    Failure(
        "API server away for 30 s",
        "cluster_away",
        _GOES_ON,
        during=lambda cluster, namespace: cluster.stop_api_server(),
        after=lambda cluster, namespace: cluster.start_api_server(),
        lasts=30,
        load=20,
    ),
    Failure(
        "kubelet killed for 75 s",
        "pod_node_lost",
        _GOES_ON,
        during=lambda cluster, namespace: cluster.kill_kubelet(),
        after=lambda cluster, namespace: cluster.start_kubelet(),
        lasts=75,
        load=30,
    ),
)


def provoke(cluster: Cluster, namespace: str, folder: Path, failure: Failure) -> Seen:
    """Starts a copy of the product and a run, makes the failure happen, and follows the run to its end."""
    failure.before(cluster, namespace)
    environ = dict(failure.environ)
    if failure.limited:
        _bind(cluster, namespace)
        environ["KUBECONFIG"] = str(limited_kubeconfig(cluster, namespace, folder))
    with product_on(cluster, namespace, folder / "copy", **environ) as product:
        endpoint = endpoints_for_pods(product, cluster, failure.name)["GET /products"]["id"]
        stages = [{"duration": failure.load, "target": failure.users}]
        asked = {"name": "Load", "endpoint_id": endpoint, "think_time": 0.02, "stages": stages}
        began = time.monotonic()
        run = product.start(failure.name, [asked], generators=failure.generators)
        if failure.during:
            product.wait(run, lambda one: one["status"] == "running" and one["total_requests"] != 0, within=60)
            time.sleep(2)
            began = time.monotonic()
            failure.during(cluster, namespace)
        return _followed(product, cluster, namespace, run, failure, began)


def _followed(product: Product, cluster: Cluster, namespace: str, run: int, failure: Failure, began: float) -> Seen:
    told: dict[str, tuple[float, str, str]] = {}
    mended = failure.during is None
    while True:
        found = product.details(run)
        for reason in [*([found["trouble"]] if found["trouble"] else []), *found["reasons"], *_why(found)]:
            told.setdefault(reason["code"], (time.monotonic() - began, reason["message"], reason["detail"]))
        if not mended and time.monotonic() - began > failure.lasts:
            failure.after(cluster, namespace)
            mended = True
        if mended and found["status"] in FINISHED:
            break
        assert time.monotonic() - began < 240, found
        time.sleep(QUIET)
    seconds, sentence, event = told.get(failure.code, (999.0, "", ""))
    counts = product.demo.get("/__counts").json()["endpoints"]
    return Seen(
        failure.name,
        sentence,
        event,
        tuple(told),
        seconds,
        found["status"],
        found["outcome"] or "",
        counts.get("GET /products", {}).get("total", 0),
        found["total_requests"] or 0,
        failure.users,
    )


def _why(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The reason that is told within `pods_not_ready`, and those of single pods."""
    return [one["trouble"] for one in found["generators"] if one.get("trouble")]
