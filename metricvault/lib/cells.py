"""CSV that spreadsheets read right: UTF-8 with a mark, commas, CRLF, numbers as numbers, and no text is a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

MARK = "\ufeff"  # without it Excel takes UTF-8 for the machine's old code page, and Korean is lost
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
_PLAIN = (int, float, type(None))  # which csv writes as `cell` does, and most cells of a long table are
_ROWS = 500  # so many rows are one piece
_LONGEST = 32_000  # Excel cuts a cell at 32,767


def cell(value: Any) -> str:
    """A value as a cell. A text that a spreadsheet would take for a formula gets an apostrophe before it (CWE-1236);
    a number stays one; nothing measured is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    words = str(value).replace("\0", "\ufffd")[:_LONGEST]
    return f"'{words}" if words.lstrip(" ").startswith(_FORMULA) else words


def written(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """A table as the pieces of a CSV file (RFC 4180)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write(MARK)
    writer.writerow(head)
    for number, row in enumerate(rows, 1):
        writer.writerow([value if type(value) in _PLAIN else cell(value) for value in row])
        if number % _ROWS == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    piece = buffer.getvalue().encode("utf-8", "replace")
    buffer.seek(0)
    buffer.truncate()
    return piece
