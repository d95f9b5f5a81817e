"""`python -m tests.on_servers [pytest arguments]`: runs tests on PostgreSQL, Redis and InfluxDB instead of SQLite, the
embedded Redis and the `database` store. Without arguments: the data, live and supervision parts, and the main job.

Starts the servers on free ports of loopback and ends them. Every copy of the product that a test starts gets a database
of its own on them, and a Redis of its own, because Redis does not divide published messages by database.
A server that is missing is named; with METRICVAULT_REQUIRE_ALL=1, which .ci/run sets, that is a failure.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from tests import servers
from tests.installed import find
from tests.migrated import POSTGRES_TEMPLATE, migrate_postgres

MARK = "METRICVAULT_TEST_SERVERS"
_OF_PROJECTS = ("importing", "import_jobs", "validation", "migrations", "api", "data_files", "environment_api")
IMPORTS = [f"projects/tests/test_{name}.py" for name in _OF_PROJECTS]
ON_INFLUXDB = "tests/test_influx_end_to_end.py"
ACROSS = ["tests/test_end_to_end.py", ON_INFLUXDB, "tests/test_several_processes.py"]
PARTS = ["history", "loadtests", *IMPORTS, *ACROSS]
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
    asked = [part for part in sys.argv[1:] if part != "--"] or PARTS
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
        return subprocess.run([sys.executable, "-m", "tests.parallel", *asked], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
