"""A Docker engine of our own, in namespaces of its own: the machine's network, mounts and processes stay as they are,
and nothing is left when it ends. Its way out is slirp4netns, as with rootless Docker."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

_PATIENCE = 60.0
_DNS = "10.0.2.3"  # slirp4netns answers there with what this machine would
# $1 folder of the socket, $2 folder of images. Waits until slirp4netns has made the way out.
_START = f"""
mount --make-rprivate / && mount -t tmpfs tmpfs /run && ip link set lo up
until ip link show tap0 2>/dev/null | grep -q UP; do sleep 0.1; done
exec dockerd --host "unix://$1/docker.sock" --data-root "$2" --exec-root /run/docker --pidfile /run/docker.pid \\
  --dns {_DNS}
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """`pid` is a process in its namespaces; `socket` is where it listens."""

    pid: int
    socket: Path

    def environment(self) -> dict[str, str]:
        """For docker and docker-compose: this engine, and the builder that every engine has."""
        own = {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}
        return {**os.environ, **own}

    def inside(self, command: list[str]) -> list[str]:
        """The command in the engine's network, where the published ports are."""
        return ["nsenter", "--target", str(self.pid), "--net", *command]


@contextmanager
def running_engine(cache: Path, folder: Path) -> Iterator[Engine]:
    """Images live in `cache`; socket and logs in `folder`, whose path must be short."""
    (cache / "docker").mkdir(parents=True, exist_ok=True)
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command = [*apart, "sh", "-c", _START, "dockerd", str(folder), str(cache / "docker")]
    with (folder / "dockerd.log").open("wb") as log:
        outer = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        slirp = None
        try:
            inner = _child(outer)
            slirp = subprocess.Popen(
                ["slirp4netns", "--configure", "--mtu=65520", str(inner.pid), "tap0"],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            engine = Engine(inner.pid, folder / "docker.sock")
            _until_ready(engine, outer, folder / "dockerd.log")
            yield engine
        finally:
            _end(outer, slirp)


def _child(outer: "subprocess.Popen[bytes]") -> psutil.Process:
    """The first process of the namespaces, once it is in them."""
    here = os.readlink("/proc/self/ns/net")
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and outer.poll() is None:
        for child in psutil.Process(outer.pid).children():
            if os.readlink(f"/proc/{child.pid}/ns/net") != here:
                return child
        time.sleep(0.05)
    raise SystemExit("The engine's namespaces could not be made; this needs root.")


def _until_ready(engine: Engine, outer: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while subprocess.run(["docker", "version"], env=engine.environment(), capture_output=True, check=False).returncode:
        if time.monotonic() > end or outer.poll() is not None:
            raise SystemExit("dockerd did not start:\n" + log.read_text()[-3000:])
        time.sleep(0.2)


def _end(outer: "subprocess.Popen[bytes]", slirp: "subprocess.Popen[bytes] | None") -> None:
    """dockerd ends its containers; with the first process of the namespace everything in it ends."""
    for child in psutil.Process(outer.pid).children() if outer.poll() is None else []:
        child.send_signal(signal.SIGTERM)
    try:
        outer.wait(30)
    except subprocess.TimeoutExpired:
        outer.kill()
        outer.wait()
    if slirp is not None:
        slirp.terminate()
        slirp.wait()
