"""Pieces that the benches of the web process share: real servers, and one real uvicorn before them, on loopback."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.installed import find
from tests.servers import free_port, new_database, postgres_server, redis_server, running

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Web:
    """A running web process: `port`, its process, and the database behind it ("" for SQLite)."""

    port: int
    process: psutil.Process
    database_url: str
    data_dir: Path

    def database_connections(self) -> int:
        """How many the database counts; for SQLite, how often the file is open."""
        if not self.database_url:
            return sum(file.path.endswith(".sqlite3") for file in self.process.open_files())
        import psycopg

        name = self.database_url.rpartition("/")[2]
        with psycopg.connect(f"{self.database_url.rpartition('/')[0]}/postgres") as connection:
            row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def web_process(on_postgres: bool) -> Iterator[Web]:
    """One web process with open access, on a new PostgreSQL (with fsync) or SQLite, and a new Redis. Django is set up
    here, too, with the same settings: what the bench publishes takes the way of a worker's messages."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metricvault-bench-")))
        redis_url = stack.enter_context(running(redis_server(folder)))
        database_url = ""
        if on_postgres:
            database_url = new_database(stack.enter_context(running(postgres_server(folder, safe=True))), "bench")
        port = free_port()
        os.environ.update(
            DJANGO_SETTINGS_MODULE="metricvault.settings",
            METRICVAULT_DATA_DIR=str(folder),
            METRICVAULT_OPEN_ACCESS="true",
            LOG_LEVEL="WARNING",
            METRICVAULT_RATE_PUSH="off",
            METRICVAULT_RATE_API="off",
            PORT=str(port),
            REDIS_URL=redis_url,
            DATABASE_URL=database_url,
        )
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
        import django

        django.setup()
        from metricvault.supervise.programs import web_command

        process = subprocess.Popen(web_command(sys.executable, "127.0.0.1", port), cwd=ROOT)
        try:
            _until_it_answers(port)
            yield Web(port, psutil.Process(process.pid), database_url, folder)
        finally:
            process.terminate()
            process.wait(20)


def _until_it_answers(port: int) -> None:
    for _attempt in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("The web process did not start.")


def backends() -> list[bool]:
    """What to measure on: SQLite, and PostgreSQL where it is installed."""
    return [False, True] if find("postgres") else [False]
