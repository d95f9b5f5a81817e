"""Where one copy lives: its folder, its ports, and the lock that keeps a second start out. Standard library only."""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
LOGS, PID_FILE = "logs", "supervisord.pid"  # in the data folder
SUPERVISOR_LOG = "supervisord.log"
ROOT = Path(__file__).resolve().parent.parent.parent
# Far enough from PORT that copies on neighbouring ports do not meet.
DEMO_DISTANCE, DEMO_TRIES = 10_000, 50
# sun_path of a Unix socket is 104 bytes on macOS, 108 on Linux, with the closing zero.
LONGEST_SOCKET = 103
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


class CannotStart(Exception):
    """A sentence for whoever typed the command: what is in the way, and the way out."""


@dataclass(frozen=True, slots=True)
class Place:
    """`data_dir` is absolute and without symbolic links, so that processes can be told by it."""

    port: int
    data_dir: Path

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def logs(self) -> Path:
        return self.data_dir / LOGS

    @property
    def running(self) -> Path:
        """A file that is there while processes of the copy may live: also after an end that came without warning."""
        return self.data_dir / "running"

    @property
    def redis_socket(self) -> Path:
        """In the data folder; in the machine's temporary folder where that path is too long for a socket, or has signs
        that mean something in the address of a Celery broker."""
        path = self.data_dir / "redis.sock"
        if len(str(path)) <= LONGEST_SOCKET and _PLAIN.fullmatch(str(path)):
            return path
        name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"metricvault-{os.getuid()}-{name}" / "redis.sock"

    def make_folders(self) -> None:
        """Only this user may look into them: they hold the secret key, and Redis asks nobody for a password."""
        for folder in (self.data_dir, self.logs, self.redis_socket.parent):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise CannotStart(
                    f"{folder} cannot be made ({error.strerror}). METRICVAULT_DATA_DIR=… names another."
                ) from None
        if self.redis_socket.parent.stat().st_uid != os.getuid():
            raise CannotStart(
                f"{self.redis_socket.parent} belongs to somebody else. Choose a shorter METRICVAULT_DATA_DIR."
            )

    def secret_key(self) -> str:
        """Made once per copy, so that logins outlive a restart."""
        path = self.data_dir / "secret-key"
        with contextlib.suppress(FileExistsError), open(path, "x", opener=_private) as file:
            file.write(secrets.token_urlsafe(48))
        return path.read_text().strip()


def read_place(environ: Mapping[str, str]) -> Place:
    """From PORT and METRICVAULT_DATA_DIR; raises `CannotStart` for a PORT that is none."""
    asked = environ.get("PORT", "").strip() or "8000"
    if not asked.isdecimal() or not 0 < int(asked[:6]) < 65_536:
        raise CannotStart(f"PORT={asked}: write a number from 1 to 65535.")
    folder = environ.get("METRICVAULT_DATA_DIR", "").strip()
    return Place(int(asked), (Path(folder).expanduser() if folder else ROOT / ".data").resolve())


@contextlib.contextmanager
def locked(place: Place) -> Iterator[None]:
    """Holds the copy's folder; raises `CannotStart` where another start holds it. The lock dies with its process."""
    place.make_folders()
    with open(place.data_dir / "lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            where = place.running.read_text() if place.running.exists() else "starting"
            raise CannotStart(
                f"This copy of Metric Vault is already running ({where}, data folder {place.data_dir}).\n"
                "For a second one beside it: PORT=8010 METRICVAULT_DATA_DIR=.data-2 make run"
            ) from None
        yield


def check_port(port: int) -> None:
    """Raises `CannotStart` where somebody listens on `port`, or may not be listened on."""
    problem = _port_problem(port)
    if problem == errno.EACCES:
        raise CannotStart(f"Port {port} is reserved for the administrator. Choose another: PORT=8010 make run")
    if problem:
        raise CannotStart(
            f"Port {port} is in use on this machine. Stop what listens there, or choose another: PORT=8010 make run"
        )


def find_demo_port(port: int, environ: Mapping[str, str]) -> int:
    """METRICVAULT_DEMO_PORT, else the first free one from `port` + 10000 on."""
    asked = environ.get("METRICVAULT_DEMO_PORT", "").strip()
    if asked:
        if not asked.isdecimal() or not 0 < int(asked[:6]) < 65_536:
            raise CannotStart(f"METRICVAULT_DEMO_PORT={asked}: write a number from 1 to 65535.")
        check_port(int(asked))
        return int(asked)
    first = port + DEMO_DISTANCE if port + DEMO_DISTANCE + DEMO_TRIES < 65_536 else port - DEMO_DISTANCE
    for candidate in range(first, first + DEMO_TRIES):
        if not _port_problem(candidate):
            return candidate
    raise CannotStart(f"No free port for the demo API from {first} on. METRICVAULT_DEMO_PORT=… names one.")


def _port_problem(port: int) -> int:
    """0 where it is free, else an errno. Asking to connect finds listeners on all addresses, too."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        if probe.connect_ex((HOST, port)) == 0:
            return errno.EADDRINUSE
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return 0


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
