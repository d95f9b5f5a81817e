"""`python -m tests.on_servers [pytest arguments]`: runs tests on PostgreSQL, Redis and InfluxDB instead of SQLite, the
embedded Redis and the `database` store. Without arguments: all that touches a database, and the main job; as a part of
`make test` the main job, and what tests/asked.py chooses, once it has.

Starts the servers on free ports of loopback and ends them. Every copy of the product that a test starts gets a database
of its own on them, and a Redis of its own, because Redis does not divide published messages by database.
A server that is missing is named; with METRICVAULT_REQUIRE_ALL=1, which .ci/run sets, that is a failure.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from tests import asked, servers
from tests.installed import find
from tests.migrated import POSTGRES_TEMPLATE, migrate_postgres
from tests.needs import THOROUGH, WHICH

MARK = "METRICVAULT_TEST_SERVERS"
# These run here only, where the servers are installed: many processes are for production, and so is InfluxDB.
ONLY_HERE = {
    "tests/test_influx_end_to_end.py": "influxd",
    "tests/test_several_processes.py": "postgres",
    "tests/test_access_tokens.py": "postgres",
}
ACROSS = ["tests/test_end_to_end.py", *ONLY_HERE]
_NO_TESTS = 5  # pytest's exit code
Variables = Callable[[str], dict[str, str]]
SERVERS: dict[str, tuple[str, Callable[[Path], AbstractContextManager[str]], Variables]] = {
    "PostgreSQL": ("postgres", servers.postgres, lambda url: _postgres(url)),
    "Redis": ("redis-server", servers.redis, lambda url: {"REDIS_URL": url}),
    "InfluxDB": ("influxd", servers.influxdb, lambda url: _influxdb(url)),
}


def _postgres(url: str) -> dict[str, str]:
    template = "migrated"
    migrate_postgres(servers.new_database(url, template))
    return {"DATABASE_URL": url, POSTGRES_TEMPLATE: template}


def _influxdb(url: str) -> dict[str, str]:
    place = urlsplit(url)
    return {
        "METRICVAULT_METRICS_STORE": "influxdb",
        "INFLUXDB_HOST": place.hostname or "",
        "INFLUXDB_PORT": str(place.port),
    }


def main() -> int:
    """pytest's exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the servers end then, too
    named = [part for part in sys.argv[1:] if part != "--"]
    environ = {**os.environ, MARK: "1"}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metricvault-servers-")))
        missing = []
        for name, (program, start, variables) in SERVERS.items():
            if find(program):
                environ.update(variables(stack.enter_context(start(folder / program))))
            else:
                missing.append(name)
        used = ", ".join(name for name in SERVERS if name not in missing)
        sys.stdout.write(f"Tests on {used or 'no servers: none is installed here'}\n")
        if missing:
            sys.stdout.write(f"SKIPPED, not installed here: {', '.join(missing)}\n")
            if os.environ.get("METRICVAULT_REQUIRE_ALL") == "1":
                return 1
        if not used:
            return 0
        sys.stdout.flush()
        if named or asked.WHERE not in environ:
            return _pytest(named or [*ACROSS, *asked.APPS], environ)
        chosen = environ.pop(asked.WHERE)
        code = _pytest(ACROSS, environ)
        if environ.get(WHICH) == THOROUGH:
            return max(code, _left_by_daily({**environ, "METRICVAULT_TEST_WORKERS": "2"}))
        # They collect while the others are still running, and are the last: both cores are theirs.
        return max(code, _pytest(asked.APPS, {**environ, asked.WHERE: chosen, "METRICVAULT_TEST_WORKERS": "2"}))


def _left_by_daily(environ: dict[str, str]) -> int:
    """What `make test` chose and left; all that touches a database in its rooms where it did not run before."""
    del environ[WHICH]
    rooms = [room for room in asked.APPS if room not in asked.DAILY_APPS]
    if not asked.LEFT.exists():
        return _pytest(rooms, environ)
    if not asked.LEFT.read_text(encoding="utf-8"):
        return 0
    return _pytest(rooms, {**environ, asked.WHERE: str(asked.LEFT)})


def _pytest(parts: Iterable[str], environ: dict[str, str]) -> int:
    code = subprocess.run([sys.executable, "-m", "tests.parallel", *parts], env=environ, check=False).returncode
    nothing_to_do = code == _NO_TESTS and environ.get(WHICH) == THOROUGH
    return 0 if nothing_to_do else code


if __name__ == "__main__":
    sys.exit(main())
