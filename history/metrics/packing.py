"""Plain values and long rows of counts as compact bytes. Pure.

Format: zlib over one letter (H, I or Q: counts of 2, 4 or 8 bytes), the length of the JSON in 4 bytes, the JSON, and
the counts one after another. All of it little-endian. Here, too, counts are bytes: 8 of each, little-endian.
"""

import zlib
from typing import Any

import orjson

from history.metrics.lanes import BYTES

_SIZES = {"H": 2, "I": 4, "Q": BYTES}
_HEAD = 5


def pack(plain: Any, counts: bytes | bytearray) -> bytes:
    """`plain` as JSON knows it."""
    text = orjson.dumps(plain)
    letter, row = _narrowed(counts)
    return zlib.compress(b"".join((letter.encode(), len(text).to_bytes(4, "little"), text, row)), 1)


def _narrowed(counts: bytes | bytearray) -> tuple[str, bytes | bytearray]:
    """As many bytes of each as the greatest needs."""
    empty = bytes(len(counts) // BYTES)
    for letter, size in _SIZES.items():
        if all(counts[at::BYTES] == empty for at in range(size, BYTES)):
            row = bytearray(size * len(empty))
            for at in range(size):
                row[at::size] = counts[at::BYTES]
            return letter, row
    return "Q", counts  # not reached: nothing lies beyond the last byte


def unpack(packed: bytes) -> tuple[Any, bytes]:
    """The reverse of `pack`."""
    return read(zlib.decompress(packed))


def read(unzipped: bytes) -> tuple[Any, bytes]:
    """The same of what zlib has opened already."""
    end = _HEAD + int.from_bytes(unzipped[1:_HEAD], "little")
    size, row = _SIZES[chr(unzipped[0])], unzipped[end:]
    counts = bytearray(len(row) // size * BYTES)
    for at in range(size):
        counts[at::BYTES] = row[at::size]
    return orjson.loads(unzipped[_HEAD:end]), bytes(counts)
