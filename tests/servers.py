"""Real servers for tests, from Debian's packages: on loopback, on ports of their own, ended with the test.

`postgres(folder)`, `redis(folder)` and `influxdb(folder)` yield an address. Who wants to kill a server and to start
it again in the same place takes `postgres_server`, `redis_server` or `influxdb_server`, which give a `Server`.
"""

import contextlib
import getpass
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.installed import find

READY_WITHIN = 30.0
_USER = "metricvault"


def free_port() -> int:
    """A port nobody listens on now, and none that the system gives to a connection meanwhile (32768 and above): several
    copies and servers are started at the same moment."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class Server:
    """One server: `start`, `kill` (SIGKILL), `pause` and `go_on` (SIGSTOP, SIGCONT) and `end`, as often as wanted."""

    url: str
    command: list[str]
    port: int
    log: Path
    user: str | None = None
    polite: int = signal.SIGTERM
    is_ready: tuple[str, ...] = ()  # a command that says so; without one a connection does
    process: "subprocess.Popen[bytes] | None" = None
    at_end: list[Callable[[], object]] = field(default_factory=list)

    def start(self) -> None:
        """Returns once it takes connections."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
            )
        end = time.monotonic() + READY_WITHIN
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{self.command[0]} did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        if self.is_ready:
            return subprocess.run(self.is_ready, capture_output=True, check=False).returncode == 0
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """No goodbye, and nothing of it left: PostgreSQL is many processes, each in a group of its own."""
        self._signal_all(signal.SIGKILL)
        self._wait()

    def pause(self) -> None:
        """It holds its connections and says nothing."""
        self._signal_all(signal.SIGSTOP)

    def go_on(self) -> None:
        """The reverse of `pause`."""
        self._signal_all(signal.SIGCONT)

    def end(self) -> None:
        """In order; twice is once."""
        if self.process and self.process.poll() is None:
            self.go_on()
            self.process.send_signal(self.polite)
            self._wait()
        for clear in self.at_end:
            clear()

    def _signal_all(self, number: int) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        parent = psutil.Process(self.process.pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _wait(self) -> None:
        if self.process:
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self._signal_all(signal.SIGKILL)
                self.process.wait(5)


@contextmanager
def running(server: Server) -> Iterator[str]:
    """Its address, while it runs."""
    try:
        server.start()
        yield server.url
    finally:
        server.end()


def redis_server(folder: Path, port: int = 0) -> Server:
    """A Redis that keeps nothing."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    place = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    return Server(f"redis://127.0.0.1:{port}/0", [find("redis-server"), *place], port, folder / "redis.log")


def redis(folder: Path) -> AbstractContextManager[str]:
    """The address of a Redis of this test: `redis://127.0.0.1:PORT/0`."""
    return running(redis_server(folder))


def postgres_server(folder: Path, *, safe: bool = False) -> Server:
    """A new PostgreSQL cluster with the database `metricvault`. It refuses to run as root, so root makes it run as
    `postgres`, in a temporary folder which that user can reach. `safe`: with fsync, as in production."""
    folder.mkdir(parents=True, exist_ok=True)
    programs = Path(find("postgres")).parent
    user = "postgres" if getpass.getuser() == "root" else None
    cluster = Path(tempfile.mkdtemp(prefix="metricvault-pg-"))
    if user:
        shutil.chown(cluster, user, user)
    asked = [
        "--pgdata",
        str(cluster),
        "--username",
        _USER,
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
    ]
    made = subprocess.run(
        [str(programs / "initdb"), "--no-sync", *asked],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=user,
        group=user,
        extra_groups=[] if user else None,
    )
    assert made.returncode == 0, made.stderr
    port = free_port()
    options = [
        "listen_addresses=127.0.0.1",
        f"port={port}",
        "unix_socket_directories=",
        f"fsync={'on' if safe else 'off'}",
    ]
    settings = [part for option in options for part in ("-c", option)]
    url = f"postgresql://{_USER}@127.0.0.1:{port}/postgres"
    server = Server(
        url, [str(programs / "postgres"), "-D", str(cluster), *settings], port, folder / "postgres.log", user
    )
    server.is_ready = (str(programs / "pg_isready"), "--quiet", "--host", "127.0.0.1", "--port", str(port))
    server.polite = signal.SIGINT  # "fast": does not wait for those who are connected
    server.at_end.append(lambda: shutil.rmtree(cluster, ignore_errors=True))
    return server


def postgres(folder: Path) -> AbstractContextManager[str]:
    """The address of a PostgreSQL of this test: `postgresql://metricvault@127.0.0.1:PORT/postgres`."""
    return running(postgres_server(folder))


_INFLUXDB = """reporting-enabled = false
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[subscriber]
enabled = false
[continuous_queries]
enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
max-body-size = 0
auth-enabled = {auth}
"""


def influxdb_server(folder: Path, *, auth: bool = False) -> Server:
    """An empty InfluxDB 1.x; with `auth` it wants users to log in."""
    port, rpc = free_port(), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "influxdb.conf"
    text = _INFLUXDB.format(folder=folder, port=port, rpc=rpc, auth=str(auth).lower())
    config.write_text(text, encoding="utf-8")
    command = [find("influxd"), "-config", str(config)]
    return Server(f"http://127.0.0.1:{port}", command, port, folder / "influxdb.log")


def influxdb(folder: Path) -> AbstractContextManager[str]:
    """The address of an InfluxDB of this test: `http://127.0.0.1:PORT`."""
    return running(influxdb_server(folder))


def new_database(url: str, name: str, template: str = "template1") -> str:
    """A database of that name on the PostgreSQL of `url`, made as a copy where it is missing: its address."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))
    return f"{url.rpartition('/')[0]}/{name}"
