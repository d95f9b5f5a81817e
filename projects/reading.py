"""Bytes -> what is kept of a document; a large one in a process of its own, that may end badly without harm.

Reading 13 MB takes seconds of one core and hundreds of MB, which a web process would not give back, and its other
requests would wait meanwhile. `python -m projects.reading` is that process. Nothing of Django.
"""

import os
import pickle
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from projects.openapi import ApiDocument, DocumentError, DocumentTooLarge, Warning, extract_api, read_document
from projects.openapi.wording import gettext_noop

SMALL = 256 * 1024  # below it, starting a process takes longer than reading
MOST_SECONDS = 120
VALIDATION_SECONDS = 180  # of CPU
MOST_MEMORY = 1024**3  # of addresses
AT_ONCE = 2  # in one process of ours; each may take a core and `MOST_MEMORY`
_ROOT = Path(__file__).resolve().parent.parent
_room = threading.BoundedSemaphore(AT_ONCE)


class ReaderBusy(Exception):
    """Other large documents are being read, and did not end in time."""


@dataclass(frozen=True, slots=True)
class ReadApi:
    """The text that was read, and what it describes."""

    text: str
    api: ApiDocument
    warnings: tuple[Warning, ...]


def read_api(
    data: bytes | str, charset: str = "", source_url: str = "", meanwhile: Callable[[], None] | None = None
) -> ReadApi:
    """Reads a document as `read_document` and `extract_api` do, and raises what they raise.

    `meanwhile` is called each half second while a large one, or a zip, is read. `ReaderBusy` where too many are.
    """
    is_zip = isinstance(data, bytes) and data.startswith(b"PK")
    if len(data) <= SMALL and not is_zip:
        return _read(data, charset, source_url)
    if not _room.acquire(timeout=MOST_SECONDS / 2):
        raise ReaderBusy
    try:
        return _read_elsewhere((data, charset, source_url), meanwhile)
    finally:
        _room.release()


def _read(data: bytes | str, charset: str, source_url: str) -> ReadApi:
    found = read_document(data) if isinstance(data, str) else read_document(data, charset)
    api = extract_api(found.document, source_url)
    return ReadApi(found.text, api, found.warnings + api.warnings)


def _read_elsewhere(asked: tuple[bytes | str, str, str], meanwhile: Callable[[], None] | None) -> ReadApi:
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as answer:
        pickle.dump(asked, question)
        question.seek(0)
        run_child("projects.reading", question, answer, MOST_SECONDS, meanwhile)
        answer.seek(0)
        try:
            kind, result = pickle.load(answer)  # noqa: S301 - written by our own process
        except (EOFError, pickle.UnpicklingError):
            raise DocumentTooLarge(
                gettext_noop(
                    "The document takes more memory or time to read than this server gives it. Import a part of it."
                )
            ) from None
    if kind == "read":
        assert isinstance(result, ReadApi)
        return result
    template, values = result
    raise (DocumentTooLarge if kind == "large" else DocumentError)(template, **values)


def run_child(
    module: str, question: IO[bytes], answer: IO[bytes], seconds: float, meanwhile: Callable[[], None] | None = None
) -> int:
    """Runs one of our modules with what is in `question`; answers its exit code, or -9 where it took too long."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=question,
        stdout=answer,
        stderr=subprocess.DEVNULL,  # a traceback would quote the document
        cwd=_ROOT,
        env=environment,
        start_new_session=True,
    )
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            try:
                return process.wait(0.5)
            except subprocess.TimeoutExpired:
                if meanwhile:
                    meanwhile()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return -9


def limit_this_process(memory: int, seconds: int, niceness: int) -> None:
    """For a child: bounds it, and lets it end with the process that started it."""
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _end_with_parent()


def _end_with_parent() -> None:
    """On Linux the kernel does it (PR_SET_PDEATHSIG); elsewhere the limit of CPU seconds has to do."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)


def _main() -> None:
    limit_this_process(MOST_MEMORY, MOST_SECONDS, 5)
    answer: tuple[str, Any]
    try:
        data, charset, source_url = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own process
        answer = ("read", _read(data, charset, source_url))
    except DocumentTooLarge as error:
        answer = ("large", (error.sentence.template, dict(error.sentence.values)))
    except DocumentError as error:
        answer = ("refused", (error.sentence.template, dict(error.sentence.values)))
    pickle.dump(answer, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    # Pickled classes carry their module's name, and this module is called otherwise while it runs.
    from projects import reading

    reading._main()
