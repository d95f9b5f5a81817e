"""What a real cluster said of pods, scene by scene. Made by `bench/record_pods.py`; see there."""

import copy
import json
from pathlib import Path
from typing import Any, TypedDict

FILE = Path(__file__).parent / "pods_seen.json"
Json = dict[str, Any]
_METADATA = ("name", "annotations", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_JOB_SPEC = ("completions", "parallelism", "suspend", "backoffLimit", "backoffLimitPerIndex", "activeDeadlineSeconds")
_EVENT = ("type", "reason", "message", "count", "firstTimestamp", "lastTimestamp", "eventTime")


class Scene(TypedDict):
    """Objects of batch/v1 Job, v1 Pod and v1 Event."""

    job: Json
    pods: list[Json]
    events: list[Json]


def seen(name: str) -> Scene:
    """A scene, to be changed at will."""
    return copy.deepcopy(_scenes()[name])


def shortened(job: Json, pods: list[Json], events: list[Json]) -> Scene:
    """Without what nobody reads."""
    status = {name: value for name, value in job.get("status", {}).items() if name != "uncountedTerminatedPods"}
    kept = {"metadata": _only(job["metadata"], _METADATA), "spec": _only(job["spec"], _JOB_SPEC), "status": status}
    said = [{**_only(one, _EVENT), "metadata": _only(one["metadata"], ("creationTimestamp",))} for one in events]
    return Scene(job=kept, pods=[_pod(one) for one in pods], events=said)


def _scenes() -> dict[str, Scene]:
    found: dict[str, Scene] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def _only(thing: Json, names: tuple[str, ...]) -> Json:
    return {name: thing[name] for name in names if name in thing}


def _pod(pod: Json) -> Json:
    containers = [_only(one, ("name", "image", "resources")) for one in pod["spec"]["containers"]]
    spec = {**_only(pod["spec"], ("nodeName",)), "containers": containers}
    status = _only(pod["status"], ("phase", "reason", "message", "podIP", "startTime"))
    named = ("name", "ready", "restartCount", "started", "state", "lastState")
    status["containerStatuses"] = [_only(one, named) for one in pod["status"].get("containerStatuses", [])]
    wanted = ("type", "status", "reason", "message")
    status["conditions"] = [_only(one, wanted) for one in pod["status"].get("conditions", [])]
    return {"metadata": _only(pod["metadata"], _METADATA), "spec": spec, "status": status}
