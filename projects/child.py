"""Runs one of our modules in a process of its own that is bounded, polite, and ends with the one that started it.

`python -m projects.child MODULE MEMORY SECONDS NICENESS PARENT` bounds itself before it imports anything large, then
calls MODULE.main(), which reads standard input and writes standard output. Nothing of Django.
"""

import importlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
_LOOK_SECONDS = 0.05
_TELL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a process: bytes of addresses, seconds of CPU, seconds of the clock, and how far it stands back (0–19)."""

    memory: int
    cpu_seconds: int
    seconds: float
    niceness: int


def run_child(
    module: str, limits: Limits, question: IO[bytes], answer: IO[bytes], meanwhile: Callable[[], None] | None = None
) -> int:
    """Runs `module` with `question` as its input; answers its exit code, or -9 where it took too long.

    `meanwhile` is called each half second; what it raises ends the process, too.
    """
    numbers = (limits.memory, limits.cpu_seconds, limits.niceness, os.getpid())
    process = subprocess.Popen(
        [sys.executable, "-m", "projects.child", module, *map(str, numbers)],
        stdin=question,
        stdout=answer,
        stderr=subprocess.DEVNULL,  # a traceback would quote the document
        cwd=ROOT,
        env={name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ},
        start_new_session=True,
    )
    end = time.monotonic() + limits.seconds
    told = time.monotonic()
    try:
        while time.monotonic() < end:
            try:
                return process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if meanwhile and time.monotonic() - told >= _TELL_SECONDS:
                    told = time.monotonic()
                    meanwhile()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return -9


def bound(memory: int, cpu_seconds: int, niceness: int, parent: int) -> None:
    """Bounds this process. On Linux the kernel ends it with `parent` (PR_SET_PDEATHSIG); elsewhere the limit of CPU
    seconds has to do."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != parent:  # it died before it could be asked for
        sys.exit(1)
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    name, *numbers = sys.argv[1:]
    bound(*map(int, numbers))
    importlib.import_module(name).main()
