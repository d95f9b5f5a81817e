"""k6's REST API in a pod, through the API server or straight at the pod's address.

Source: k6's documentation, "REST API"; `PATCH /v1/status` with `paused` and `stopped`.
"""

from contextlib import suppress

import urllib3
from django.utils.translation import gettext_noop as N_

from loadtests.runners.base import Door, RunnerError
from loadtests.runners.cluster_api import ClusterApi, NotThere
from loadtests.runners.manifests import API_PORT, DASHBOARD_PORT, Json

_STATUS = "v1/status"
_TIMEOUT = 5.0


class PodRest:
    """`access`: "proxy" goes through the API server, "direct" to the pod's address (inside of the cluster)."""

    def __init__(self, api: ClusterApi, access: str) -> None:
        self._api, self._direct = api, access == "direct"
        self._pool = urllib3.PoolManager(maxsize=32, retries=False)

    def warm_up(self, pod: Json) -> None:
        """Makes the connection that `resume` will use."""
        with suppress(NotThere):
            self._status(pod)

    def resume(self, pod: Json) -> None:
        """Lets a paused k6 begin; one that runs is left alone, and so is a pod that is gone."""
        with suppress(NotThere):
            if self._is_paused(pod, self._status(pod)):
                self._set(pod, {"paused": False})

    def stop(self, pod: Json) -> None:
        """Ends k6's load; it prints its summary. One that does not answer (not up yet, over) is left to the cluster."""
        try:
            self._set(pod, {"stopped": True})
        except RunnerError:
            return

    def door(self, pod: Json) -> Door:
        """The way to k6's web dashboard."""
        if self._direct:
            return Door(str(pod["status"].get("podIP", "")), DASHBOARD_PORT)
        name = pod["metadata"]["name"]
        return self._api.door(f"/api/v1/namespaces/{self._api.namespace}/pods/{name}:{DASHBOARD_PORT}/proxy")

    def _is_paused(self, pod: Json, status: Json) -> bool:
        try:
            return bool(status["data"]["attributes"]["paused"])
        except (KeyError, TypeError) as error:
            # Somebody else answers there. Who takes this for a k6 that runs leaves a paused one behind.
            message = N_("k6 in %(pod)s does not answer: %(reason)s.")
            raise RunnerError(message, permanent=False, pod=pod["metadata"]["name"], reason="no status") from error

    def _status(self, pod: Json) -> Json:
        if not self._direct:
            return self._api.get(self._through(pod), timeout=_TIMEOUT)
        return self._ask("GET", pod, None)

    def _set(self, pod: Json, attributes: dict[str, bool]) -> None:
        body = {"data": {"type": "status", "id": "default", "attributes": attributes}}
        if not self._direct:
            self._api.patch(self._through(pod), body, kind="application/json", timeout=_TIMEOUT)
        else:
            self._ask("PATCH", pod, body)

    def _through(self, pod: Json) -> str:
        name = pod["metadata"]["name"]
        return f"/api/v1/namespaces/{self._api.namespace}/pods/{name}:{API_PORT}/proxy/{_STATUS}"

    def _ask(self, method: str, pod: Json, body: Json | None) -> Json:
        address = str(pod["status"].get("podIP", ""))
        host = f"[{address}]" if ":" in address else address
        try:
            answer = self._pool.request(method, f"http://{host}:{API_PORT}/{_STATUS}", json=body, timeout=_TIMEOUT)
            found = answer.json()
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            message = N_("k6 in %(pod)s does not answer: %(reason)s.")
            name = pod["metadata"]["name"]
            raise RunnerError(message, permanent=False, pod=name, reason=type(error).__name__) from error
        if answer.status >= 300:
            message = N_("k6 in %(pod)s refused: %(reason)s.")
            raise RunnerError(message, permanent=False, pod=pod["metadata"]["name"], reason=str(found)[:200])
        return found if isinstance(found, dict) else {}
