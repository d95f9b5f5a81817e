"""Plain values and long rows of counts as compact bytes. Pure.

Format: zlib over one letter (H, I or Q: counts of 2, 4 or 8 bytes), the length of the JSON in 4 bytes, the JSON, and
the counts one after another. All of it little-endian.
"""

import sys
import zlib
from array import array
from typing import Any

import orjson

_LETTERS = "HIQ"
_HEAD = 5


def pack(plain: Any, counts: list[int]) -> bytes:
    """`plain` as JSON knows it; `counts` are whole and not below zero."""
    text = orjson.dumps(plain)
    row = _row(counts)
    head = row.typecode.encode() + len(text).to_bytes(4, "little")
    return zlib.compress(b"".join((head, text, row.tobytes())), 1)


def _row(counts: list[int]) -> "array[int]":
    for letter in _LETTERS:
        try:
            row = array(letter, counts)
        except OverflowError:
            continue
        if sys.byteorder == "big":
            row.byteswap()
        return row
    raise OverflowError("A count is too great, or below zero.")


def unpack(packed: bytes) -> tuple[Any, list[int]]:
    """The reverse of `pack`."""
    return read(zlib.decompress(packed))


def read(unzipped: bytes) -> tuple[Any, list[int]]:
    """The same of what zlib has opened already."""
    end = _HEAD + int.from_bytes(unzipped[1:_HEAD], "little")
    row = array(chr(unzipped[0]))
    row.frombytes(unzipped[end:])
    if sys.byteorder == "big":
        row.byteswap()
    return orjson.loads(unzipped[_HEAD:end]), row.tolist()
