"""The cluster's programs: how each is called, and the files that it reads."""

import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.building import CNI, METRICS, programs
from tests.cluster.certificates import Certificates
from tests.cluster.images import PAUSE_IMAGE
from tests.cluster.network import SERVICE_RANGE, Network

NODE = "metricvault-node"
CONTAINERD = "/run/containerd/containerd.sock"  # inside the cluster's mount namespace
NOWHERE = "http://127.0.0.1:1"  # every registry: a pull is refused at once and asks nobody outside
ADMISSION = "NodeRestriction"  # beside those that are on anyway: PodSecurity, ResourceQuota, LimitRanger, ...


@dataclass(frozen=True, slots=True)
class Parts:
    """`ports`: etcd, etcd-peer, metrics; the API server's is the network's."""

    folder: Path
    network: Network
    certificates: Certificates
    ports: dict[str, int]
    cgroup: str

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.network.api_port}"

    def write_files(self) -> None:
        for name in ("controller-manager", "scheduler", "kubelet", "metrics-server"):
            self._private(f"{name}.kubeconfig", self.certificates.kubeconfig(name, self.server))
        self._private("kubeconfig", self.certificates.kubeconfig("admin", self.server))
        (self.folder / "containerd.toml").write_text(self._containerd_file())
        (self.folder / "kubelet.json").write_text(json.dumps(self._kubelet_file(), indent=1))
        self.network.plugins_file(self.folder / "cni", "/run/cni")
        registries = self.folder / "registries" / "_default"
        registries.mkdir(parents=True)
        host = f'server = "{NOWHERE}"\n[host."{NOWHERE}"]\n  capabilities = ["pull", "resolve"]\n'
        (registries / "hosts.toml").write_text(host)

    def command(self, name: str) -> list[str]:
        """The command line of a part: etcd, containerd, kube-apiserver, ..."""
        return {
            "etcd": self._etcd,
            "containerd": self._containerd,
            "kube-apiserver": self._api_server,
            "kube-controller-manager": self._controller_manager,
            "kube-scheduler": self._scheduler,
            "kubelet": self._kubelet,
            "metrics-server": self._metrics_server,
        }[name]()

    def _private(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _etcd(self) -> list[str]:
        clients, peers = (f"http://127.0.0.1:{self.ports[name]}" for name in ("etcd", "etcd-peer"))
        place = ["--data-dir=/run/etcd", "--logger=zap", "--log-level=warn"]
        mine = [f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"]
        others = [f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"]
        return ["etcd", *place, *mine, *others, f"--initial-cluster=default={peers}"]

    def _containerd(self) -> list[str]:
        return ["containerd", "--config", str(self.folder / "containerd.toml")]

    def _api_server(self) -> list[str]:
        made = self.certificates
        return [
            str(programs() / "kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self.ports['etcd']}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.network.api_port}",
            f"--advertise-address={self.network.host_address}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--authorization-mode=Node,RBAC",
            f"--enable-admission-plugins={ADMISSION}",
            f"--client-ca-file={made.crt('ca')}",
            f"--tls-cert-file={made.crt('apiserver')}",
            f"--tls-private-key-file={made.key('apiserver')}",
            f"--kubelet-certificate-authority={made.crt('ca')}",
            f"--kubelet-client-certificate={made.crt('apiserver-to-kubelet')}",
            f"--kubelet-client-key={made.key('apiserver-to-kubelet')}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-signing-key-file={made.key('tokens')}",
            f"--service-account-key-file={made.folder / 'tokens.pub'}",
            f"--requestheader-client-ca-file={made.crt('front-proxy-ca')}",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={made.crt('front-proxy')}",
            f"--proxy-client-key-file={made.key('front-proxy')}",
        ]

    def _controller_manager(self) -> list[str]:
        return [
            str(programs() / "kube-controller-manager"),
            f"--kubeconfig={self.folder / 'controller-manager.kubeconfig'}",
            "--secure-port=0",
            "--leader-elect=false",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={self.certificates.key('tokens')}",
            f"--root-ca-file={self.certificates.crt('ca')}",
        ]

    def _scheduler(self) -> list[str]:
        config = f"--kubeconfig={self.folder / 'scheduler.kubeconfig'}"
        return [str(programs() / "kube-scheduler"), config, "--secure-port=0", "--leader-elect=false"]

    def _kubelet(self) -> list[str]:
        return [
            str(programs() / "kubelet"),
            f"--config={self.folder / 'kubelet.json'}",
            f"--kubeconfig={self.folder / 'kubelet.kubeconfig'}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'kubelet'}",
            f"--hostname-override={NODE}",
            f"--node-ip={self.network.host_address}",
        ]

    def _metrics_server(self) -> list[str]:
        made, config = self.certificates, self.folder / "metrics-server.kubeconfig"
        return [
            str(programs() / METRICS),
            *(f"--{whose}kubeconfig={config}" for whose in ("", "authentication-", "authorization-")),
            f"--kubelet-certificate-authority={made.crt('ca')}",
            "--kubelet-preferred-address-types=InternalIP",
            "--metric-resolution=10s",
            "--kubelet-request-timeout=8s",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.ports['metrics']}",
            f"--tls-cert-file={made.crt('metrics-server-serving')}",
            f"--tls-private-key-file={made.key('metrics-server-serving')}",
        ]

    def metrics_manifests(self) -> list[dict[str, Any]]:
        """What leads the API server to metrics-server: by a name, for there is nobody here who leads ClusterIPs."""
        place = {"name": "metrics-server", "namespace": "kube-system"}
        by_name = {"type": "ExternalName", "externalName": "localhost"}
        group = {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": {**place, "port": self.ports["metrics"]},
            "caBundle": b64encode(Path(self.certificates.crt("ca")).read_bytes()).decode(),
        }
        name = {"name": "v1beta1.metrics.k8s.io"}
        return [
            {"apiVersion": "v1", "kind": "Service", "metadata": place, "spec": by_name},
            {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": name, "spec": group},
        ]

    def _kubelet_file(self) -> dict[str, Any]:
        """What differs from what a kubelet does by itself."""
        made = self.certificates
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self.network.host_address,
            "healthzPort": 0,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": made.crt("ca")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": made.crt("kubelet-server"),
            "tlsPrivateKeyFile": made.key("kubelet-server"),
            "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "volumePluginDir": str(self.folder / "kubelet" / "volume-plugins"),
            # Nobody answers there, at once. Without an address every pod would get an event about its want of DNS.
            "clusterDNS": [self.network.host_address],
            "clusterDomain": "cluster.local",
            "resolvConf": "",
            # Images cannot be had again, and a full disk is not what the tests are about.
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "100Mi", "imagefs.available": "100Mi"},
        }

    def _containerd_file(self) -> str:
        """`disabled_plugins`: snapshotters that this machine has no file system for. `restrict_oom_score_adj`: root
        without CAP_SYS_RESOURCE, as on virtual machines for CI, may not make itself harder to kill than it is."""
        cri = 'plugins."io.containerd.grpc.v1.cri"'
        return f"""version = 2
root = "{self.folder}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "{CONTAINERD}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{self.folder}/containerd/opt"
[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = true
  [{cri}.cni]
    bin_dir = "{CNI}"
    conf_dir = "{self.folder}/cni"
  [{cri}.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [{cri}.registry]
    config_path = "{self.folder}/registries"
"""
