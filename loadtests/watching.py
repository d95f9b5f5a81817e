"""Hears of changes in the cluster as they happen, so that a run is looked after at once and not at the next sweep.

List, then watch from the list's version; where that is too old (410) list again. It only calls `watch_run`, which looks
for itself: a change that is missed, or heard by several workers, costs nothing. The sweep stays what can be relied on.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.conf import settings

from loadtests.runners import KUBERNETES, RunnerError
from metricvault.lib.telemetry import about

logger = logging.getLogger(__name__)
WINDOW = 60  # seconds of one watch
_PAUSE = 5.0  # after an error
_SHORT = 1.0  # seconds that a watch lasts at least, where all is well
_AT_MOST_EVERY = 0.5  # seconds between two looks at the same run


class Watcher:
    """`tell(run_id, seconds)`: a pod of the run changed; look in so many seconds. Twice a second and run at most, and
    always once after the last change. `watch_once` is one round."""

    def __init__(self, tell: Callable[[int, float], None]) -> None:
        self._tell = tell
        self._next: dict[int, float] = {}  # when the last look that was asked for takes place (monotonic)
        self.ended = threading.Event()

    def run(self) -> None:
        """Until `ended`. An API server that is away is asked again every few seconds."""
        while not self.ended.is_set():
            try:
                self.watch_once()
            except RunnerError as error:
                logger.warning("the cluster is not watched: %s", error)
                self.ended.wait(_PAUSE)
            except Exception:
                logger.exception("the cluster is not watched")
                self.ended.wait(_PAUSE)

    def watch_once(self) -> None:
        """Lists the pods, tells of each run, then hears changes for `WINDOW` seconds."""
        from loadtests.runners.cluster_api import ClusterApi, Gone
        from loadtests.runners.manifests import SELECTOR

        api = ClusterApi(settings.KUBECONFIG, settings.KUBERNETES_NAMESPACE)
        path = f"/api/v1/namespaces/{settings.KUBERNETES_NAMESPACE}/pods"
        found = api.get(path, labelSelector=SELECTOR)
        for pod in found["items"]:
            self._take(pod)
        version = str(found["metadata"]["resourceVersion"])
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                for change in api.watch(path, version, WINDOW, labelSelector=SELECTOR):
                    version = str(change["object"]["metadata"].get("resourceVersion", version))
                    if change["type"] != "BOOKMARK":
                        self._take(change["object"])
                    if self.ended.is_set():
                        return
            except Gone:
                return
            if time.monotonic() - began < _SHORT:
                self.ended.wait(_PAUSE)  # somebody in between does not let watches last

    def _take(self, pod: dict[str, object]) -> None:
        from loadtests.runners.manifests import RUN_LABEL

        labels = pod["metadata"].get("labels", {})  # type: ignore[attr-defined]
        run, now = str(labels.get(RUN_LABEL, "")), time.monotonic()
        if not run.isdecimal() or self._next.get(int(run), 0.0) > now:
            return  # the look that is to come sees this change, too
        wait = max(0.0, self._next.get(int(run), 0.0) + _AT_MOST_EVERY - now)
        self._next[int(run)] = now + wait
        with about(run=int(run)):
            self._tell(int(run), wait)


def start(tell: Callable[[int, float], None]) -> Watcher | None:
    """A watcher in a thread of this process; None where load is not made on a cluster."""
    if settings.METRICVAULT_RUNNER != KUBERNETES:
        return None
    watcher = Watcher(tell)
    threading.Thread(target=watcher.run, name="cluster-watcher", daemon=True).start()
    return watcher
