"""Kubernetes' programs, built once from the Go module k8s.io/kubernetes and kept outside the checkout."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = ("kube-apiserver", "kubelet", "kube-controller-manager", "kube-scheduler", "kubectl", "pause")
# Takes a newer Go than Kubernetes 1.33 does (metrics/go.mod), so a cluster also works without it.
METRICS = "metrics-server"
# What else it takes, and the package of Debian that brings it.
NEEDED = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "openssl": "openssl",
    "busybox": "busybox-static",
}
CNI = Path("/usr/lib/cni")  # where Debian puts the plugins
CNI_PACKAGE = "containernetworking-plugins"


def version() -> str:
    """`v1.33.13`: what go.mod asks for."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", (HERE / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    assert found, "go.mod does not name k8s.io/kubernetes"
    return found[1]


def cache_folder() -> Path:
    """Programs, and the state of running clusters; METRICVAULT_CLUSTER_CACHE names another place."""
    asked = os.environ.get("METRICVAULT_CLUSTER_CACHE", "")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(asked).resolve() if asked else Path(base) / "metricvault-cluster"


def programs() -> Path:
    """The folder of the programs of this version."""
    return cache_folder() / version()


def unbuilt() -> list[str]:
    """The programs that are not in the cache."""
    return [name for name in PROGRAMS if not (programs() / name).exists()]


def has_metrics() -> bool:
    """Whether clusters have a metrics-server."""
    return (programs() / METRICS).exists()


def missing() -> str:
    """What a cluster lacks here, in words, the first thing first; "" where one can be started."""
    if os.geteuid():
        return "root: a cluster makes namespaces, cgroups and a bridge"
    packages = {package for program, package in NEEDED.items() if not shutil.which(program)}
    if not (CNI / "bridge").exists():
        packages.add(CNI_PACKAGE)
    if packages:
        return f"programs: apt-get install {' '.join(sorted(packages))}"
    if not Path("/sys/fs/cgroup/memory").is_dir():
        return "cgroups v1, as they are on this project's machines"
    if unbuilt():
        return f"{', '.join(unbuilt())}: `make cluster` builds what is missing"
    return ""


def build() -> float:
    """Builds what is not in the cache, one program after the other; the seconds that this took.

    What Go has compiled stays in Go's own cache, so that an interrupted build goes on where it was.
    """
    if not unbuilt() and has_metrics():
        return 0.0
    if not shutil.which("go"):
        raise SystemExit("Go is missing here: 1.24 or newer builds Kubernetes. On Debian 13: apt-get install golang-go")
    folder = programs()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        seconds = {name: _build(name, folder) for name in unbuilt()}
        seconds |= _build_metrics(folder)
        record = folder / "built.json"
        known = json.loads(record.read_text()) if record.exists() else {}
        record.write_text(json.dumps({**known, **seconds}, indent=1) + "\n")
    return sum(seconds.values())


def build_seconds() -> dict[str, float]:
    """How long each program took when it was built."""
    record = programs() / "built.json"
    return dict(json.loads(record.read_text())) if record.exists() else {}


def _build(name: str, folder: Path) -> float:
    sys.stdout.write(f"Building {name} {version()} …\n")
    sys.stdout.flush()
    package = "./pause" if name == "pause" else f"k8s.io/kubernetes/cmd/{name}"
    begin = time.monotonic()
    if not _compile(HERE, package, folder / name):
        raise SystemExit(f"{name} could not be built (go's words are above).")
    return round(time.monotonic() - begin, 1)


def _build_metrics(folder: Path) -> dict[str, float]:
    if has_metrics():
        return {}
    sys.stdout.write(f"Building {METRICS} …\n")
    sys.stdout.flush()
    begin = time.monotonic()
    if not _compile(HERE / "metrics", "sigs.k8s.io/metrics-server/cmd/metrics-server", folder / METRICS):
        sys.stdout.write(f"{METRICS} could not be built (go's words are above); clusters go without it.\n")
        return {}
    return {METRICS: round(time.monotonic() - begin, 1)}


def _compile(module: Path, package: str, program: Path) -> bool:
    unfinished = program.with_name(f"{program.name}.part")
    command = ["go", "build", "-p", "2", "-trimpath", "-ldflags", _link_flags(), "-o", str(unfinished), package]
    environ = {**os.environ, "CGO_ENABLED": "0"}
    done = subprocess.run(["nice", "-n", "10", *command], cwd=module, env=environ, check=False)
    if done.returncode == 0:
        unfinished.rename(program)
    return done.returncode == 0


def _link_flags() -> str:
    """Without these Kubernetes takes itself for v0.0.0 and refuses to work with its own parts."""
    major, minor, _patch = version().removeprefix("v").split(".")
    known = {"gitVersion": version(), "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    parts = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(["-s -w", *(f"-X {part}.{name}={value}" for part in parts for name, value in known.items())])
