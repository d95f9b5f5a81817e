"""Files that are made for one answer: written to disk first, then sent piece by piece.

So an answer of any size takes little memory, no database connection waits for a slow reader, and what fails while it
is made is an error page instead of half a file. Django would collect a plain iterator in memory before sending it
(`StreamingHttpResponse` under ASGI).
"""

import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

PIECE = 64 * 1024
IN_MEMORY = 256 * 1024  # what is smaller never reaches the disk

# What a page of ours may do that holds other people's words and is kept for years: nothing but look right.
_LOCKED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
LOCKED = f"sandbox; frame-ancestors 'none'; {_LOCKED}"


def spooled(parts: Iterable[bytes]) -> IO[bytes]:
    """A file that holds the parts, at its beginning; it is gone once it is closed."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  the answer closes it
    try:
        for part in parts:
            file.write(part)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


class Download(StreamingHttpResponse):
    """A file as an answer. `inline`: shown by the browser, locked in, else kept as a file."""

    def __init__(self, file: IO[bytes], name: str, content_type: str, *, inline: bool = False) -> None:
        file.seek(0, 2)
        size = file.tell()
        file.seek(0)
        super().__init__(_pieces(file), content_type=content_type)
        self._resource_closers.append(file.close)  # type: ignore[attr-defined]  # Django closes it with the answer
        how = "inline" if inline else "attachment"
        self.headers["Content-Disposition"] = f'{how}; filename="{name}"'
        self.headers["Content-Length"] = str(size)
        self.headers["X-Content-Type-Options"] = "nosniff"
        self.headers["Cache-Control"] = "private, no-store"
        self.headers["Content-Security-Policy"] = LOCKED

    async def __aiter__(self) -> AsyncIterator[Any]:
        """One piece at a time; Django's own way takes all of them at once."""
        pieces = iter(self)
        while (piece := await sync_to_async(_next)(pieces)) is not None:
            yield piece


def _next(pieces: Iterator[Any]) -> Any:
    return next(pieces, None)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece
