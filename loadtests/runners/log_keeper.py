"""Keeps what k6 logs, in bounded space and as it comes: `python log_keeper.py FOLDER HEAD TAIL`, k6's log as its input.

Reads to the end, whatever becomes of its files: a k6 whose log nobody reads would stand still. `log.head` has the first
HEAD bytes, `log.tail` the last TAIL ones at least, and `told` the marked lines of the script, which are no log.
A program of its own, without anything of ours: it lives as long as k6, which outlives the worker that started both.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

_MARKED = b'msg="METRICVAULT-FAILED '
_MOST_TOLD = 8 * 1024 * 1024
_LONGEST_LINE = 1024 * 1024
_AT_ONCE = 64 * 1024


class Keeper:
    """What has been written so far. `feed` takes pieces as they come, `end` what is left of the last line."""

    def __init__(self, folder: Path, head: int, tail: int) -> None:
        self._folder, self._head, self._tail = folder, head, tail
        self._open, self._told, self._after = b"", 0, 0

    def feed(self, piece: bytes) -> None:
        """Writes the whole lines there are now."""
        whole, end, rest = (self._open + piece).rpartition(b"\n")
        self._open = rest
        if whole or end:
            self._take(whole + end)
        if len(rest) > _LONGEST_LINE:
            self.end()

    def end(self) -> None:
        """Writes what is left."""
        self._take(self._open)
        self._open = b""

    def _take(self, text: bytes) -> None:
        if _MARKED in text:
            marked: list[bytes] = []
            rest: list[bytes] = []
            for line in text.splitlines(keepends=True):
                (marked if line.startswith(b"time=") and _MARKED in line[:80] else rest).append(line)
            text = b"".join(rest)
            self._tell(b"".join(marked))
        self._log(text)

    def _tell(self, lines: bytes) -> None:
        self._told += len(lines)
        if self._told <= _MOST_TOLD:
            self._write("told", lines)

    def _log(self, text: bytes) -> None:
        first, text = text[: self._head], text[self._head :]
        self._head -= len(first)
        if first:
            self._write("log.head", first)
        if not text:
            return
        self._write("log.tail", text)
        self._after += len(text)
        if self._after > 2 * self._tail:
            self._shorten()

    def _shorten(self) -> None:
        """In one step, so that who reads finds the one or the other."""
        with suppress(OSError):
            last = (self._folder / "log.tail").read_bytes()[-self._tail :]
            (self._folder / "log.tail.new").write_bytes(last)
            os.replace(self._folder / "log.tail.new", self._folder / "log.tail")
            self._after = len(last)

    def _write(self, name: str, text: bytes) -> None:
        with suppress(OSError), (self._folder / name).open("ab") as file:
            file.write(text)


def main() -> None:
    """Until the input ends."""
    folder, head, tail = sys.argv[1:4]
    keeper = Keeper(Path(folder), int(head), int(tail))
    while piece := os.read(0, _AT_ONCE):
        keeper.feed(piece)
    keeper.end()


if __name__ == "__main__":
    main()
