"""Manifests for tests of the cluster: what a pod of k6 looks like where restricted pods only are accepted."""

from typing import Any

from tests.cluster.images import K6_IMAGE, K6_USER


def k6_pod_spec(arguments: list[str], **container: Any) -> dict[str, Any]:
    """Non-root, without privileges, on a read-only root with a /tmp to write to. `container`: more of the container."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    k6 = {
        "name": "k6",
        "image": K6_IMAGE,
        "args": arguments,
        "securityContext": security,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        **container,
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": K6_USER,
            "fsGroup": K6_USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [k6],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def job(name: str, pod: dict[str, Any], pods: int = 1) -> dict[str, Any]:
    """An indexed Job that tries nothing twice."""
    spec = {
        "completionMode": "Indexed",
        "completions": pods,
        "parallelism": pods,
        "backoffLimit": 0,
        "template": {"metadata": {"labels": {"job": name}}, "spec": pod},
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
