"""A real Kubernetes of one node for the tests: `make cluster`, `make test-cluster`, `python -m tests.cluster`.

etcd, kube-apiserver, kube-controller-manager, kube-scheduler, containerd and kubelet, in namespaces of their own, with
nothing from outside but Debian's packages and the Go module k8s.io/kubernetes. CONTRIBUTING.md says how to use it.
There is no DNS, no kube-proxy (so no ClusterIP but that of the API server), no metrics-server and no registry.
"""

from tests.cluster.cluster import RESTRICTED, Cluster, ClusterError
from tests.cluster.images import K6_IMAGE
from tests.cluster.parts import NODE
from tests.cluster.starting import attach, running_cluster

__all__ = ["K6_IMAGE", "NODE", "RESTRICTED", "Cluster", "ClusterError", "attach", "running_cluster"]
