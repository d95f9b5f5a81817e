"""Namespaces of processes and mounts in which a cluster's programs live: when the first process of them ends, the
kernel ends every other, containers included, and takes every mount with it."""

import contextlib
import functools
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

_PATIENCE = 20.0
# All pods together weigh as much as so many / 1024 other processes of a busy machine; as they are made, only as one.
_SHARES = "8192"
# $0 the folder, $1 the first process. /run is new, so that a containerd of the machine is not disturbed.
_FIRST = """
mount -t tmpfs tmpfs /run && mkdir -p /run/containerd /run/etcd && mount --bind "$0/log" /var/log && exec "$1"
"""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that can be told from a later one of the same number."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "Process":
        return cls(pid, psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        try:
            found = psutil.Process(self.pid)
            return abs(found.create_time() - self.created) < 0.1 and found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def signal(self, number: int) -> None:
        """Nothing where it is gone."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Returns when it is gone."""
        self.signal(signal.SIGKILL)
        _until(lambda: not self.is_alive(), f"process {self.pid} ended")


@dataclass(frozen=True, slots=True)
class Space:
    """`first` is the process that holds the namespaces."""

    first: Process

    def inside(self, command: list[str]) -> list[str]:
        """The command as a process of the namespaces."""
        return ["nsenter", "--target", str(self.first.pid), "--mount", "--pid", "--", *command]

    def start(self, command: list[str], log: Path) -> Process:
        """A program that lives on when the caller ends. What it says is appended to `log`."""
        behind = ["sh", "-c", '"$@" >>"$0" 2>&1 </dev/null & echo $!', str(log), *command]
        done = subprocess.run(self.inside(behind), capture_output=True, text=True, check=True, start_new_session=True)
        number = int(done.stdout)  # as it is called inside
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            for child in psutil.Process(self.first.pid).children():
                if _number_inside(child.pid) == number:
                    return Process.of(child.pid)
            time.sleep(0.01)
        raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def end(self) -> None:
        self.first.kill()


def make_space(folder: Path, first: Path) -> Space:
    """`folder`/log becomes /var/log there. `first` is a program that waits and buries."""
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    command = [*apart, "sh", "-ec", _FIRST, str(folder), str(first)]
    behind = ["sh", "-c", '"$@" >>"$0" 2>&1 </dev/null & echo $!', str(folder / "log" / "space.log"), *command]
    done = subprocess.run(behind, capture_output=True, text=True, check=True, start_new_session=True, cwd="/")
    outer = psutil.Process(int(done.stdout))

    def is_made() -> bool:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            return any(os.path.samefile(child.exe(), first) for child in outer.children())
        return False

    _until(is_made, "the namespaces are made")
    return Space(Process.of(outer.children()[0].pid))


def _number_inside(pid: int) -> int:
    """What a process is called in its innermost namespace; 0 where it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return 0


def make_cgroups(name: str) -> None:
    """A group of that name under every controller, which is where the kubelet puts its pods."""
    for controller in _controllers():
        group = controller / name
        group.mkdir(exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (group / file).exists():
                (group / file).write_text((controller / file).read_text())
        if (group / "cpu.shares").exists():
            (group / "cpu.shares").write_text(_SHARES)


def remove_cgroups(name: str) -> None:
    """Waits for those that still hold a dying process."""
    for controller in _controllers():
        _until(functools.partial(_removed, controller / name), f"{controller / name} removed")


def _removed(group: Path) -> bool:
    if not group.exists():
        return True
    for folder, _folders, _files in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return not group.exists()


def _controllers() -> list[Path]:
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [Path(place) for _what, place, kind, *_rest in mounts if kind in {"cgroup", "cgroup2"}]


def _until(ready: Callable[[], bool], what: str, within: float = _PATIENCE) -> None:
    end = time.monotonic() + within
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {within:g} s: {what}")
        time.sleep(0.02)
