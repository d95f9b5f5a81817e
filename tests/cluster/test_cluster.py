"""The cluster is a real one: what the runner relies on, seen once each."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.cluster import NODE, Cluster, ClusterError
from tests.cluster.building import METRICS, has_metrics
from tests.cluster.pods import job, k6_pod_spec, pod

pytestmark = pytest.mark.needs("cluster", "k6")

# Reads nothing but what is handed to it: the address to ask, and where to say what came.
SCRIPT = """
import http from 'k6/http';
export default function () { console.log('the host says ' + http.get(__ENV.TARGET).body); }
"""

ASKS_THE_API_SERVER = """
import http from 'k6/http';
const token = open('/var/run/secrets/kubernetes.io/serviceaccount/token');
const headers = { Authorization: `Bearer ${token}` };
export const options = { insecureSkipTLSVerify: true };
export default function () {
  const answer = http.get(`https://${__ENV.KUBERNETES_SERVICE_HOST}/api/v1/pods`, { headers });
  console.log(answer.status, answer.json('message'));
}
"""


@pytest.fixture
def host() -> Iterator[int]:
    """A server on this machine's loopback that says hello; its port."""

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def script_volume(cluster: Cluster, namespace: str, script: str = SCRIPT) -> dict[str, Any]:
    """The script as a ConfigMap; the volume that holds it."""
    metadata = {"name": "script", "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"script.js": script}})
    return {"name": "script", "configMap": {"name": "script"}}


def in_namespace(namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def phase(cluster: Cluster, namespace: str, name: str) -> str:
    return str(cluster.get("pod", name, f"--namespace={namespace}")["status"]["phase"])


def test_its_node_is_ready_and_has_this_machine_s_processors(cluster: Cluster) -> None:
    conditions = {one["type"]: one["status"] for one in cluster.get("node", NODE)["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    assert int(cluster.allocatable()["cpu"]) > 0


def test_a_job_of_restricted_k6_pods_reaches_a_server_on_this_machine_s_loopback(
    cluster: Cluster, namespace: str, host: int
) -> None:
    variables = [{"name": "TARGET", "value": f"http://{cluster.host_address}:{host}/"}]
    mounts = [{"name": "tmp", "mountPath": "/tmp"}, {"name": "script", "mountPath": "/script"}]
    arguments = ["run", "--no-usage-report", "--quiet", "--log-output=stdout", "/script/script.js"]
    spec = k6_pod_spec(arguments, env=variables, volumeMounts=mounts)
    spec["volumes"].append(script_volume(cluster, namespace))
    cluster.apply(in_namespace(namespace, job("load", spec, pods=2)))
    inside = f"--namespace={namespace}"
    cluster.kubectl("wait", "--for=condition=complete", "job/load", inside, "--timeout=60s")
    pods = cluster.get("pods", inside, "--selector=job=load")["items"]
    assert len(pods) == 2
    for one in pods:
        log = cluster.kubectl("logs", one["metadata"]["name"], inside)
        assert "the host says hello" in log


def test_the_proxy_of_the_api_server_reaches_a_pod_s_port(cluster: Cluster, namespace: str) -> None:
    arguments = ["run", "--no-usage-report", "--paused", "--address=0.0.0.0:6565", "/script/script.js"]
    spec = k6_pod_spec(
        arguments,
        volumeMounts=[{"name": "script", "mountPath": "/script"}],
        readinessProbe={"httpGet": {"path": "/v1/status", "port": 6565}, "periodSeconds": 1},
    )
    spec["volumes"].append(script_volume(cluster, namespace))
    cluster.apply(in_namespace(namespace, pod("waits", spec)))
    inside = f"--namespace={namespace}"
    cluster.kubectl("wait", "--for=condition=Ready", "pod/waits", inside, "--timeout=60s")
    path = f"/api/v1/namespaces/{namespace}/pods/waits:6565/proxy/v1/status"
    status = json.loads(cluster.kubectl("get", "--raw", path))
    assert status["data"]["attributes"]["paused"] is True
    assert "k6 v1" in cluster.kubectl("exec", "waits", inside, "--", "k6", "version")


def test_a_pod_that_asks_for_more_processors_than_there_are_waits_and_an_event_says_why(
    cluster: Cluster, namespace: str
) -> None:
    spec = k6_pod_spec(["version"], resources={"requests": {"cpu": "400"}})
    cluster.apply(in_namespace(namespace, pod("greedy", spec)))
    cluster.until(lambda: bool(cluster.events(namespace)), "there is an event")
    assert "Insufficient cpu" in cluster.events(namespace)[0]["message"]
    assert phase(cluster, namespace, "greedy") == "Pending"


def test_an_image_that_is_not_there_is_refused_without_asking_anybody_outside(cluster: Cluster, namespace: str) -> None:
    spec = k6_pod_spec(["version"], image="grafana/k6:not-there")
    cluster.apply(in_namespace(namespace, pod("pictureless", spec)))

    def reasons() -> set[str]:
        states = cluster.get("pod", "pictureless", f"--namespace={namespace}")["status"].get("containerStatuses", [])
        return {one["state"].get("waiting", {}).get("reason", "") for one in states}

    cluster.until(lambda: bool(reasons() & {"ErrImagePull", "ImagePullBackOff"}), "the pull has failed")
    said = " ".join(one["message"] for one in cluster.events(namespace))
    assert "127.0.0.1:1: connect: connection refused" in said


def test_a_pod_over_its_memory_is_killed_for_it(cluster: Cluster, namespace: str) -> None:
    limits = {"memory": "20Mi"}
    arguments = ["run", "--no-usage-report", "--vus=50", "--duration=30s", "/script/script.js"]
    mounts = [{"name": "script", "mountPath": "/script"}]
    spec = k6_pod_spec(arguments, resources={"limits": limits}, volumeMounts=mounts)
    spec["volumes"].append(script_volume(cluster, namespace))
    cluster.apply(in_namespace(namespace, pod("thirsty", spec)))
    cluster.until(lambda: phase(cluster, namespace, "thirsty") == "Failed", "the pod has failed")
    (state,) = cluster.get("pod", "thirsty", f"--namespace={namespace}")["status"]["containerStatuses"]
    assert state["state"]["terminated"]["reason"] == "OOMKilled"


def test_a_pod_that_wants_to_be_root_is_refused(cluster: Cluster, namespace: str) -> None:
    spec = k6_pod_spec(["version"]) | {"securityContext": {"runAsUser": 0}}
    with pytest.raises(ClusterError, match=r"violates PodSecurity \"restricted"):
        cluster.apply(in_namespace(namespace, pod("root", spec)))


def test_the_api_server_and_the_kubelet_can_be_killed_and_come_back(cluster: Cluster, namespace: str) -> None:
    cluster.stop_api_server()
    with pytest.raises(ClusterError, match="refused|reset|EOF"):
        cluster.get("namespace", namespace)
    cluster.start_api_server()
    cluster.kill_kubelet()
    with pytest.raises(ClusterError, match="refused|reset|EOF"):
        cluster.kubectl("get", "--raw", f"/api/v1/nodes/{NODE}/proxy/healthz")
    cluster.start_kubelet()
    assert cluster.get("namespace", namespace)["status"]["phase"] == "Active"


def test_a_pod_with_a_service_account_reaches_the_api_server_and_may_do_nothing(
    cluster: Cluster, namespace: str
) -> None:
    mounts = [{"name": "script", "mountPath": "/script"}]
    spec = k6_pod_spec(["run", "--no-usage-report", "--log-output=stdout", "/script/script.js"], volumeMounts=mounts)
    spec |= {"automountServiceAccountToken": True}
    spec["volumes"].append(script_volume(cluster, namespace, ASKS_THE_API_SERVER))
    cluster.apply(in_namespace(namespace, pod("asks", spec)))
    cluster.until(lambda: phase(cluster, namespace, "asks") == "Succeeded", "the pod is done")
    assert "403 pods is forbidden: User" in cluster.kubectl("logs", "asks", f"--namespace={namespace}")


def test_what_a_pod_uses_is_told_by_the_kubelet(cluster: Cluster) -> None:
    summary = json.loads(cluster.kubectl("get", "--raw", f"/api/v1/nodes/{NODE}/proxy/stats/summary"))
    assert summary["node"]["cpu"]["usageNanoCores"] > 0


def test_what_a_k6_pod_uses_is_told_by_metrics_server(cluster: Cluster, namespace: str) -> None:
    if not has_metrics():
        pytest.skip("needs metrics-server: `make cluster` builds it with Go 1.26")
    mounts = [{"name": "script", "mountPath": "/script"}]
    spec = k6_pod_spec(
        ["run", "--no-usage-report", "--vus=1", "--duration=60s", "/script/script.js"], volumeMounts=mounts
    )
    spec["volumes"].append(script_volume(cluster, namespace, "export default function () {}"))
    cluster.apply(in_namespace(namespace, pod("busy", spec)))
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"

    def used() -> dict[str, str]:
        found = json.loads(cluster.kubectl("get", "--raw", path, check=False) or "{}").get("items", [])
        return dict(found[0]["containers"][0]["usage"]) if found else {}

    cluster.until(lambda: bool(used()), "metrics-server knows the pod", METRICS)
    assert set(used()) == {"cpu", "memory"}
    assert not used()["cpu"].startswith("0")
