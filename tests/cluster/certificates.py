"""The cluster's own authority and what it signs. Made anew for each cluster, good for a month, with openssl."""

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]


@dataclass(frozen=True, slots=True)
class Certificates:
    """`folder` holds NAME.crt and NAME.key of each name."""

    folder: Path

    def crt(self, name: str) -> str:
        return str(self.folder / f"{name}.crt")

    def key(self, name: str) -> str:
        return str(self.folder / f"{name}.key")

    def kubeconfig(self, name: str, server: str) -> str:
        """A kubeconfig with everything in it, as JSON, which is YAML too."""
        user = {"client-certificate-data": self._text(self.crt(name)), "client-key-data": self._text(self.key(name))}
        cluster = {"server": server, "certificate-authority-data": self._text(self.crt("ca"))}
        config: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "metricvault", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "metricvault", "context": {"cluster": "metricvault", "user": name}}],
            "current-context": "metricvault",
        }
        return json.dumps(config, indent=1)

    def _text(self, path: str) -> str:
        return base64.b64encode(Path(path).read_bytes()).decode()


def make_certificates(folder: Path, node: str, host_address: str, service_address: str) -> Certificates:
    """For the API server, the kubelet and metrics-server as servers, and for everyone who talks to the API server."""
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    made = Certificates(folder)
    _openssl("req", "-x509", *_KEY, "-subj", "/CN=metricvault-test-cluster", *_files(made, "ca"))
    names = "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    _server(made, "apiserver", f"{names},IP:127.0.0.1,IP:{host_address},IP:{service_address}")
    _server(made, "kubelet-server", f"DNS:{node},IP:{host_address}")
    _server(made, "metrics-server-serving", "DNS:metrics-server.kube-system.svc,IP:127.0.0.1")
    _client(made, "admin", "/O=system:masters/CN=admin")
    _client(made, "apiserver-to-kubelet", "/O=system:masters/CN=kube-apiserver")
    _client(made, "controller-manager", "/CN=system:kube-controller-manager")
    _client(made, "scheduler", "/CN=system:kube-scheduler")
    _client(made, "metrics-server", "/O=system:masters/CN=metrics-server")
    # By this one the API server is known to what it hands requests on to; who holds it may say who somebody is.
    _openssl("req", "-x509", *_KEY, "-subj", "/CN=metricvault-front-proxy", *_files(made, "front-proxy-ca"))
    _client(made, "front-proxy", "/CN=front-proxy", "front-proxy-ca")
    _client(made, "kubelet", f"/O=system:nodes/CN=system:node:{node}")
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", made.key("tokens"))
    _openssl("pkey", "-in", made.key("tokens"), "-pubout", "-out", str(folder / "tokens.pub"))
    return made


def _server(made: Certificates, name: str, names: str) -> None:
    _signed(made, name, f"/CN={name}", "serverAuth", "-addext", f"subjectAltName={names}")


def _client(made: Certificates, name: str, subject: str, authority: str = "ca") -> None:
    _signed(made, name, subject, "clientAuth", authority=authority)


def _signed(made: Certificates, name: str, subject: str, usage: str, *more: str, authority: str = "ca") -> None:
    signer = ["-CA", made.crt(authority), "-CAkey", made.key(authority)]
    extensions = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"extendedKeyUsage={usage}", *more]
    _openssl("req", "-x509", *_KEY, *signer, "-subj", subject, *extensions, *_files(made, name))


def _files(made: Certificates, name: str) -> list[str]:
    return ["-keyout", made.key(name), "-out", made.crt(name)]


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
