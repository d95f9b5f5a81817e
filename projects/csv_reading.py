"""The bytes of a CSV file -> columns and rows of text. No Django but its words.

What spreadsheet programs write is read: UTF-8 with and without a byte order mark, UTF-16 with one ("Unicode text"),
CP949 (Korean Excel), the delimiters `,`, `;` and tab, quotes as in RFC 4180, `sep=;` in the first line, `\\r` alone at
the ends of lines, empty lines, and empty columns at the end. UTF-8 is tried before CP949, strictly: Korean text of the
one is never valid in the other but for rare single words.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from metricvault.lib.errors import Detail, Refused

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 100
MOST_CELLS = 4_000_000
LONGEST_CELL = 32_767  # as in Excel
LONGEST_NAME = 100
MOST_NAMED = 5  # lines or columns that one sentence lists
# What a person may say the file is written in; "" for finding out.
ENCODINGS = ("utf-8", "cp949", "utf-16", "cp1252", "shift_jis", "gb18030")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = (",", ";", "\t")
_SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?\r?\n')
_NOT_IN_NAMES = re.compile(r'[{}."\\\x00-\x1f\x7f-\x9f\u2028\u2029]+')


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file as it was read. `columns` are as they stand behind the point of `{{name.column}}`."""

    columns: tuple[str, ...]
    rows: list[list[str]]
    encoding: str
    delimiter: str


def read_csv(data: bytes, encoding: str = "") -> Table:
    """The table of a file. Raises `Refused` at the field "file" (or "encoding") with a line and a way out."""
    if len(data) > MOST_BYTES:
        raise _refused(_("The file is larger than %(size)d MB.") % {"size": MOST_BYTES // 1024 // 1024})
    text, found = _decoded(data, encoding)
    if "\x00" in text:
        raise _refused(_("The file has NUL characters in it: it is no CSV. Save it as “CSV UTF-8”."))
    text, delimiter = _delimited(text)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    columns, rows = _table(text, delimiter)
    return Table(columns, rows, found, delimiter)


def _decoded(data: bytes, encoding: str) -> tuple[str, str]:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise _refused(_("This is a spreadsheet file, not CSV. Save it as “CSV UTF-8” in the spreadsheet program."))
    if encoding and encoding not in ENCODINGS:
        raise _refused(_("Write one of: %(choices)s.") % {"choices": ", ".join(ENCODINGS)}, "encoding")
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    tries = [marked] if marked else [encoding] if encoding else ["utf-8", "cp949"]
    for name in tries:
        try:
            return data.decode(name), name
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
    words: dict[str, object] = {"names": ", ".join(tries), "line": line}
    text = _("The file cannot be read as %(names)s (line %(line)d). Save it as “CSV UTF-8”, or say how it is written.")
    raise _refused(text % words)


def _delimited(text: str) -> tuple[str, str]:
    """The text without a `sep=` line, and its delimiter: the one that stands most often in the header, outside of
    quotes."""
    said = _SEPARATOR_LINE.match(text)
    if said:
        return text[said.end() :], said[1]
    header = re.match(r'(?:"[^"]*"|[^"\r\n])*', text.lstrip("\r\n"))
    bare = re.sub(r'"[^"]*"', "", header[0]) if header else ""
    return text, max(_DELIMITERS, key=bare.count)


def _table(text: str, delimiter: str) -> tuple[tuple[str, ...], list[list[str]]]:
    lines = _lines(text, delimiter)
    __, header = next(lines, (0, []))
    if not header:
        raise _refused(_("The file is empty. Its first line has to name the columns."))
    while header and not header[-1].strip():
        header.pop()
    columns = _columns(header)
    rows = list(_rows(lines, len(columns)))
    if not rows:
        raise _refused(_("The file has a line of column names, but no rows below it."))
    return columns, rows


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with anything in them, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        words = {"line": reader.line_num, "reason": str(error)}
        if "field larger" in str(error):
            raise _too_long(reader.line_num) from None
        if "unexpected end" in str(error):
            raise _refused(_("A quote that is opened in the file is never closed.")) from None
        raise _refused(_("Line %(line)d is not CSV (%(reason)s).") % words) from None


def _columns(header: list[str]) -> tuple[str, ...]:
    if len(header) > MOST_COLUMNS:
        raise _refused(_("The file has more than %(count)d columns.") % {"count": MOST_COLUMNS})
    names = [column_name(cell) for cell in header]
    empty = [str(at) for at, name in enumerate(names, 1) if not name]
    if empty:
        raise _refused(_("These columns have no name in the first line: %(numbers)s.") % {"numbers": _some(empty)})
    twice = [name for at, name in enumerate(names) if name in names[:at]]
    if twice:
        raise _refused(_("These columns are there twice: %(names)s.") % {"names": _some(twice)})
    long = [name for name in names if len(name) > LONGEST_NAME]
    if long:
        text = _("The name of a column has at most %(count)d characters. Does the first line name the columns?")
        raise _refused(text % {"count": LONGEST_NAME})
    return tuple(names)


def column_name(cell: str) -> str:
    """The header of a column as it stands in `{{name.column}}`: as it is, but for what cannot stand there (points,
    braces, quotes, control characters), which becomes "_". Composed Unicode, as it is typed on every keyboard."""
    plain = " ".join(unicodedata.normalize("NFC", cell).split())
    return _NOT_IN_NAMES.sub("_", plain)


def _rows(lines: Iterable[tuple[int, list[str]]], width: int) -> Iterator[list[str]]:
    ragged: list[str] = []
    for count, (number, cells) in enumerate(lines, 1):
        if count > MOST_ROWS or count * width > MOST_CELLS:
            words = {"rows": MOST_ROWS, "cells": MOST_CELLS}
            raise _refused(_("The file has more than %(rows)d rows, or %(cells)d values.") % words)
        del cells[max(width, _filled(cells)) :]
        if len(cells) != width:
            ragged.append(_("line %(line)d has %(count)d") % {"line": number, "count": len(cells)})
            if len(ragged) > MOST_NAMED:
                break
        elif max(map(len, cells)) > LONGEST_CELL:
            raise _too_long(number)
        yield cells
    if ragged:
        text = _("Every row needs %(count)d values, as the first line has: %(lines)s.")
        raise _refused(text % {"count": width, "lines": _some(ragged)})


def _filled(cells: list[str]) -> int:
    """How many cells there are up to the last one with anything in it."""
    return next((at for at in range(len(cells), 0, -1) if cells[at - 1]), 0)


def _too_long(line: int) -> Refused:
    words = {"line": line, "count": LONGEST_CELL}
    return _refused(_("Line %(line)d has a value of more than %(count)d characters.") % words)


def _some(names: list[str]) -> str:
    shown = [name[:60] for name in names[:MOST_NAMED]]
    return ", ".join(shown) + (", …" if len(names) > MOST_NAMED else "")


def _refused(message: str, field: str = "file") -> Refused:
    return Refused(message, [Detail(field, message)])
