"""The processes of a copy, found in the process table: what supervisord started, what those started, and k6."""

import os
import signal
import time
from contextlib import suppress

import psutil

from metricvault.supervise.place import Place
from metricvault.supervise.programs import MARK

_LOAD = {"k6", "sh", "dash", "bash", "head", "tail", "sleep"}  # what the local runner starts


def members(place: Place) -> list[psutil.Process]:
    """Every living process that carries this copy's mark, or makes load out of its folder; without this one."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and _belongs(process, place):
                found.append(process)
    return found


def _belongs(process: psutil.Process, place: Place) -> bool:
    jobs = str(place.data_dir / "runs") + os.sep
    if process.name() in _LOAD and any(argument.startswith(jobs) for argument in process.cmdline()):
        return True
    if process.name() == "redis-server":  # writes its title over its environment
        return process.cwd() == str(place.data_dir)
    return process.environ().get(MARK) == str(place.data_dir)


def end_load(place: Place, patience: float) -> int:
    """Asks k6 to end, so that it hands over what it has measured; waits for that at most `patience` seconds.
    Answers how many there were."""
    load = [process for process in members(place) if process.name() == "k6"]
    for process in load:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGTERM)
    psutil.wait_procs(load, timeout=patience)
    return len(load)


def kill_all(place: Place, patience: float = 5) -> list[psutil.Process]:
    """Kills until nothing is left, for a dying process may have started another; answers what outlived that."""
    end = time.monotonic() + patience
    while (left := members(place)) and time.monotonic() < end:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=0.2)
    return left
