"""k6 as pods of one Indexed Job: one load, many generators.

A job is a Job of that name. Pods come up paused; `begin` starts them all at once through their REST API and notes it
on the Job. Every question is answered from the cluster alone, so any worker may ask.
"""

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop as N_

from history.metrics.summary import find
from loadtests.runners.base import LOG_END, Door, Generator, LaunchSpec, Logs, Progress, RunnerError, check_job_name
from loadtests.runners.cluster_api import AlreadyThere, ClusterApi, NotThere
from loadtests.runners.diagnosis import BEGUN, INDEX, age, progress_of, usage
from loadtests.runners.manifests import (
    SELECTOR,
    JobSpec,
    Json,
    Placement,
    build_config,
    build_job,
    build_secret,
    carrier,
)
from loadtests.runners.pod_logs import ends, merged
from loadtests.runners.pod_rest import PodRest

STOPPING = "metricvault/stopping"  # an annotation of the Job: when the load was told to stop
_GRACE = 8.0  # seconds after which a pod that was told to stop is ended
_STILLBORN = 30.0  # seconds within which a Job must have got its script and its go
_AT_ONCE = 32
_NO_JOB = "metricvault-looks"
_LONGEST_LOG = 32 * 1024 * 1024  # bytes
_LAST_LINES = 2000
_LAST_SHOWN = 200  # lines


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What is set for all runs. `volume`: the claim of K6_DEFAULT_PVC; `volume_folder`: where this process sees it.
    `kept`: seconds after which the cluster itself deletes a Job that is over. `access`: "proxy" or "direct"."""

    kubeconfig: str
    namespace: str
    placement: Placement
    access: str
    kept: int
    volume: str = ""
    volume_folder: Path | None = None


class KubernetesRunner:
    """Runs k6 on a cluster. See `Runner`."""

    def __init__(self, options: ClusterOptions) -> None:
        self._options = options
        self._api = ClusterApi(options.kubeconfig, options.namespace)
        self._jobs = f"/apis/batch/v1/namespaces/{options.namespace}/jobs"
        self._core = f"/api/v1/namespaces/{options.namespace}"
        self._rest = PodRest(self._api, options.access)

    def launch(self, spec: LaunchSpec) -> None:
        """Makes the Job, what it owns, and lets it go; what is there already is left as it is."""
        job_spec = self._job_spec(spec)
        path = f"{self._jobs}/{spec.job_name}"
        try:
            job = self._api.create(self._jobs, build_job(job_spec))
        except AlreadyThere:
            job = self._api.get(path)
        if job["spec"].get("backoffLimitPerIndex") != 0:
            self.cleanup(spec.job_name)
            raise RunnerError(N_("The cluster is too old: Kubernetes 1.29 or newer is needed."), permanent=True)
        if not job["spec"].get("suspend"):
            return
        if not job_spec.volume:
            self._ensure(f"{self._core}/configmaps", build_config(job_spec, spec.all_files, job))
        self._ensure(f"{self._core}/secrets", build_secret(job_spec, spec.environment, job))
        self._api.patch(path, {"spec": {"suspend": False}})

    def poll(self, job_name: str) -> Progress:
        """From the Job, its pods and, where pods are missing, its events."""
        try:
            job = self._api.get(f"{self._jobs}/{check_job_name(job_name)}")
        except NotThere:
            return Progress("absent", None, 0, 0, 0, "")
        pods = self._pods(job_name)
        stopping = STOPPING in _annotations(job)
        if job["spec"].get("suspend") and not stopping:
            stale = age(job, datetime.now(UTC)) > _STILLBORN
            return Progress("absent" if stale else "waiting", None, int(job["spec"]["completions"]), 0, 0, "")
        events = self._events(job_name) if len(pods) < int(job["spec"]["completions"]) else []
        found = progress_of(job, pods, events, stopping)
        if found.phase == "running":
            found = self._measured(job_name, found)
        return found

    def begin(self, job_name: str) -> None:
        """Tells all pods at the same moment, then notes it on the Job. A pod that began already is left alone."""
        pods = self._pods(check_job_name(job_name))
        with ThreadPoolExecutor(min(_AT_ONCE, max(1, len(pods)))) as threads:
            list(threads.map(self._rest.warm_up, pods))  # connections are made before, so that nobody waits for them
            list(threads.map(self._rest.resume, pods))
        # A pod that is gone by now is found by the next look, as one that was lost.
        self._note(job_name, BEGUN)

    def logs(self, job_name: str) -> Logs:
        """Of all pods, one after another; a pod whose machine is silent is named instead."""
        pods = self._pods(check_job_name(job_name))
        with ThreadPoolExecutor(8) as threads:
            return merged(list(threads.map(self._log, pods)))

    def log_tail(self, job_name: str) -> str:
        """The last lines of each pod that has begun; of others there is nothing to read."""
        pods = [pod for pod in self._pods(check_job_name(job_name)) if pod["status"].get("phase") != "Pending"]
        with ThreadPoolExecutor(8) as threads:
            return ends(list(threads.map(self._log_end, pods)), LOG_END)

    def dashboard(self, job_name: str, instance: str) -> Door:
        """That of the pod of that index."""
        for pod in self._pods(check_job_name(job_name)):
            if _annotations(pod).get(INDEX) == instance and pod["status"].get("phase") == "Running":
                return self._rest.door(pod)
        raise RunnerError(N_("No open port of this generator is known here."), permanent=False)

    def stop(self, job_name: str) -> None:
        """Tells every k6 through its REST API; called again after 8 s it ends the pods that are left. Pods that have
        not begun are ended at once: they have nothing to say, and others must not come up after them."""
        try:
            job = self._api.get(f"{self._jobs}/{check_job_name(job_name)}")
        except NotThere:
            return
        told = _annotations(job).get(STOPPING)
        if not told:
            self._note(job_name, STOPPING)
        if not _annotations(job).get(BEGUN) or (told and _seconds_since(told) > _GRACE):
            if not job["spec"].get("suspend"):
                self._api.patch(f"{self._jobs}/{job_name}", {"spec": {"suspend": True}})
            return
        alive = [pod for pod in self._pods(job_name) if pod["status"].get("phase") == "Running"]
        if alive:
            with ThreadPoolExecutor(min(_AT_ONCE, len(alive))) as threads:
                list(threads.map(self._rest.stop, alive))

    def cleanup(self, job_name: str) -> None:
        """Deletes the Job, and with it everything that it owns; data that it read from a volume, too."""
        self._api.delete(f"{self._jobs}/{check_job_name(job_name)}", propagationPolicy="Background")
        if self._options.volume and self._options.volume_folder:
            shutil.rmtree(self._options.volume_folder / job_name, ignore_errors=True)

    def check(self, *, to_launch: bool = True) -> str:
        """The cluster's version, after looking whether it lets us make what a load needs, or, not `to_launch`, whether
        it shows us our Jobs: a web process may not do more."""
        version = self._api.get("/version").get("gitVersion", "?")
        if not to_launch:
            with suppress(NotThere):  # the answer is that we may ask
                self._api.get(f"{self._jobs}/{_NO_JOB}")
            return f"Kubernetes {version}"
        for group, resource in (("batch", "jobs"), ("", "configmaps"), ("", "secrets")):
            asked = {"namespace": self._api.namespace, "verb": "create", "group": group, "resource": resource}
            body = {"spec": {"resourceAttributes": asked}}
            answer = self._api.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
            if not answer.get("status", {}).get("allowed"):
                message = N_("In namespace %(namespace)s it is not allowed to make %(resource)s.")
                raise RunnerError(message, permanent=True, namespace=self._api.namespace, resource=resource)
        return f"Kubernetes {version}, namespace {self._api.namespace}, {self._options.placement.image}"

    def jobs(self) -> list[str]:
        """The Jobs of the namespace that are ours by label."""
        found = self._api.get(self._jobs, labelSelector=SELECTOR, limit="5000")
        return [str(job["metadata"]["name"]) for job in found["items"]]

    def _job_spec(self, spec: LaunchSpec) -> JobSpec:
        how, volume = carrier(spec.all_files.values()), self._options.volume
        if how == "volume" and not volume:
            message = N_(
                "The script and its data have %(size)s KB, more than a cluster keeps by itself. Set K6_DEFAULT_PVC."
            )
            size = sum(len(text.encode()) for text in spec.all_files.values())
            raise RunnerError(message, permanent=True, size=size // 1024)
        if how == "volume":
            self._write_to_volume(spec)
        return JobSpec(
            name=check_job_name(spec.job_name),
            run=spec.run,
            generators=spec.generators,
            script_file=spec.script_file,
            arguments=spec.arguments,
            placement=replace(self._options.placement, **spec.placement),  # type: ignore[arg-type]
            longest=int(spec.longest),
            kept=self._options.kept,
            volume=volume if how == "volume" else "",
            folder=_folder_of(spec) if how == "volume" else "",
            packed=how == "packed",
        )

    def _write_to_volume(self, spec: LaunchSpec) -> None:
        folder = self._options.volume_folder
        assert folder is not None
        try:
            (folder / _folder_of(spec)).mkdir(parents=True, exist_ok=True)
            for name, text in spec.all_files.items():
                (folder / _folder_of(spec) / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise RunnerError(N_("%(path)s cannot be written."), permanent=False, path=folder) from error

    def _ensure(self, path: str, body: Json) -> None:
        try:
            self._api.create(path, body)
        except AlreadyThere:
            return

    def _note(self, job_name: str, annotation: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._api.patch(f"{self._jobs}/{job_name}", {"metadata": {"annotations": {annotation: now}}})

    def _pods(self, job_name: str) -> list[Json]:
        items = self._api.get(f"{self._core}/pods", labelSelector=f"job-name={job_name}")["items"]
        return sorted(items, key=lambda pod: int(_annotations(pod).get(INDEX, 0)))

    def _events(self, job_name: str) -> list[Json]:
        chosen = f"involvedObject.kind=Job,involvedObject.name={job_name}"
        try:
            return list(self._api.get(f"{self._core}/events", fieldSelector=chosen)["items"])
        except RunnerError as error:
            if not error.permanent:
                raise
            return []  # who may not read events is told less, but told

    def _log(self, pod: Json) -> tuple[str, str]:
        """A pod's index and its log: the beginning and the end of it."""
        index, path = str(_annotations(pod).get(INDEX, "0")), f"{self._core}/pods/{pod['metadata']['name']}/log"
        try:
            log = self._api.text(path, container="k6", limitBytes=str(_LONGEST_LOG))
            if len(log.encode()) >= _LONGEST_LOG and not find(log):  # what k6 says last is its summary
                log += "\n" + self._api.text(path, container="k6", tailLines=str(_LAST_LINES))
            return index, log
        except RunnerError as error:
            return index, f"[{pod['metadata']['name']}: {error}]\n"

    def _log_end(self, pod: Json) -> tuple[str, str]:
        index, path = str(_annotations(pod).get(INDEX, "0")), f"{self._core}/pods/{pod['metadata']['name']}/log"
        try:
            return index, self._api.text(path, timeout=3.0, container="k6", tailLines=str(_LAST_SHOWN))
        except RunnerError as error:
            if error.permanent:
                raise
            return index, f"[{pod['metadata']['name']}: {error}]\n"

    def _measured(self, job_name: str, progress: Progress) -> Progress:
        """With CPU and memory, where the cluster has a metrics-server."""
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{self._api.namespace}/pods"
        try:
            used = usage(self._api.get(path, timeout=3.0, labelSelector=f"job-name={job_name}"))
        except RunnerError:
            return progress
        return replace(progress, generators=tuple(_using(one, used) for one in progress.generators))


def _folder_of(spec: LaunchSpec) -> str:
    """Of the volume, which all runs share: names of data files are not one run's alone."""
    return check_job_name(spec.job_name) if spec.files else ""


def _using(one: Generator, used: Mapping[str, tuple[float | None, int | None]]) -> Generator:
    cpu, memory = used.get(one.name, (None, None))
    return replace(one, cpu=cpu, memory=memory)


def _seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()


def _annotations(thing: Json) -> Any:
    return thing["metadata"].get("annotations") or {}
