"""Follows what supervisord says and turns it into sentences."""

import contextlib
import http.client
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict, deque
from pathlib import Path

from metricvault.supervise.place import HOST, CannotStart

PATIENCE = 60.0  # seconds from the first process to the first answer
_LINE = re.compile(r"(?P<level>INFO|WARN) (?P<what>exited|gave up): (?P<name>\w+) (?P<how>.*)")
_TAIL = 15
# A part that ends this often within a minute is not to be kept alive.
MOST_ENDS, WITHIN = 5, 60.0


class OwnerGone(Exception):
    """The process that started this one has died, so nobody is left who could end it."""


class Watch:
    """Raises `CannotStart` where a part cannot be kept alive, or supervisord is gone."""

    def __init__(self, logs: Path, supervisor: "subprocess.Popen[str]") -> None:
        self._logs = logs
        self._supervisor = supervisor
        self._owner = os.getppid()
        self._last = ""
        self._ends: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=MOST_ENDS))
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def until_it_answers(self, port: int, path: str) -> None:
        """Waits for an HTTP answer, of whatever status."""
        end = time.monotonic() + PATIENCE
        while not answers(port, path):
            if time.monotonic() > end:
                raise CannotStart(f"http://{HOST}:{port} does not answer after {PATIENCE:g} s. Logs: {self._logs}")
            self.look(0.1)

    def for_ever(self) -> None:
        while True:
            self.look(1.0)

    def look(self, seconds: float) -> None:
        """What happened within `seconds`, or since the last look."""
        if os.getppid() != self._owner:
            raise OwnerGone
        found = None
        with contextlib.suppress(queue.Empty):
            self._last = self._lines.get(timeout=seconds).strip()
            found = _LINE.search(self._last)
        if found and (found["what"] == "gave up" or self._too_often(found["name"])):
            raise CannotStart(f"{self._tail(found['name'])}\n\n{found['name']} does not stay alive; its log is above.")
        if found and found["level"] == "WARN":
            how = found["how"].strip("()").removesuffix("; not expected")
            print(f"{found['name']} has ended ({how}) and is started again.", file=sys.stderr, flush=True)
        if self._supervisor.poll() is not None:
            raise CannotStart(f"{self._last}\n\nThe supervisor has ended, so everything ends. Logs: {self._logs}")

    def _too_often(self, name: str) -> bool:
        ends = self._ends[name]
        ends.append(time.monotonic())
        return len(ends) == MOST_ENDS and ends[-1] - ends[0] < WITHIN

    def _listen(self) -> None:
        for line in self._supervisor.stdout or ():
            self._lines.put(line)

    def _tail(self, name: str) -> str:
        path = self._logs / f"{name}.log"
        try:
            lines = path.read_text("utf-8", "replace").splitlines()[-_TAIL:]
        except OSError:
            lines = []
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
