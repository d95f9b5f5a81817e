"""The faults: what is done to which process, and for how long."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.product import ROOT, Product

Break = Callable[[Product, float], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """`load` seconds of load; `strike` breaks something after some seconds and returns once it is mended."""

    name: str
    strike: Break
    load: float = 10
    lasts: float = 0
    quick: bool = True
    in_tests: bool = False


def _named(product: Product, word: str) -> list[psutil.Process]:
    found = [one for one in product.processes(word) if one.name() != "sh"]
    assert found, f"no process for {word}"
    return found


def kill(word: str) -> Break:
    """SIGKILL; the supervisor starts it again."""

    def strike(product: Product, _lasts: float) -> None:
        for process in _named(product, word):
            process.kill()

    return strike


def freeze(word: str) -> Break:
    """SIGSTOP, and SIGCONT after `lasts` seconds: alive, but answering nobody."""

    def strike(product: Product, lasts: float) -> None:
        frozen = _named(product, word)
        for process in frozen:
            process.send_signal(signal.SIGSTOP)
        time.sleep(lasts)
        for process in frozen:
            process.send_signal(signal.SIGCONT)

    return strike


def lock_database(product: Product, lasts: float) -> None:
    """Somebody else holds SQLite's only write lock."""
    with sqlite3.connect(product.data_dir / "metricvault.sqlite3", timeout=30, isolation_level=None) as database:
        database.execute("BEGIN EXCLUSIVE")
        time.sleep(lasts)
        database.execute("ROLLBACK")
    database.close()


def fill_disk(product: Product, lasts: float) -> None:
    """Not a byte is left in the data folder, which lies on a small file system of its own."""
    big = product.data_dir / "big"
    with big.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
    time.sleep(lasts)
    big.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int = 64) -> Iterator[Path]:
    """A file system of its own; needs root."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def jump_clock(product: Product, lasts: float) -> None:
    """The supervised worker is frozen; another one, whose clock is five hours ahead, does its work."""
    (parent, *_others) = sorted(_named(product, "worker"), key=lambda one: one.create_time())
    environ = {**parent.environ(), "LD_PRELOAD": faketime_library(), "FAKETIME": "+5h"}
    frozen = _named(product, "worker")
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    command = [sys.executable, "-m", "celery", "--app", "metricvault", "worker", "--pool", "solo"]
    quiet = subprocess.DEVNULL
    ahead = subprocess.Popen([*command, "--hostname", "ahead@%h"], cwd=ROOT, env=environ, stdout=quiet, stderr=quiet)
    try:
        time.sleep(lasts)
    finally:
        ahead.kill()
        ahead.wait()
        for process in frozen:
            process.send_signal(signal.SIGCONT)


def begin_again(product: Product, lasts: float) -> None:
    """k6 is killed, and another one with the same command pushes under the same name from zero on, as a load generator
    does that somebody starts again."""
    (first,) = [one for one in product.processes("k6") if one.name() == "k6"]
    command, environ, folder = first.cmdline(), first.environ(), first.cwd()
    quiet = subprocess.DEVNULL
    again = subprocess.Popen(command, cwd=folder, env=environ, stdout=quiet, stderr=quiet)
    try:
        first.kill()
        time.sleep(lasts)
    finally:
        again.kill()
        again.wait()


def faketime_library() -> str:
    """The path of libfaketime; "" where it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return str(found[0]) if found else ""


def is_root() -> bool:
    """Whether a file system can be mounted here."""
    return os.geteuid() == 0


FAULTS = (
    Fault("web killed", kill("uvicorn"), load=18, in_tests=True),
    Fault("worker killed", kill("worker")),
    Fault("beat killed", kill("beat")),
    Fault("Redis killed", kill("redis-server"), load=9, in_tests=True),
    Fault("web frozen 6 s", freeze("uvicorn"), load=14, lasts=6),
    Fault("database locked 8 s", lock_database, load=16, lasts=8),
    Fault("disk full 4 s", fill_disk, load=10, lasts=4, in_tests=True),
    Fault("worker's clock +5 h", jump_clock, load=14, lasts=16),
    Fault("k6 begins again", begin_again, load=14, lasts=6),
    Fault("web frozen 60 s", freeze("uvicorn"), load=80, lasts=60, quick=False),
    Fault("worker frozen 60 s", freeze("worker"), load=30, lasts=60, quick=False),
    Fault("beat frozen 60 s", freeze("beat"), load=30, lasts=60, quick=False),
    Fault("Redis frozen 60 s", freeze("redis-server"), load=80, lasts=60, quick=False),
)
