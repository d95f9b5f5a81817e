"""What is written down of each running cluster, so that others find it and a later start can clear it away."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.cluster.building import cache_folder
from tests.cluster.network import bridge_name
from tests.cluster.space import Process, Space
from tests.servers import free_port

MOST = 10  # clusters side by side on one machine


@dataclass
class Record:
    """`owner` ends the cluster when it ends; a cluster without one (`make cluster`) is for everyone until
    `python -m tests.cluster down`. `tunables`: the kernel's settings as they were before the kubelet."""

    number: int
    folder: Path
    ports: dict[str, int]
    owner: Process | None = None
    first: Process | None = None
    processes: dict[str, Process] = field(default_factory=dict)
    tunables: dict[str, str] = field(default_factory=dict)
    is_ready: bool = False

    @property
    def cgroup(self) -> str:
        return bridge_name(self.number)

    @property
    def space(self) -> Space:
        assert self.first, "this cluster has no namespaces"
        return Space(self.first)

    def is_alive(self) -> bool:
        """Its first process runs, and so does its owner; or its owner is about to start it."""
        if self.owner is not None:
            return self.owner.is_alive()
        return self.first is not None and self.first.is_alive()

    def save(self) -> None:
        path = _path(self.number)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(asdict(self), default=str, indent=1))
        unfinished.replace(path)

    def forget(self) -> None:
        _path(self.number).unlink(missing_ok=True)


def records() -> list[Record]:
    """All that are written down, dead ones too."""
    return [_read(path) for path in sorted((cache_folder() / "clusters").glob("*.json"))]


def shared_record() -> Record | None:
    """The ready cluster that `make cluster` left running."""
    return next((one for one in records() if one.owner is None and one.is_ready and one.is_alive()), None)


def new_record(folder: Path) -> Record:
    """With the lowest free number. Call it under `starting_lock`."""
    taken = {record.number for record in records()}
    free = (n for n in range(MOST) if n not in taken and not Path(f"/sys/class/net/{bridge_name(n)}").exists())
    number = next(free, None)
    if number is None:
        raise RuntimeError(f"{MOST} clusters run already")
    ports = {name: free_port() for name in ("api", "etcd", "etcd-peer", "metrics")}
    record = Record(number, folder, ports, Process.of(os.getpid()))
    record.save()
    return record


@contextmanager
def starting_lock() -> Iterator[None]:
    """One process at a time clears and claims."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _path(number: int) -> Path:
    return cache_folder() / "clusters" / f"{number}.json"


def _read(path: Path) -> Record:
    known = json.loads(path.read_text())
    known["folder"] = Path(known["folder"])
    for name in ("owner", "first"):
        known[name] = Process(**known[name]) if known[name] else None
    known["processes"] = {name: Process(**one) for name, one in known["processes"].items()}
    return Record(**known)
