"""From nothing to a node that is ready, and back to nothing."""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.building import METRICS, has_metrics, programs
from tests.cluster.certificates import make_certificates
from tests.cluster.cluster import Cluster
from tests.cluster.images import k6_archive, pause_archive
from tests.cluster.network import SERVICE_ADDRESS
from tests.cluster.parts import CONTAINERD, NODE
from tests.cluster.record import Record, new_record, records, shared_record, starting_lock
from tests.cluster.space import make_cgroups, make_space, remove_cgroups

# What the kubelet sets for the whole machine (k8s.io/kubernetes, pkg/kubelet/cm: setupKernelTunables).
_TUNABLES = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def start_cluster(folder: Path, say: Callable[[str], object] = lambda text: None) -> Cluster:
    """A cluster in an empty `folder`. Where this process ends without ending it, the next start clears it away, unless
    it was left running with `leave_running`. `say` hears how far it is."""
    begin = time.monotonic()
    cluster = claim_cluster(folder)
    try:
        lay_foundations(cluster)
        _start_parts(cluster, lambda text: say(f"{time.monotonic() - begin:5.1f} s  {text}"))
    except BaseException:
        end_cluster(cluster.record)
        raise
    cluster.record.is_ready = True
    cluster.record.save()
    return cluster


def claim_cluster(folder: Path) -> Cluster:
    """A number of its own, written down before anything is made, so that whatever is made can be cleared away."""
    with starting_lock():
        clear_away_the_dead()
        others = records()
        record = new_record(folder)
        record.tunables = others[0].tunables if others else {name: _tunable(name).read_text() for name in _TUNABLES}
        record.save()
    return Cluster(record)


def lay_foundations(cluster: Cluster) -> None:
    """What the programs need: files, certificates, bridge, cgroups, namespaces."""
    record, folder = cluster.record, cluster.record.folder
    for name in ("log", "kubelet", "containerd"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    make_certificates(folder / "pki", NODE, cluster.host_address, SERVICE_ADDRESS)
    cluster.parts.write_files()
    cluster.network.make()
    make_cgroups(record.cgroup)
    record.first = make_space(folder, programs() / "pause").first
    record.save()


def _start_parts(cluster: Cluster, tell: Callable[[str], object]) -> None:
    for name in ("etcd", "containerd"):
        cluster.start(name)
    with ThreadPoolExecutor() as pool:
        images = pool.submit(_import_images, cluster)
        cluster.start("kube-apiserver")
        cluster.wait_for_api_server()
        tell("the API server answers")
        for name in ("kube-controller-manager", "kube-scheduler"):
            cluster.start(name)
        if has_metrics():
            cluster.start(METRICS)
            cluster.apply(*cluster.parts.metrics_manifests())
        images.result()
        tell("the images are imported")
    cluster.start("kubelet")
    cluster.wait_for_node()
    cluster.wait_for_account("default")
    tell("the node is ready")


def _import_images(cluster: Cluster) -> None:
    folder = cluster.record.folder
    archives = [pause_archive(folder, programs() / "pause"), k6_archive(folder)]
    ctr = ("ctr", "--address", CONTAINERD, "--namespace", "k8s.io")
    cluster.until(lambda: cluster.inside(*ctr, "version").returncode == 0, "containerd answers", "containerd")
    for archive in archives:
        cluster.inside(*ctr, "images", "import", str(archive)).check_returncode()
        archive.unlink()


def leave_running(cluster: Cluster) -> None:
    """The cluster is everyone's now, and lives on when this process ends."""
    cluster.record.owner = None
    cluster.record.save()


def end_cluster(record: Record) -> None:
    """Ends and removes all that there is of it, whatever state it is in; its logs stay in the folder."""
    with starting_lock():
        _remove(record)


def clear_away_the_dead() -> None:
    """What clusters left whose owner, or first process, was killed. Call it under `starting_lock`."""
    for record in records():
        if not record.is_alive():
            _remove(record)


def _remove(record: Record) -> None:
    if record.first is not None:
        record.first.kill()
    Cluster(record).network.end()
    remove_cgroups(record.cgroup)
    for path in record.folder.iterdir() if record.folder.exists() else []:
        if path.name != "log":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    record.forget()
    if not records():
        for name, value in record.tunables.items():
            _tunable(name).write_text(value)


@contextmanager
def running_cluster(folder: Path, *, own: bool = False) -> Iterator[Cluster]:
    """The cluster that `make cluster` left running, where there is one, mended in the end; else, or if `own`, a new one
    in `folder`, gone in the end. `folder` then keeps its logs."""
    found = None if own else attach()
    if found is not None:
        try:
            yield found
        finally:
            found.repair()
        return
    started = start_cluster(folder)
    try:
        yield started
    finally:
        end_cluster(started.record)


def attach() -> Cluster | None:
    """The cluster that `make cluster` left running, if it does."""
    record = shared_record()
    return Cluster(record) if record else None


def _tunable(name: str) -> Path:
    return Path("/proc/sys") / name
