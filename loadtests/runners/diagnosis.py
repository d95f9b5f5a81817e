"""What the cluster says of a Job and its pods -> how far the load is, and what is wrong in a tester's words. Pure.

Reads objects as the API gives them (batch/v1 Job, v1 Pod, v1 Event). A reason's `event` is the cluster's own text.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from history.reasons import Reason, reason
from loadtests.runners.base import Generator, GeneratorPhase, Phase, Progress
from loadtests.runners.manifests import Json, cores, size

BEGUN = "metricvault/begun"  # an annotation of the Job: when the generators were told to begin
INDEX = "batch.kubernetes.io/job-completion-index"
_FINE = (0, 99)  # done; thresholds crossed
_STOPPED = (0, 99, 103, 105, 137, 143)  # and what a k6 that was told to stop leaves, or was killed for not stopping
_NO_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
_NO_CONTAINER = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff")


def progress_of(job: Json, pods: Sequence[Json], events: Iterable[Json], stopping: bool = False) -> Progress:
    """How far a job is. `events` are the Job's own; they matter while pods are missing. `stopping`: the load was told
    to stop, so that an early end is no loss."""
    spec, wanted = job["spec"], int(job["spec"]["completions"])
    begun = bool(_annotations(job).get(BEGUN))
    found = _newest(pods, begun, stopping)
    if begun:
        known = {int(one.instance) for one in found}
        found += [_vanished(index, stopping) for index in range(wanted) if index not in known]
        found.sort(key=lambda one: int(one.instance))
    ready = sum(one.phase in ("ready", "running") for one in found)
    failed = sum(one.phase == "lost" for one in found)
    codes = [one.exit_code for one in found]
    phase = _phase(job, found, wanted, begun)
    trouble = next((one.trouble for one in found if one.trouble), None)
    if trouble is None and len(pods) < wanted and not begun and not spec.get("suspend"):
        trouble = _missing(events)
    exit_code = worst(codes) if phase == "finished" else None
    return Progress(phase, exit_code, wanted, ready, failed, "", trouble, tuple(found))


def worst(codes: Sequence[int | None]) -> int | None:
    """One exit code for all generators: any that is not a planned end before 99 before 0; None where one is unknown."""
    odd = [code for code in codes if code not in _FINE]
    if odd:
        return next((code for code in odd if code is not None), None)
    return max((code for code in codes if code is not None), default=None)


def _phase(job: Json, found: Sequence[Generator], wanted: int, begun: bool) -> Phase:
    ended = {one["type"] for one in job.get("status", {}).get("conditions", []) if one.get("status") == "True"}
    over = all(one.phase in ("finished", "lost") for one in found)
    if job["spec"].get("suspend") and over:
        return "finished"  # it was ended before all its pods were there
    if (over and len(found) >= wanted) or ended & {"Complete", "Failed"}:
        return "finished"
    if begun:
        return "running"
    return "ready" if len(found) == wanted and all(one.phase == "ready" for one in found) else "waiting"


def _newest(pods: Sequence[Json], begun: bool, stopping: bool) -> list[Generator]:
    """One generator an index: the pod made last, which carries the number of those before it as restarts."""
    by_index: dict[int, list[Json]] = {}
    for pod in sorted(pods, key=lambda one: str(one["metadata"].get("creationTimestamp", ""))):
        by_index.setdefault(int(_annotations(pod).get(INDEX, 0)), []).append(pod)
    return [_generator(index, same, begun, stopping) for index, same in sorted(by_index.items())]


def _generator(index: int, pods: Sequence[Json], begun: bool, stopping: bool) -> Generator:
    pod = pods[-1]
    status, name = pod.get("status", {}), str(pod["metadata"]["name"])
    container: Json = next(iter(status.get("containerStatuses", [])), {})
    restarts = int(container.get("restartCount") or 0) + len(pods) - 1
    ended = container.get("state", {}).get("terminated")
    trouble = _trouble(pod, container, restarts if begun else 0)
    phase = _generator_phase(pod, ended, container, begun, stopping)
    code = int(ended["exitCode"]) if ended else None
    if phase == "finished" and not stopping and code not in _FINE:
        phase = "lost"
        trouble = trouble or reason("generator_lost", pod=name, exit_code="-" if code is None else code)
    if stopping and (not ended or (code in _STOPPED and ended.get("reason") != "OOMKilled")):
        trouble = None
    if trouble and trouble["code"] == "generator_restarted":
        phase = "lost"
    limits = pod["spec"]["containers"][0].get("resources", {}).get("limits", {})
    return Generator(
        instance=str(index),
        name=name,
        phase=phase,
        node=str(pod["spec"].get("nodeName") or ""),
        restarts=restarts,
        exit_code=code,
        trouble=trouble,
        event=str(trouble["params"].get("event", "")) if trouble else "",
        cpu_limit=cores(str(limits.get("cpu", ""))),
    )


def _generator_phase(pod: Json, ended: Any, container: Json, begun: bool, stopping: bool) -> GeneratorPhase:
    phase = pod.get("status", {}).get("phase")
    if ended or phase in ("Succeeded", "Failed"):
        return "finished"
    if pod["metadata"].get("deletionTimestamp") and begun and not stopping:
        return "lost"
    if phase == "Running" and begun:
        return "running"
    return "ready" if container.get("ready") else "waiting"


def _vanished(index: int, stopping: bool) -> Generator:
    if stopping:  # it did not end by itself, so it was ended
        return Generator(str(index), "", "finished")
    return Generator(str(index), "", "lost", trouble=reason("pod_deleted", pod=f"#{index}"))


def _trouble(pod: Json, container: Json, restarts: int) -> Reason | None:
    """What is wrong with one pod; None where nothing is."""
    status, name = pod.get("status", {}), str(pod["metadata"]["name"])
    conditions = {one["type"]: one for one in status.get("conditions", [])}
    waiting: Json = container.get("state", {}).get("waiting") or {}
    ended: Json = container.get("state", {}).get("terminated") or {}
    spec: Json = pod["spec"]["containers"][0]
    said = str(waiting.get("message") or ended.get("message") or status.get("message") or "")
    if status.get("reason") == "Evicted" or ("DisruptionTarget" in conditions and ended.get("exitCode") != 0):
        why = said or str(conditions.get("DisruptionTarget", {}).get("message", ""))
        return reason("pod_evicted", pod=name, node=str(pod["spec"].get("nodeName") or "-"), event=why)
    if ended.get("reason") == "OOMKilled":
        limit = spec.get("resources", {}).get("limits", {}).get("memory", "-")
        return reason("pod_oom", pod=name, limit=limit, event=said or "OOMKilled, exit code 137")
    if restarts:
        return reason("generator_restarted", pod=name, restarts=restarts, event=said)
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("reason") == "Unschedulable":
        return reason("pod_unschedulable", pod=name, asked=_asked(spec), event=str(scheduled.get("message", "")))
    if waiting.get("reason") in _NO_IMAGE:
        return reason("pod_image", pod=name, image=spec["image"], event=f"{waiting['reason']}: {said}")
    if waiting.get("reason") in _NO_CONTAINER:
        return reason("pod_not_started", pod=name, event=f"{waiting['reason']}: {said}")
    if status.get("phase") == "Unknown" or _unreachable(status, conditions, container):
        node = str(pod["spec"].get("nodeName") or "-")
        return reason("pod_node_lost", pod=name, node=node, event=str(conditions.get("Ready", {}).get("message", "")))
    if pod["metadata"].get("deletionTimestamp") and not ended:
        return reason("pod_deleted", pod=name)
    return None


def _unreachable(status: Json, conditions: Mapping[str, Json], container: Json) -> bool:
    """The cluster marks a pod not ready when its machine falls silent; nobody is left to mark its container so."""
    ready = conditions.get("Ready", {})
    silent = ready.get("status") == "False" and not ready.get("reason")
    return bool(silent and status.get("phase") == "Running" and container.get("ready"))


def _asked(container: Json) -> str:
    requests = container.get("resources", {}).get("requests", {})
    return ", ".join(f"{value} {name}" for name, value in sorted(requests.items())) or "-"


def _missing(events: Iterable[Json]) -> Reason | None:
    """Why the cluster makes no pods for a Job, from its newest warning."""
    warnings = [one for one in events if one.get("type") == "Warning"]
    if not warnings:
        return None
    said = str(max(warnings, key=_when).get("message", ""))
    lower = said.lower()
    if "exceeded quota" in lower or "failed quota" in lower:
        return reason("pod_quota", event=said)
    if "forbidden" in lower and "podsecurity" not in lower and "cannot" in lower:
        return reason("cluster_forbids", event=said)
    return reason("pod_refused", event=said)


def _when(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp", ""))


def usage(metrics: Json) -> dict[str, tuple[float | None, int | None]]:
    """Cores and bytes by pod, from a PodMetricsList of metrics.k8s.io/v1beta1."""
    found = {}
    for pod in metrics.get("items", []):
        own: Json = next((one.get("usage", {}) for one in pod.get("containers", []) if one.get("name") == "k6"), {})
        found[str(pod["metadata"]["name"])] = (cores(str(own.get("cpu", ""))), size(str(own.get("memory", ""))))
    return found


def age(job: Json, now: datetime) -> float:
    """Seconds since the Job was made."""
    made = datetime.fromisoformat(str(job["metadata"]["creationTimestamp"]).replace("Z", "+00:00"))
    return (now - made).total_seconds()


def _annotations(thing: Json) -> Json:
    return thing["metadata"].get("annotations") or {}
