"""The text files of a zip, read one by one and in memory. Nothing is unpacked: no name of the zip becomes a path.

What a zip says of its sizes is not believed: reading ends where the limits are reached.
"""

import io
import posixpath
import stat
import zipfile
import zlib
from urllib.parse import unquote

from projects.openapi.wording import DocumentError, DocumentTooLarge, gettext_noop

SIGNATURE = b"PK\x03\x04"
EMPTY = b"PK\x05\x06"
MOST_ENTRIES = 5_000
SUFFIXES = (".yaml", ".yml", ".json")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1


class Archive:
    """The YAML and JSON files of a zip by their place in it, `/` between folders. Reads `most_bytes` at most in all."""

    def __init__(self, data: bytes, most_bytes: int) -> None:
        self._left = self._most = most_bytes
        self._read: dict[str, bytes] = {}
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeDecodeError):
            raise DocumentError(gettext_noop("The zip file is damaged. Make it again and import it.")) from None
        if len(entries) > MOST_ENTRIES:
            raise DocumentTooLarge(
                gettext_noop("The zip holds more than %(count)d files. Zip only the OpenAPI document."),
                count=MOST_ENTRIES,
            )
        self._entries = {place: entry for entry in entries if (place := _place(entry))}

    @property
    def places(self) -> list[str]:
        """The places of all files, the shallowest first."""
        return sorted(self._entries, key=lambda place: (place.count("/"), place))

    def read(self, place: str) -> bytes:
        """The file at a place of `places`. Raises `DocumentError` for what cannot be read, or is too much."""
        if place not in self._read:
            self._read[place] = self._unpacked(place)
            self._left -= len(self._read[place])
        return self._read[place]

    def _unpacked(self, place: str) -> bytes:
        entry = self._entries[place]
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise DocumentError(
                gettext_noop("“%(name)s” in the zip is encrypted, or packed in a way that is not read."), name=place
            )
        try:
            with self._zip.open(entry) as file:
                data = file.read(self._left + 1)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, OSError, EOFError):
            raise DocumentError(gettext_noop("“%(name)s” in the zip is damaged."), name=place) from None
        if len(data) > self._left:
            raise DocumentTooLarge(
                gettext_noop("The files of the zip are larger than %(size)d MB together. Import a part of them."),
                size=self._most // 1024 // 1024,
            )
        return data

    def find(self, reference: str, place: str) -> str | None:
        """Where a relative reference written in the file at `place` leads; None where that is not in the zip."""
        for written in (reference, unquote(reference)):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(place), written.replace("\\", "/")))
            if target in self._entries:
                return target
        return None


def _place(entry: zipfile.ZipInfo) -> str | None:
    """The place of an entry that may be read: a plain text file within the zip."""
    name = _name(entry).replace("\\", "/")
    parts = name.split("/")
    if not name.lower().endswith(SUFFIXES) or name.startswith("/") or ".." in parts:
        return None
    if "__MACOSX" in parts or any(part.startswith("._") for part in parts):
        return None
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return None  # a symbolic link, a device
    return posixpath.normpath(name)


def _name(entry: zipfile.ZipInfo) -> str:
    """Windows writes Korean names in cp949, others UTF-8 without saying so; zipfile reads both as cp437."""
    if entry.flag_bits & _UTF8_NAME or entry.filename.isascii():
        return entry.filename
    for encoding in ("utf-8", "cp949"):
        try:
            return entry.filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return entry.filename
