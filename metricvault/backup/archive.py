"""The file: a zip of one member for each table (PostgreSQL) or of one for all (SQLite), and `manifest.json`, which is
last, so that a file that was cut short has none. Its sums tell damage, not malice: whoever may write the file may write
other sums into it."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

FORMAT = 1
MANIFEST = "manifest.json"
_BLOCK = 1024 * 1024


class BadBackup(Exception):
    """The file is no backup, or is damaged: a sentence that says what is wrong with it."""


@dataclass
class Manifest:
    """`made_at`: ISO 8601, UTC. `migrations`: (app, name) of all that were applied. `tables`: columns by name, in their
    order. `sequences`: (table, column, last value, whether it was given out). `rows`: by table. `key`: tells the key
    that seals secrets (`projects.sealing.key_prints`). `members`: {"sha256", "size"} by name."""

    version: str
    engine: str
    made_at: str
    migrations: list[tuple[str, str]]
    key: str
    rows: dict[str, int] = field(default_factory=dict)
    tables: dict[str, list[str]] = field(default_factory=dict)
    sequences: list[tuple[str, str, int, bool]] = field(default_factory=list)
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    format: int = FORMAT


class Sink(Protocol):
    """Where a member's bytes go."""

    def write(self, data: bytes, /) -> object:
        """Takes the next bytes."""


class _Summed:
    """Passes bytes on, and adds them up."""

    def __init__(self, target: Sink) -> None:
        self._target, self.sum, self.size = target, hashlib.sha256(), 0

    def write(self, data: bytes, /) -> None:
        """The next bytes, of any kind that has a buffer."""
        self._target.write(data)
        self.sum.update(data)
        self.size += len(data)


class Writer:
    """Writes a backup to a file that need not be one that can be wound back (standard output)."""

    def __init__(self, target: IO[bytes], manifest: Manifest) -> None:
        self.manifest = manifest
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6)

    @contextmanager
    def member(self, name: str) -> Iterator[Sink]:
        """One member; larger than 4 GB is fine."""
        with self._zip.open(name, "w", force_zip64=True) as target:
            summed = _Summed(target)
            yield summed
        self.manifest.members[name] = {"sha256": summed.sum.hexdigest(), "size": summed.size}

    def close(self) -> None:
        """Writes the manifest; without it the file is no backup."""
        self._zip.writestr(MANIFEST, json.dumps(asdict(self.manifest), indent=1))
        self._zip.close()


class Reader:
    """A backup that was looked through: everything is there, as it was written. Raises `BadBackup`."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest = _manifest(self._zip.read(MANIFEST))
            for name, said in self.manifest.members.items():
                self._check(name, said)
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
            raise BadBackup("This file is no backup of Metric Vault, or it is damaged or was cut short.") from error

    def open(self, name: str) -> IO[bytes]:
        """The bytes of a member."""
        return self._zip.open(name)

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()

    def _check(self, name: str, said: dict[str, Any]) -> None:
        found, size = hashlib.sha256(), 0
        with self._zip.open(name) as member:
            while block := member.read(_BLOCK):
                found.update(block)
                size += len(block)
                if size > said["size"]:
                    break
        if (found.hexdigest(), size) != (said["sha256"], said["size"]):
            raise BadBackup(f"This backup is damaged: {name} is not what was written.")


def _manifest(raw: bytes) -> Manifest:
    try:
        said = json.loads(raw)
        if said["format"] != FORMAT:
            raise BadBackup(f"This backup has format {said['format']!r}; this version reads format {FORMAT}.")
        found = Manifest(**said)
    except (ValueError, KeyError, TypeError) as error:
        raise BadBackup("This backup's manifest cannot be read.") from error
    found.migrations = [(str(app), str(name)) for app, name in found.migrations]
    return found
