"""The one command: gets a copy ready, starts it, says where it is, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from metricvault.supervise.place import (
    HOST,
    ROOT,
    CannotStart,
    Place,
    check_port,
    find_demo_port,
    locked,
    read_place,
    was_left_running,
)

START_PATIENCE = 60.0  # seconds from the first process to the first answer
LOAD_PATIENCE = 3.0  # seconds in which k6 may hand over what it has measured
STOP_PATIENCE = 12.0  # seconds in which supervisord ends everything in order


class _Stop(Exception):
    """Somebody asked for the end."""


def main() -> int:
    """Exit code 0 after Ctrl-C or SIGTERM, 1 where it could not start or could not go on."""
    try:
        place = read_place(os.environ)
        if "--check" in sys.argv[1:]:
            with locked(place):
                if not was_left_running(place):
                    check_port(place.port)
            return 0
        with locked(place):
            _run(place)
    except CannotStart as problem:
        _say(f"\n{problem}", sys.stderr)
        return 1
    except _Stop:
        pass
    return 0


def _run(place: Place) -> None:
    from metricvault.supervise.leftovers import kill_all
    from metricvault.supervise.programs import environment, find_redis_server, programs, supervisor_config

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    if was_left_running(place):
        kill_all(place)
        (place.data_dir / "supervisord.pid").unlink(missing_ok=True)
    check_port(place.port)
    demo_port = find_demo_port(place.port, os.environ)
    env = environment(place, os.environ)
    redis_server = "" if os.environ.get("REDIS_URL") else find_redis_server()
    if not redis_server and not os.environ.get("REDIS_URL"):
        raise CannotStart(
            "There is no redis-server here: its wheel is made for Python 3.11 and 3.12 on x86-64 Linux. "
            "Install redis-server, or set REDIS_URL."
        )
    config = place.data_dir / "supervisord.conf"
    config.write_text(supervisor_config(place, programs(place, sys.executable, redis_server, demo_port)), "utf-8")
    supervisor: subprocess.Popen[str] | None = None
    try:
        _manage(env, "migrate", "--verbosity", "0")
        supervisor = _start(config, env)
        watch = Watch(place, supervisor)
        watch.until_it_answers(place.port, "/healthz")
        watch.until_it_answers(demo_port, "/health")
        _first_steps(place, demo_port, env)
        _say(_banner(place, demo_port))
        watch.for_ever()
    finally:
        _end(place, supervisor)


def _start(config: object, env: dict[str, str]) -> "subprocess.Popen[str]":
    """supervisord, in a session of its own so that Ctrl-C reaches this process only and the end comes in order."""
    command = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(config)]
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        preexec_fn=_die_with_parent(),
    )


def _first_steps(place: Place, demo_port: int, env: dict[str, str]) -> None:
    """A project to look at and, once in a copy's life, a short run in it. Neither is worth failing for."""
    stamp = place.data_dir / "first-steps-done"
    address = f"http://{HOST}:{demo_port}"
    try:
        if not stamp.exists():
            _manage(env, "demo_project", "--base-url", address)
            _manage(env, "first_run")
        elif stamp.read_text() != address:
            _manage(env, "demo_project", "--base-url", address, "--only-existing")
        stamp.write_text(address)
    except CannotStart as problem:
        _say(f"The demo project could not be made: {problem}", sys.stderr)


def _manage(env: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False,
        start_new_session=True,
    )
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise CannotStart(f"{tail}\n\n`manage.py {command[0]}` failed; its last lines are above.")


def _end(place: Place, supervisor: "subprocess.Popen[str] | None") -> None:
    """k6 first, while there is somebody to take its last numbers; then supervisord, which ends the rest in order;
    then whatever is left. A second Ctrl-C skips to the last step."""
    from metricvault.supervise.leftovers import end_load, kill_all

    try:
        if supervisor is not None and supervisor.poll() is None:
            _say("\nStopping …")
            end_load(place, LOAD_PATIENCE)
            supervisor.terminate()
            supervisor.wait(STOP_PATIENCE)
    except (_Stop, subprocess.TimeoutExpired):
        pass
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    left = kill_all(place)
    (place.data_dir / "supervisord.pid").unlink(missing_ok=True)
    if left:
        _say(f"Could not be ended: {', '.join(str(process.pid) for process in left)}.", sys.stderr)
    elif supervisor is not None:
        _say("Everything has ended.")


def _banner(place: Place, demo_port: int) -> str:
    return (
        f"\n  Metric Vault is ready: {place.url}\n\n"
        f"  An API to put under load: http://{HOST}:{demo_port} (its document: /openapi.json)\n"
        f"  Data and logs: {place.data_dir}\n"
        "  Ctrl-C ends everything.\n"
    )
