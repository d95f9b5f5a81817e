"""A running cluster as tests see it: its addresses, kubectl, and the ways to break it."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.building import programs
from tests.cluster.certificates import Certificates
from tests.cluster.network import Network
from tests.cluster.parts import NODE, Parts
from tests.cluster.record import Record

READY_WITHIN = 90.0
# What the namespaces of careful companies ask of every pod.
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


class ClusterError(AssertionError):
    """Something of the cluster did not do what it should, with the last words of the program."""


class Cluster:
    """Made by `running_cluster` and `attach`."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.network = Network(record.number, record.ports["api"])
        certificates = Certificates(record.folder / "pki")
        self.parts = Parts(record.folder, self.network, certificates, record.ports, record.cgroup)

    @property
    def kubeconfig(self) -> Path:
        """Of an administrator, who may do anything."""
        return self.record.folder / "kubeconfig"

    @property
    def server(self) -> str:
        """`https://127.0.0.1:PORT`"""
        return self.parts.server

    @property
    def host_address(self) -> str:
        """This machine as pods see it: what listens on 127.0.0.1:PORT here is http://host_address:PORT there."""
        return self.network.host_address

    def log(self, name: str) -> str:
        """What a part has said: etcd, containerd, kube-apiserver, kubelet, ..."""
        path = self.record.folder / "log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        """What kubectl prints, as an administrator. ClusterError with its complaint where it fails and `check`."""
        command = self.kubectl_command(*arguments)
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def kubectl_command(self, *arguments: str) -> list[str]:
        """For those who start it themselves."""
        return [str(programs() / "kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments]

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Makes or changes objects."""
        self.kubectl("apply", "--filename=-", stdin="\n---\n".join(json.dumps(one) for one in manifests))

    def get(self, *arguments: str) -> dict[str, Any]:
        """`get("pod", "NAME", "--namespace=NS")`, read from JSON."""
        return dict(json.loads(self.kubectl("get", *arguments, "--output=json")))

    def allocatable(self) -> dict[str, str]:
        """What the node has for pods: `{"cpu": "2", "memory": "24000000Ki", "pods": "110", ...}`."""
        return dict(self.get("node", NODE)["status"]["allocatable"])

    def events(self, namespace: str) -> list[dict[str, Any]]:
        """Of a namespace, oldest first."""
        return list(self.get("events", f"--namespace={namespace}", "--sort-by=.lastTimestamp")["items"])

    def new_namespace(self, name: str, labels: dict[str, str] = RESTRICTED) -> str:
        """A namespace that pods can be made in at once; by default it accepts restricted pods only."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        self.wait_for_account(name)
        return name

    def delete_namespace(self, name: str) -> None:
        """With all that is in it; pods are killed at once, and the rest goes within seconds."""
        inside = f"--namespace={name}"
        self.kubectl("delete", "jobs", "--all", inside, "--cascade=orphan")
        self.kubectl("delete", "pods", "--all", inside, "--force", "--grace-period=0")
        self.kubectl("delete", "namespace", name, "--wait=false")

    @contextmanager
    def namespace(self, name: str, labels: dict[str, str] = RESTRICTED) -> Iterator[str]:
        """`new_namespace`, deleted in the end."""
        yield self.new_namespace(name, labels)
        self.delete_namespace(name)

    def kill_kubelet(self) -> None:
        """SIGKILL. Its containers run on; the node is called not ready after 50 s."""
        self.kill("kubelet")

    def start_kubelet(self) -> None:
        """Returns when the node is ready again. Twice is once."""
        self.start("kubelet")
        self.wait_for_node()

    def stop_api_server(self) -> None:
        """SIGKILL: connections are refused."""
        self.kill("kube-apiserver")

    def start_api_server(self) -> None:
        """Returns when it answers. Twice is once."""
        self.start("kube-apiserver")
        self.wait_for_api_server()

    def pause_api_server(self) -> None:
        """SIGSTOP: it takes connections and says nothing."""
        self.record.processes["kube-apiserver"].signal(signal.SIGSTOP)

    def resume_api_server(self) -> None:
        """The reverse of `pause_api_server`."""
        self.record.processes["kube-apiserver"].signal(signal.SIGCONT)
        self.wait_for_api_server()

    def repair(self) -> None:
        """Starts and resumes what a test left dead or paused."""
        for name, process in self.record.processes.items():
            process.signal(signal.SIGCONT)
            self.start(name)
        self.wait_for_api_server()
        self.wait_for_node()

    def start(self, name: str) -> None:
        """Starts a part that does not run; what it says goes to log/NAME.log."""
        running = self.record.processes.get(name)
        if running is None or not running.is_alive():
            log = self.record.folder / "log" / f"{name}.log"
            self.record.processes[name] = self.record.space.start(self.parts.command(name), log)
            self.record.save()

    def kill(self, name: str) -> None:
        """SIGKILL; returns when the part is gone."""
        self.record.processes[name].kill()

    def inside(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command in the cluster's namespaces, where containerd's socket is."""
        return subprocess.run(self.record.space.inside([*command]), capture_output=True, text=True, check=False)

    def wait_for_api_server(self) -> None:
        self.until(lambda: self._raw("/readyz") == "ok", "the API server answers", "kube-apiserver")

    def wait_for_node(self) -> None:
        """Ready, and free of the taints of a node that is not."""

        def is_ready() -> bool:
            node = json.loads(self._raw(f"/api/v1/nodes/{NODE}") or "{}")
            conditions = {one["type"]: one["status"] for one in node.get("status", {}).get("conditions", [])}
            if conditions.get("Ready") != "True" or node["spec"].get("taints"):
                return False
            return self._raw(f"/api/v1/nodes/{NODE}/proxy/healthz") == "ok"  # a dead one is called ready for 50 s

        self.until(is_ready, "the node is ready", "kubelet")

    def wait_for_account(self, namespace: str) -> None:
        """Until a namespace has the service account that pods run as."""
        account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        self.until(lambda: bool(self._raw(account)), f"{namespace} has an account", "kube-controller-manager")

    def _raw(self, path: str) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.kubectl("get", "--raw", path, "--request-timeout=3s", check=False)
        return ""

    def until(self, is_so: Callable[[], bool], what: str, part: str = "", within: float = READY_WITHIN) -> None:
        """Waits; ClusterError with the last words of `part` where it takes too long or that part has died."""
        end = time.monotonic() + within
        while not is_so():
            process = self.record.processes.get(part)
            if time.monotonic() > end or (process is not None and not process.is_alive()):
                raise ClusterError(f"Not so: {what}\n{self.log(part)[-4000:]}")
            time.sleep(0.1)
