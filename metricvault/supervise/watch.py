"""Follows what supervisord writes and turns it into sentences."""

import contextlib
import http.client
import os
import re
import subprocess
import sys
import time
from collections import defaultdict, deque
from pathlib import Path

from metricvault.supervise.place import HOST, SUPERVISOR_LOG, CannotStart

PATIENCE = 60.0  # seconds from the first process to the first answer
# A part that ends this often within a minute is not to be kept alive.
MOST_ENDS, WITHIN = 5, 60.0
_LINE = re.compile(r"(?P<level>INFO|WARN) (?P<what>exited|gave up): (?P<name>\w+) (?P<how>.*)")
_TAIL = 15


class OwnerGone(Exception):
    """The process that started this one has died, so nobody is left who could end it."""


class Watch:
    """Raises `CannotStart` where a part cannot be kept alive, or supervisord is gone."""

    def __init__(self, logs: Path, supervisor: "subprocess.Popen[bytes]") -> None:
        self._logs = logs
        self._supervisor = supervisor
        self._owner = os.getppid()
        self._read = 0  # bytes of supervisord's log
        self._ends: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=MOST_ENDS))

    def until_it_answers(self, port: int, path: str) -> None:
        """Waits for an HTTP answer, of whatever status."""
        end = time.monotonic() + PATIENCE
        while not answers(port, path):
            if time.monotonic() > end:
                raise CannotStart(f"http://{HOST}:{port} does not answer after {PATIENCE:g} s. Logs: {self._logs}")
            self.look()
            time.sleep(0.1)

    def for_ever(self) -> None:
        while True:
            self.look()
            time.sleep(0.5)

    def look(self) -> None:
        """Says what has happened since the last look."""
        if os.getppid() != self._owner:
            raise OwnerGone
        for line in self._new_lines():
            if found := _LINE.search(line):
                self._tell(found)
        if self._supervisor.poll() is not None:
            raise CannotStart(f"{self._tail('supervisord')}\n\nThe supervisor has ended, so everything ends.")

    def _tell(self, found: re.Match[str]) -> None:
        name = found["name"]
        if found["what"] == "gave up" or self._too_often(name):
            raise CannotStart(f"{self._tail(name)}\n\n{name} does not stay alive; its log is above.")
        if found["level"] == "WARN":
            how = found["how"].strip("()").removesuffix("; not expected")
            print(f"{name} has ended ({how}) and is started again.", file=sys.stderr, flush=True)

    def _too_often(self, name: str) -> bool:
        ends = self._ends[name]
        ends.append(time.monotonic())
        return len(ends) == MOST_ENDS and ends[-1] - ends[0] < WITHIN

    def _new_lines(self) -> list[str]:
        with contextlib.suppress(OSError), open(self._logs / SUPERVISOR_LOG, "rb") as log:
            log.seek(self._read)
            whole, newline, _rest = log.read().rpartition(b"\n")
            self._read += len(whole + newline)
            return whole.decode("utf-8", "replace").splitlines()
        return []

    def _tail(self, name: str) -> str:
        path = self._logs / f"{name}.log"
        lines: list[str] = []
        with contextlib.suppress(OSError):
            lines = path.read_text("utf-8", "replace").splitlines()[-_TAIL:]
        return "\n".join([*lines, f"({path})"])


def answers(port: int, path: str) -> bool:
    """Whether something speaks HTTP there."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
