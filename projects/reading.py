"""Bytes -> what is kept of a document; a large one in a process of its own, that may end badly without harm.

Reading 13 MB takes seconds of one core and hundreds of MB, which a web process would not give back, and its other
requests would wait meanwhile. Nothing of Django.
"""

import pickle  # nosec B403  # between our own processes
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from projects.child import Limits, run_child
from projects.openapi import ApiDocument, DocumentError, DocumentTooLarge, Warning, extract_api, read_document
from projects.openapi.wording import gettext_noop

SMALL = 256 * 1024  # below it, starting a process takes longer than reading
LIMITS = Limits(memory=1024**3, cpu_seconds=120, seconds=120, niceness=5)
PATIENCE = 60.0  # seconds for which a document waits for others to be read
AT_ONCE = 2  # in one process of ours; each may take a core and the memory of `LIMITS`
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
    if not _room.acquire(timeout=PATIENCE):
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
        run_child("projects.reading", LIMITS, question, answer, meanwhile)
        answer.seek(0)
        try:
            kind, result = pickle.load(answer)  # noqa: S301  # nosec B301  # written by our own process
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


def main() -> None:
    """What the process does: a pickled question from standard input, a pickled answer to standard output."""
    answer: tuple[str, Any]
    try:
        data, charset, source_url = pickle.load(sys.stdin.buffer)  # noqa: S301  # nosec B301  # written by our own process
        answer = ("read", _read(data, charset, source_url))
    except DocumentTooLarge as error:
        answer = ("large", (error.sentence.template, dict(error.sentence.values)))
    except DocumentError as error:
        answer = ("refused", (error.sentence.template, dict(error.sentence.values)))
    pickle.dump(answer, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
