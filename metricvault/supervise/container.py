"""`python -m metricvault.supervise.container ROLE`: what a container does (Dockerfile, docker-compose.yml).

`web`, `worker`, `beat` and `demo` run until they are told to end; `healthy ROLE` is their health check, 0 or 1.
`prepare` makes tables and the metric store, or brings them up to date. Anything else is a command of manage.py:
`make_admin`, `backup`, `first_run`, `doctor` …
"""

import http.client
import os
import resource
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

from metricvault.supervise.place import ROOT, CannotStart, Place, read_place
from metricvault.supervise.programs import PROXIES, beat_command, demo_command, web_command, worker_command
from metricvault.supervise.watch import MOST_ENDS, WITHIN

DEMO_PORT = 18_000
LOAD_PATIENCE = 8.0  # seconds in which k6 may hand over what it has measured
STOP_PATIENCE = 12.0  # seconds in which the worker may end its tasks
HEARTBEAT = Path("/tmp/worker-heartbeat")  # noqa: S108  # nosec B108  # a container's /tmp is its own
SCHEDULE = Path("/tmp/beat-schedule")  # noqa: S108  # nosec B108  # a container's /tmp is its own
# The worker's heart beats every 2 s while it has its broker; beat keeps its schedule every 3 minutes.
WORKER_SILENCE, BEAT_SILENCE = 30.0, 420.0


class _Stop(Exception):
    """The container is asked to end."""


def main(arguments: list[str]) -> int:
    """The exit code; 1 where it cannot start, or is not healthy."""
    role, *rest = arguments or ["web"]
    try:
        if role == "healthy":
            return 0 if healthy(rest[0] if rest else "web", os.environ) else 1
        if role == "worker":
            check_secret(os.environ)
            return keep_worker(read_place(os.environ), worker_command(sys.executable))
        if role != "demo":
            check_secret(os.environ)
        if role == "prepare":
            return prepare()
        command = command_of(role, rest, os.environ)
    except CannotStart as problem:
        print(problem, file=sys.stderr, flush=True)
        return 1
    raise_file_limit()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what is in memory, keys among it, becomes no file
    os.chdir(ROOT)
    os.execv(command[0], command)  # noqa: S606  # nosec B606  # the process becomes the command: signals reach it


def command_of(role: str, rest: list[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """What the process becomes."""
    if role == "web":
        host, proxies = environ.get("METRICVAULT_BIND") or "0.0.0.0", environ.get(PROXIES, "")  # noqa: S104  # nosec B104  # inside of a container
        return web_command(sys.executable, host, read_place(environ).port, proxies)
    if role == "beat":
        return beat_command(sys.executable, SCHEDULE)
    if role == "demo":
        return demo_command(sys.executable, "0.0.0.0", DEMO_PORT)  # noqa: S104  # nosec B104  # inside of a container
    return (sys.executable, str(ROOT / "manage.py"), role, *rest)


def prepare() -> int:
    """The first exit code that is not 0."""
    steps = (["migrate", "--noinput"], ["prepare_store", "--wait", "60"])
    codes = (subprocess.run([sys.executable, str(ROOT / "manage.py"), *step], check=False).returncode for step in steps)
    return next((code for code in codes if code), 0)


def raise_file_limit() -> None:
    """A thousand live pages are a thousand open files; the soft limit of some engines is 1024. k6 does the same."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def check_secret(environ: Mapping[str, str]) -> None:
    """Raises `CannotStart` without a secret key: with a known one everybody can make themselves an administrator."""
    if not environ.get("SECRET_KEY", "").strip() and not environ.get("SECRET_KEY_FILE", "").strip():
        raise CannotStart("SECRET_KEY is not set. Write 50 random characters into .env; .env.example shows how.")


def keep_worker(place: Place, command: tuple[str, ...]) -> int:
    """Starts the worker, and again when it ends by itself: k6 runs beside it and must not end with it.

    When the container is asked to end, k6 is asked first, while there is somebody to take its last numbers.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    environment = {**os.environ, "METRICVAULT_HEARTBEAT": str(HEARTBEAT)}
    ends: deque[float] = deque(maxlen=MOST_ENDS)
    worker = None
    try:
        while len(ends) < MOST_ENDS or ends[-1] - ends[0] > WITHIN:
            worker = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
            code = worker.wait()
            _kill_group(worker)
            ends.append(time.monotonic())
            print(f"The worker has ended ({code}) and is started again.", file=sys.stderr, flush=True)
            time.sleep(1)
    except _Stop:
        _end(place, worker)
        return 0
    print("The worker does not stay alive.", file=sys.stderr, flush=True)
    return 1


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stop


def _end(place: Place, worker: "subprocess.Popen[bytes] | None") -> None:
    from metricvault.supervise.leftovers import end_load

    with suppress(_Stop):
        end_load(place, LOAD_PATIENCE)
        if worker is not None:
            worker.terminate()
            with suppress(subprocess.TimeoutExpired):
                worker.wait(STOP_PATIENCE)
    if worker is not None:
        _kill_group(worker)


def _kill_group(worker: "subprocess.Popen[bytes]") -> None:
    """A worker that was killed leaves its children; k6 is in a session of its own."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)


def healthy(role: str, environ: Mapping[str, str]) -> bool:
    """Whether this container's process does what it is there for."""
    looks: dict[str, Callable[[], bool]] = {
        "web": lambda: _answers(read_place(environ).port, "/healthz"),
        "demo": lambda: _answers(DEMO_PORT, "/__counts"),
        "worker": lambda: _is_fresh([HEARTBEAT], WORKER_SILENCE),
        # The file's ending is the dbm library's choice.
        "beat": lambda: _is_fresh(SCHEDULE.parent.glob(f"{SCHEDULE.name}*"), BEAT_SILENCE),
    }
    if role not in looks:
        raise CannotStart(f"{role}: one of {', '.join(looks)} has a health check.")
    return looks[role]()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_fresh(paths: Iterable[Path], silence: float) -> bool:
    """Whether one of them was written within the last `silence` seconds."""
    with suppress(OSError):
        return any(time.time() - path.stat().st_mtime < silence for path in paths)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
