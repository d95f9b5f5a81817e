"""`python -m tests.everything`: all tests, those on servers (tests/on_servers.py) beside the others, for both wait for
real runs most of the time. What the former say is shown after the others; the exit code is the worse one.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Workers of each: a third of the tests runs on servers.
ON_SERVERS, OTHERS = "2", "3"


def main() -> int:
    """pytest's exit code."""
    folder = Path(os.environ.get("METRICVAULT_DATA_DIR", ".data-test"))
    with tempfile.TemporaryFile() as said:
        servers = subprocess.Popen(
            [sys.executable, "-m", "tests.on_servers"],
            env={**os.environ, "METRICVAULT_TEST_WORKERS": ON_SERVERS, "METRICVAULT_DATA_DIR": str(folder / "servers")},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            here = {**os.environ, "METRICVAULT_TEST_WORKERS": OTHERS}
            code = subprocess.run([sys.executable, "-m", "tests.parallel"], env=here, check=False).returncode
            return max(code, servers.wait())
        finally:
            if servers.poll() is None:
                servers.terminate()
                servers.wait()
            said.seek(0)
            sys.stdout.write(said.read().decode(errors="replace"))


if __name__ == "__main__":
    sys.exit(main())
