"""The one command: gets a copy ready, starts it, says where it is, and leaves nothing behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from metricvault.supervise.place import (
    HOST,
    ROOT,
    SUPERVISOR_LOG,
    CannotStart,
    Place,
    check_port,
    find_demo_port,
    locked,
    read_place,
)
from metricvault.supervise.programs import (
    PROXIES,
    check_redis,
    environment,
    find_redis_server,
    programs,
    supervisor_config,
)
from metricvault.supervise.watch import OwnerGone, Watch

LOAD_PATIENCE = 3.0  # seconds in which k6 may hand over what it has measured
STOP_PATIENCE = 12.0  # seconds in which supervisord ends everything in order
_PR_SET_PDEATHSIG = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stop(Exception):
    """Somebody asked for the end."""


def main() -> int:
    """Exit code 0 after Ctrl-C or SIGTERM, 1 where it could not start or could not go on."""
    try:
        place = read_place(os.environ)
        with locked(place):
            if "--check" in sys.argv[1:]:
                check_redis(os.environ, installed=False)
                if not place.running.exists():
                    check_port(place.port)
            else:
                _run(place)
    except CannotStart as problem:
        _say(f"\n{problem}", error=True)
        return 1
    except (_Stop, OwnerGone):
        pass
    return 0


def _run(place: Place) -> None:
    for number in _SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _stop)
    _clear(place)
    check_port(place.port)
    demo_port = find_demo_port(place.port, os.environ)
    env = environment(place, os.environ)
    wanted = programs(place, sys.executable, _redis_server(), demo_port, os.environ.get(PROXIES, ""))
    config = place.data_dir / "supervisord.conf"
    config.write_text(supervisor_config(wanted), encoding="utf-8")
    supervisor = None
    place.running.write_text(place.url)
    try:
        _say("Starting …")
        _manage(env, "migrate", "--verbosity", "0")
        supervisor = _start(place, config, env)
        watch = Watch(place.logs, supervisor)
        watch.until_it_answers(place.port, "/healthz")
        watch.until_it_answers(demo_port, "/__counts")
        _first_steps(place, f"http://{HOST}:{demo_port}", env)
        _say(_banner(place, demo_port))
        watch.for_ever()
    finally:
        _end(place, supervisor)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stop


def _clear(place: Place) -> None:
    """Ends what a start left that was killed outright."""
    from metricvault.supervise.leftovers import kill_all

    if place.running.exists():
        kill_all(place)


def _redis_server() -> str:
    """ "" where REDIS_URL names a Redis outside."""
    found = "" if os.environ.get("REDIS_URL") else find_redis_server()
    if not found:
        check_redis(os.environ, installed=True)
    return found


def _start(place: Place, config: Path, env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """supervisord, in a session of its own: Ctrl-C reaches this process only, and the end comes in order. It writes to
    a file and not to us: when we are killed outright, a broken pipe would keep it from ending the others."""
    with open(place.logs / SUPERVISOR_LOG, "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(config)],
            cwd=place.data_dir,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )


def _end_with_parent() -> Callable[[], object] | None:
    """On Linux supervisord is told when this process is killed outright. Loaded before the fork, used after it."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _first_steps(place: Place, demo: str, env: dict[str, str]) -> None:
    """A project to look at and, once in a copy's life, a short run in it. Neither is worth failing for."""
    stamp = place.data_dir / "demo-address"
    # The demo API answers on this machine, whoever else may not be read from.
    trusting = {**env, "METRICVAULT_IMPORT_PRIVATE": "true"}
    try:
        before = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
        if not before:
            _manage(trusting, "demo_project", "--base-url", demo, "--first-run")
        elif before != demo:
            _manage(trusting, "demo_project", "--base-url", demo, "--moved-from", before)
        stamp.write_text(demo, encoding="utf-8")
    except CannotStart as problem:
        _say(f"The demo project is not ready: {problem}", error=True)


def _manage(env: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *command],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise CannotStart(f"{tail}\n\n`manage.py {command[0]}` failed; its last lines are above.")


def _end(place: Place, supervisor: "subprocess.Popen[bytes] | None") -> None:
    """k6 first, while there is somebody to take its last numbers; then supervisord, which ends the rest in order; then
    whatever is left. A second Ctrl-C skips to the last step."""
    from metricvault.supervise.leftovers import end_load, kill_all

    with contextlib.suppress(_Stop, subprocess.TimeoutExpired):
        if supervisor is not None and supervisor.poll() is None:
            _say("\nStopping …")
            end_load(place, LOAD_PATIENCE)
            supervisor.terminate()
            supervisor.wait(STOP_PATIENCE)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    left = kill_all(place)
    if left:
        _say(f"Could not be ended: process {', '.join(str(process.pid) for process in left)}.", error=True)
        return
    place.running.unlink(missing_ok=True)
    if supervisor is not None:
        _say("Everything has ended.")


def _banner(place: Place, demo_port: int) -> str:
    return (
        f"\n  Metric Vault is ready: {place.url}\n\n"
        f"  An API to put under load: http://{HOST}:{demo_port} (its document: /openapi.json)\n"
        f"  Data and logs: {place.data_dir}\n"
        "  Ctrl-C ends everything.\n"
    )


def _say(text: str, error: bool = False) -> None:
    """Nobody may be listening any more: a closed pipe is no reason to leave processes behind."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr if error else sys.stdout, flush=True)


if __name__ == "__main__":
    sys.exit(main())
