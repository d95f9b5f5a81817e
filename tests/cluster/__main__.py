"""`python -m tests.cluster COMMAND`: what the Makefile's targets call."""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from tests.again import pytest_code
from tests.cluster.building import (
    build,
    build_seconds,
    cache_folder,
    has_metrics,
    missing,
    programs,
    unbuilt,
    version,
)
from tests.cluster.cluster import Cluster
from tests.cluster.images import K6_IMAGE
from tests.cluster.parts import NODE
from tests.cluster.starting import attach, end_cluster, leave_running, start_cluster


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    return COMMANDS[asked.command](asked.arguments)


def ready(_arguments: list[str]) -> int:
    """0 where a cluster can be started at once."""
    say(missing() or f"Everything is there: {version()} in {cache_folder()}")
    return 1 if missing() else 0


def built(_arguments: list[str]) -> int:
    """Builds what is not in the cache."""
    seconds = build()
    known = build_seconds()
    if seconds:
        say(f"Built in {seconds:.0f} s")
    said = ", ".join(f"{name} {took:.0f} s" for name, took in known.items())
    say(f"Kubernetes {version()} is in {cache_folder()} (built in {sum(known.values()):.0f} s: {said})")
    return 0


def up(_arguments: list[str]) -> int:
    """Builds where needed, starts the cluster that everyone may use, and returns when its node is ready."""
    if unbuilt() or not has_metrics():
        built([])
    if missing():
        raise SystemExit(f"No cluster here, for want of {missing()}")
    with (programs() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two callers at once get the same cluster
        if attach() is None:
            folder = cache_folder() / "running"
            shutil.rmtree(folder, ignore_errors=True)
            leave_running(start_cluster(folder, say))
    return status([])


def status(_arguments: list[str]) -> int:
    """0 where the cluster that everyone may use runs."""
    cluster = attach()
    if cluster is None:
        say("No cluster runs here (make cluster)")
        return 1
    say(describe(cluster))
    return 0


def describe(cluster: Cluster) -> str:
    return f"""Kubernetes {version()} runs: {cluster.server}
  KUBECONFIG={cluster.kubeconfig}
  node {NODE}, {cluster.allocatable()["cpu"]} CPUs; images {K6_IMAGE}
  127.0.0.1:PORT of this machine is http://{cluster.host_address}:PORT in pods
  logs {cluster.record.folder / "log"}; the end: python -m tests.cluster down"""


def down(_arguments: list[str]) -> int:
    """Ends the cluster that everyone may use."""
    cluster = attach()
    if cluster is not None:
        end_cluster(cluster.record)
    return 0


def kubectl(arguments: list[str]) -> int:
    """kubectl of the cache on the cluster that everyone may use."""
    cluster = attach()
    if cluster is None:
        raise SystemExit("No cluster runs here (make cluster)")
    return subprocess.run(cluster.kubectl_command(*arguments), check=False).returncode


def test(arguments: list[str]) -> int:
    """pytest on the tests that need a cluster, which they start where none runs; where there can be none it says so."""
    if missing():
        say(f"NOT RUN, the tests on a cluster, for want of {missing()}")
        return 0
    environ = {**os.environ, "METRICVAULT_TEST_CLUSTER": "1"}
    return pytest_code(["-m", "cluster", *arguments], "cluster", environ)


def say(text: str) -> None:
    print(text, flush=True)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "build": built,
    "ready": ready,
    "up": up,
    "status": status,
    "kubectl": kubectl,
    "down": down,
    "test": test,
}

if __name__ == "__main__":
    sys.exit(main())
