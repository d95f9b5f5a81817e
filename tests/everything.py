"""`python -m tests.everything COMMAND …`: all tests, and beside them the command (`make checks`). Those on servers
(tests/on_servers.py) run beside the others: those across apps from the beginning, for they wait for real runs most of
the time, and what tests/asked.py chooses once the tests of the apps have ended.

What the command says is shown first, then the tests that need no servers, then those on servers, so that pytest's
closing line is the last. The exit code is the worst one.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.asked import WHERE
from tests.installed import find
from tests.on_servers import ONLY_HERE

ON_SERVERS, OTHERS = "1", "6"  # workers: many tests wait, on the two cores of a small machine
_LOOK, _PATIENCE = 0.2, 30.0  # seconds
# Hundreds of processes read the same code: where nothing was to be compiled in advance, it is compiled once.
_ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Beside:
    """A command that runs beside others and is heard in its turn."""

    def __init__(self, stack: ExitStack, command: list[str], **environ: str) -> None:
        self._said = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        self._process = subprocess.Popen(
            command, env={**_ENVIRON, **environ}, stdout=self._said, stderr=subprocess.STDOUT
        )
        stack.callback(self._end)

    def tell(self) -> int:
        """Says what it has said, then what it says until its end: its exit code."""
        heard = 0
        while True:
            over = self._process.poll() is not None
            part = os.pread(self._said.fileno(), 65536, heard)  # the place to read at is not the place it writes at
            heard += len(part)
            sys.stdout.buffer.write(part)
            sys.stdout.flush()
            if over and not part:
                return self._process.returncode
            if not part:
                time.sleep(_LOOK)

    def _end(self) -> None:
        """After Ctrl-C, which it heard as well, it ends by itself, and with it the servers it started."""
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait()


def main() -> int:
    """The worst exit code."""
    folder = Path(os.environ.get("METRICVAULT_DATA_DIR", ".data-test"))
    elsewhere = [f"--ignore={module}" for module, program in ONLY_HERE.items() if find(program)]
    with ExitStack() as stack:
        chosen = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metricvault-tests-"))) / "chosen"
        checks = [Beside(stack, sys.argv[1:])] if sys.argv[1:] else []
        apart = {"METRICVAULT_TEST_WORKERS": ON_SERVERS, "METRICVAULT_DATA_DIR": str(folder / "servers")}
        on_servers = Beside(stack, [sys.executable, "-m", "tests.on_servers"], **apart, **{WHERE: str(chosen)})
        command = [sys.executable, "-m", "tests.parallel", *elsewhere]
        others = Beside(stack, command, METRICVAULT_TEST_WORKERS=OTHERS, **{WHERE: str(chosen)})
        codes = [part.tell() for part in (*checks, others)]
        if not chosen.exists():  # they came to no end, which is a failure already
            chosen.touch()
        return max(abs(code) for code in (*codes, on_servers.tell()))


if __name__ == "__main__":
    sys.exit(main())
