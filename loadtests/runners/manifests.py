"""What the cluster is asked for, as plain objects of the Kubernetes API. Pure: same spec, same objects.

    Job (Indexed: one pod a load generator, one execution segment each)
      ├─ owns ConfigMap: the script, its data (or the volume of K6_DEFAULT_PVC)
      └─ owns Secret: k6's environment, the run's token among it

The Job is made first and suspended, so that what it owns can name it and is deleted with it.
Source: Kubernetes API reference, batch/v1 Job and core/v1; the restricted Pod Security Standard.
"""

import base64
import gzip
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

API_PORT, DASHBOARD_PORT = 6565, 5665  # the second as in loadtests.k6.dashboard
RUN_LABEL = "metricvault/run"
MANAGED = {"app.kubernetes.io/name": "metricvault-k6", "app.kubernetes.io/managed-by": "metricvault"}
SELECTOR = ",".join(f"{name}={value}" for name, value in MANAGED.items())
MOST_CONFIG = 1_000_000  # bytes; the API server takes 1,048,576 with everything around it
GRACE = 8  # seconds from a stop to SIGKILL, as on this machine
_SCRIPTS, _SCRATCH = "/scripts", "/tmp"  # noqa: S108  # nosec B108  # inside of the pod
_USER = 12345  # grafana/k6's own
_INDEX = "$(JOB_COMPLETION_INDEX)"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where pods run and what they may take. Quantities as Kubernetes writes them (`500m`, `1Gi`); "" asks for none."""

    image: str
    cpu_request: str = ""
    cpu_limit: str = ""
    memory_request: str = ""
    memory_limit: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    service_account: str = ""
    pull_secrets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One load: `arguments` are k6's without the script. `volume`: the claim that holds the script, in `folder` of it,
    "" where a ConfigMap carries it, `packed` where that is compressed. `longest` and `kept` in seconds."""

    name: str
    run: str
    generators: int
    script_file: str
    arguments: tuple[str, ...]
    placement: Placement
    longest: int
    kept: int
    volume: str = ""
    folder: str = ""
    packed: bool = False


def build_job(spec: JobSpec) -> Json:
    """The Job: suspended, each index once and never again."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": spec.name, "labels": _labels(spec)},
        "spec": {
            "suspend": True,
            "completionMode": "Indexed",
            "completions": spec.generators,
            "parallelism": spec.generators,
            # A load is never made twice. With `backoffLimit: 0` alone the first pod that fails makes the cluster
            # kill the others, and their logs with them; so each index counts for itself.
            "backoffLimitPerIndex": 0,
            "backoffLimit": spec.generators,
            "activeDeadlineSeconds": spec.longest,
            "ttlSecondsAfterFinished": spec.kept,
            "template": {"metadata": {"labels": _labels(spec)}, "spec": _pod(spec)},
        },
    }


def build_config(spec: JobSpec, files: Mapping[str, str], owner: Json) -> Json:
    """The ConfigMap with the script and its data, by file name; `owner` is the Job as the cluster keeps it."""
    content: Json = {"data": dict(files)}
    if spec.packed:
        packed = {f"{name}.gz": base64.b64encode(_packed(text)).decode() for name, text in files.items()}
        content = {"binaryData": packed}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _owned(spec, owner), "immutable": True, **content}


def build_secret(spec: JobSpec, environment: Mapping[str, str], owner: Json) -> Json:
    """The Secret with k6's environment."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _owned(spec, owner),
        "immutable": True,
        "stringData": dict(environment),
    }


def carrier(files: Iterable[str]) -> str:
    """How a script and its data travel: "plain" or "packed" in a ConfigMap, else "volume": too large for one."""
    texts = list(files)
    if sum(len(text.encode()) for text in texts) <= MOST_CONFIG:
        return "plain"
    return "packed" if sum(len(base64.b64encode(_packed(text))) for text in texts) <= MOST_CONFIG else "volume"


def cores(quantity: str) -> float | None:
    """`500m` or `2` as cores; `1500000n` too, as metrics-server writes them. None for "" and what is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([num]?)", quantity)
    return float(found[1]) * {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}[found[2]] if found else None


def size(quantity: str) -> int | None:
    """`128Mi`, `1G` or `4096` as bytes; None for "" and what is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(|[kMGT]|[KMGT]i)", quantity)
    if not found:
        return None
    powers = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
    powers |= {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4}
    return int(float(found[1]) * powers[found[2]])


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def _labels(spec: JobSpec) -> dict[str, str]:
    own = {**MANAGED, "app.kubernetes.io/component": "load-generator", RUN_LABEL: spec.run}
    return {**spec.placement.labels, **own}


def _owned(spec: JobSpec, owner: Json) -> Json:
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": spec.name, "uid": owner["metadata"]["uid"]}
    return {"name": spec.name, "labels": _labels(spec), "ownerReferences": [reference]}


def _pod(spec: JobSpec) -> Json:
    placement = spec.placement
    pod: Json = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(spec)],
        "volumes": _volumes(spec),
        # Generators on different machines, where there are some: each has a network card of its own to fill.
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {RUN_LABEL: spec.run}},
            }
        ],
    }
    if spec.packed:
        pod["initContainers"] = [_unpacking(spec)]
    if placement.node_selector:
        pod["nodeSelector"] = dict(placement.node_selector)
    if placement.tolerations:
        pod["tolerations"] = [dict(one) for one in placement.tolerations]
    if placement.service_account:
        pod["serviceAccountName"] = placement.service_account
    if placement.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in placement.pull_secrets]
    return pod


def _container(spec: JobSpec) -> Json:
    folder = _SCRATCH if spec.packed else f"{_SCRIPTS}/{spec.folder}".rstrip("/")
    return {
        "name": "k6",
        "image": spec.placement.image,
        "imagePullPolicy": "IfNotPresent",
        "args": [*(part.replace("{instance}", _INDEX) for part in spec.arguments), f"{folder}/{spec.script_file}"],
        "env": _environment(spec.placement),
        "envFrom": [{"secretRef": {"name": spec.name}}],
        "ports": [
            {"name": "api", "containerPort": API_PORT},
            {"name": "dashboard", "containerPort": DASHBOARD_PORT},
        ],
        "readinessProbe": {
            "httpGet": {"path": "/v1/status", "port": "api"},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 30,
        },
        "resources": _resources(spec.placement),
        "securityContext": _closed(),
        "volumeMounts": [
            {"name": "scripts", "mountPath": _SCRIPTS, "readOnly": True},
            {"name": "scratch", "mountPath": _SCRATCH},
        ],
    }


def _environment(placement: Placement) -> list[Json]:
    """What belongs to the place. Four fifths of its memory: up to there k6 may be lazy about its garbage."""
    found = {"HOME": _SCRATCH, "XDG_CONFIG_HOME": _SCRATCH}
    if limit := size(placement.memory_limit):
        found["GOMEMLIMIT"] = str(limit * 4 // 5)
    return [{"name": name, "value": value} for name, value in found.items()]


def _unpacking(spec: JobSpec) -> Json:
    """k6's own image has a shell and gunzip; ours for tests has a busybox beside k6."""
    command = (
        f'for file in {_SCRIPTS}/*.gz; do name=${{file##*/}}; gunzip -c "$file" > "{_SCRATCH}/${{name%.gz}}"; done'
    )
    return {
        "name": "unpack",
        "image": spec.placement.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", command],
        "resources": _resources(spec.placement),
        "securityContext": _closed(),
        "volumeMounts": [
            {"name": "scripts", "mountPath": _SCRIPTS, "readOnly": True},
            {"name": "scratch", "mountPath": _SCRATCH},
        ],
    }


def _closed() -> Json:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _resources(placement: Placement) -> Json:
    asked = {"cpu": placement.cpu_request, "memory": placement.memory_request}
    most = {"cpu": placement.cpu_limit, "memory": placement.memory_limit}
    found = {
        "requests": {name: value for name, value in asked.items() if value},
        "limits": {name: value for name, value in most.items() if value},
    }
    return {name: values for name, values in found.items() if values}


def _volumes(spec: JobSpec) -> list[Json]:
    scripts: Json = {"name": "scripts", "configMap": {"name": spec.name}}
    if spec.volume:
        claim = {"claimName": spec.volume, "readOnly": True}
        scripts = {"name": "scripts", "persistentVolumeClaim": claim}
    return [scripts, {"name": "scratch", "emptyDir": {"sizeLimit": "256Mi"}}]
