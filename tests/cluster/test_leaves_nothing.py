"""Whatever way a cluster ends, the machine is as it was before."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.parts import NODE
from tests.cluster.pods import k6_pod_spec, pod
from tests.cluster.record import records, starting_lock
from tests.cluster.starting import clear_away_the_dead, running_cluster

pytestmark = pytest.mark.needs("cluster", "k6")

# Makes what a cluster stands on, starts one of its programs, says its number and dies.
DIES = """
import os, pathlib, signal, sys
from tests.cluster.starting import claim_cluster, lay_foundations
cluster = claim_cluster(pathlib.Path(sys.argv[1]))
lay_foundations(cluster)
cluster.start("etcd")
print(cluster.record.number, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def left(number: int, folder: Path) -> list[str]:
    """What there is of a cluster: processes, links, rules, cgroups, mounts, files, notes."""
    name = f"mv-cluster{number}"
    processes = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
    found = [" ".join(line) for line in processes if str(folder) in " ".join(line)]
    found += [line for line in psutil.net_if_addrs() if line == name]
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    found += [line for line in rules.splitlines() if name in line]
    found += map(str, Path("/sys/fs/cgroup").glob(f"*/{name}"))
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(folder) in line]
    found += [str(path) for path in folder.iterdir() if path.name != "log"]
    return found + [str(record.folder) for record in records() if record.folder == folder]


def fill(cluster: Cluster) -> None:
    """A pod that runs, so that there is a container to end."""
    namespace = cluster.new_namespace("filled")
    spec = k6_pod_spec(["run", "--paused", "--address=0.0.0.0:6565", "-"], stdin=True)
    manifest = pod("runs", spec)
    cluster.apply({**manifest, "metadata": {"name": "runs", "namespace": namespace}})
    cluster.kubectl("wait", "--for=condition=Ready", "pod/runs", f"--namespace={namespace}", "--timeout=60s")


def test_a_cluster_that_ends_in_order_leaves_its_logs_only(tmp_path: Path) -> None:
    with running_cluster(tmp_path, own=True) as cluster:
        number = cluster.record.number
        fill(cluster)
        assert left(number, tmp_path)
        assert cluster.get("node", NODE)
    assert left(number, tmp_path) == []


def test_what_a_killed_process_left_is_cleared_away_by_the_next_start(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    number = int(done.stdout)
    assert left(number, tmp_path)
    with starting_lock():
        clear_away_the_dead()
    assert left(number, tmp_path) == []


def test_a_cluster_whose_owner_lives_is_left_alone(tmp_path: Path) -> None:
    alive = {record.number for record in records() if record.is_alive()}
    with starting_lock():
        clear_away_the_dead()
    assert {record.number for record in records()} == alive
