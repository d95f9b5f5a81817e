"""The one door to a Kubernetes API server: plain JSON in and out, every failure a `RunnerError`.

Paths are those of the API reference of Kubernetes (https://kubernetes.io/docs/reference/kubernetes-api/). The client
brings what is hard: kubeconfig, service accounts, tokens that are renewed, TLS.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import urllib3
from django.utils.translation import gettext_noop as N_
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from loadtests.runners.base import Door, RunnerError

Json = dict[str, Any]
_CONNECT, _READ = 3.0, 10.0  # seconds
_MERGE = "application/merge-patch+json"


class Gone(RunnerError):
    """The place in the stream of changes is no longer kept (410): list again."""


class NotThere(RunnerError):
    """404."""


class AlreadyThere(RunnerError):
    """409."""


class ClusterApi:
    """Speaks to the cluster of `kubeconfig`, or to the one this process runs in where that is "". Thread-safe."""

    def __init__(self, kubeconfig: str, namespace: str) -> None:
        self.namespace = namespace
        self._client = _client(kubeconfig)

    def get(self, path: str, timeout: float = _READ, **query: str) -> Json:
        """The object, or the list, at `path`."""
        return _json(self._request("GET", path, query=query, timeout=timeout))

    def create(self, path: str, body: Mapping[str, Any]) -> Json:
        """The object as the cluster keeps it; `AlreadyThere` where one of that name is."""
        return _json(self._request("POST", path, body=body))

    def patch(self, path: str, body: Mapping[str, Any], kind: str = _MERGE, timeout: float = _READ) -> Json:
        """Merges `body` into what is there."""
        return _json(self._request("PATCH", path, body=body, kind=kind, timeout=timeout))

    def delete(self, path: str, **query: str) -> None:
        """Deletes it; what is not there is left alone."""
        try:
            self._request("DELETE", path, query=query)
        except NotThere:
            return

    def text(self, path: str, timeout: float = 30.0, **query: str) -> str:
        """What is at `path` as text; bytes that are no UTF-8 are replaced."""
        return self._request("GET", path, query=query, timeout=timeout).decode(errors="replace")

    def door(self, path: str) -> Door:
        """The way to what is at `path` and below, for who holds a connection open longer than a question takes."""
        _method, url, headers, *_rest = self._client.param_serialize("GET", f"{path}/", auth_settings=["BearerToken"])
        to = urllib3.util.parse_url(url)
        tls = _tls(self._client.configuration) if to.scheme == "https" else None
        secret = {name: value for name, value in headers.items() if name.lower() == "authorization"}
        return Door((to.host or "").strip("[]"), to.port or (443 if tls else 80), to.path or "/", secret, tls)

    def watch(self, path: str, version: str, seconds: int, **query: str) -> Iterator[Json]:
        """Changes of the list at `path` after `version`, for `seconds`; `Gone` where that is too long ago."""
        asked = {**query, "watch": "1", "resourceVersion": version, "timeoutSeconds": str(seconds)}
        asked["allowWatchBookmarks"] = "true"
        response = self._open("GET", path, query=asked, timeout=seconds + 5.0)
        try:
            if response.status >= 300:
                raise _refusal(response.status, response.read())
            yield from _changes(response)
        except urllib3.exceptions.HTTPError as error:
            raise _away(error) from error
        finally:
            response.release_conn()
            response.close()

    def _request(self, method: str, path: str, **asked: Any) -> bytes:
        response = self._open(method, path, **asked)
        try:
            content = bytes(response.read())
        except urllib3.exceptions.HTTPError as error:
            raise _away(error) from error
        finally:
            response.release_conn()
        if response.status >= 300:
            raise _refusal(response.status, content)
        return content

    def _open(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        kind: str = "application/json",
        timeout: float = _READ,
    ) -> Any:
        headers = {"Accept": "*/*", "Content-Type": kind}
        wire = self._client.param_serialize(
            method, path, query_params=list((query or {}).items()), header_params=headers, auth_settings=["BearerToken"]
        )
        try:
            answer = self._client.call_api(wire[0], wire[1], wire[2], body, _request_timeout=(_CONNECT, timeout))
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            raise _away(error) from error
        return answer.response


@lru_cache(maxsize=4)
def _client(kubeconfig: str) -> Any:
    wanted = client.Configuration()
    message = N_("The cluster is not known here: %(reason)s Set KUBECONFIG, or run inside of the cluster.")
    try:
        if kubeconfig:
            config.load_kube_config(config_file=kubeconfig, client_configuration=wanted)
        else:
            config.load_incluster_config(client_configuration=wanted)
    except (config.ConfigException, OSError) as error:
        raise RunnerError(message, permanent=True, reason=f"{error}.") from error
    except Exception as error:  # what the client's YAML reader makes of a broken file, which may hold secrets
        reason = f"{kubeconfig} cannot be read ({type(error).__name__})."
        raise RunnerError(message, permanent=True, reason=reason) from error
    wanted.retries = False
    wanted.connection_pool_maxsize = 32
    return client.ApiClient(wanted)


def _tls(settings: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    if not settings.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context


def _json(content: bytes) -> Json:
    try:
        found = json.loads(content) if content else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RunnerError(N_("The cluster gave an answer that is no JSON."), permanent=False)
    return found


def _changes(response: Any) -> Iterator[Json]:
    left = b""
    for part in response.stream(amt=None, decode_content=True):
        *lines, left = (left + part).split(b"\n")
        for line in lines:
            if not line.strip():
                continue
            change = _json(line)
            if change.get("type") == "ERROR":
                status = change.get("object", {})
                raise _refusal(int(status.get("code") or 500), json.dumps(status).encode())
            yield change


def _away(error: Exception) -> RunnerError:
    message = N_("The cluster's API server does not answer: %(reason)s.")
    return RunnerError(message, permanent=False, reason=type(error).__name__)


def _refusal(status: int, content: bytes) -> RunnerError:
    """What the API server answered, as the error that tells whether a retry helps."""
    try:
        said = str(json.loads(content).get("message") or "")
    except (ValueError, AttributeError):
        said = content[:500].decode(errors="replace")
    said = said.strip() or f"HTTP {status}"
    if status == 401:
        return RunnerError(N_("The cluster does not know us: %(reason)s"), permanent=True, reason=said)
    if status == 403:
        return RunnerError(N_("The cluster forbids it: %(reason)s"), permanent=True, reason=said)
    if status == 404:
        return NotThere(N_("Not in the cluster: %(reason)s"), permanent=True, reason=said)
    if status == 409:
        return AlreadyThere(N_("Already in the cluster: %(reason)s"), permanent=True, reason=said)
    if status == 410:
        return Gone(N_("Too old: %(reason)s"), permanent=False, reason=said)
    return RunnerError(N_("The cluster refused: %(reason)s"), permanent=400 <= status < 429, reason=said)
