"""How much CPU a local k6 used: samples of its process while it lives, and what its wrapper noted at its end.

Only k6's own time counts, whatever else the machine does: a target on the same machine takes its share of the cores,
but does not make k6 busy. A sample is a pair of seconds: a clock that never jumps, and the CPU time used so far.
"""

import re
import time
from contextlib import suppress
from pathlib import Path

import psutil

from loadtests.runners.base import Generator

# For the wrapper's shell, after it waited for k6: `times` ends with the time of its children, which is k6's alone then.
NOTE = '{ times; cat /proc/uptime; } >"$dir/cpu" 2>/dev/null'
_TIMES = re.compile(r"(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s+([\d.]+) [\d.]+\s*$")


def running(instance: str, pid: int) -> Generator:
    """A k6 of this machine as a load generator, with what it used so far; without where nobody can tell."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        times, memory = process.cpu_times(), process.memory_info().rss
        used = times.user + times.system
        return Generator(
            instance, "k6", "running", cpu_seconds=used, clock=_clock(), cpu_limit=_cores(process), memory=memory
        )
    return Generator(instance, "k6", "running")


def ended(instance: str, folder: Path, exit_code: int | None) -> Generator:
    """The same of a k6 that is over, from what the wrapper left in the folder of the job."""
    with suppress(OSError):
        if found := _TIMES.search((folder / "cpu").read_text(encoding="ascii", errors="replace")):
            minutes, seconds, more_minutes, more_seconds, clock = map(float, found.groups())
            used = 60 * (minutes + more_minutes) + seconds + more_seconds
            return Generator(instance, "k6", "finished", exit_code=exit_code, cpu_seconds=used, clock=clock)
    return Generator(instance, "k6", "finished", exit_code=exit_code)


def _clock() -> float:
    """That of /proc/uptime, where there is one."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


def _cores(process: psutil.Process) -> float:
    """How many cores a process may use: those it may run on, and what a container's limit leaves of them."""
    affinity = getattr(process, "cpu_affinity", None)
    cores = float(len(affinity()) if affinity else psutil.cpu_count() or 1)
    return min(cores, _quota() or cores)


def _quota() -> float | None:
    """The limit of this container in cores (cgroup v2, then v1); None without one."""
    root = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError):
        quota, period = (root / "cpu.max").read_text().split()
        return None if quota == "max" else float(quota) / float(period)
    with suppress(OSError, ValueError):
        quota_us = float((root / "cpu/cpu.cfs_quota_us").read_text())
        return quota_us / float((root / "cpu/cpu.cfs_period_us").read_text()) if quota_us > 0 else None
    return None
