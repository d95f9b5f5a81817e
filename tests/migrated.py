"""A database to which all migrations were applied, made once and copied: tests and copies of the product begin with it.

Where it is asked for, `migrate` runs all the same and finds nothing to do: 1 CPU second instead of 5. It is made by the
product's own command, on SQLite once for each state of the migrations, on PostgreSQL once for each server. The first
start of a copy (tests/test_make_run.py) and a database of an older version (projects/tests/test_migrations.py) are
migrated for real.
"""

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_FOLDER = _ROOT / ".data-test" / "migrated"
_BRING_MIGRATIONS = ("Django", "django-axes", "django-eventstream")
POSTGRES_TEMPLATE = "METRICVAULT_TEST_TEMPLATE"  # tests/on_servers.py: the name of the database to copy


def sqlite_file() -> Path:
    """The migrated SQLite database. Whoever asks first makes it; others wait."""
    found = _FOLDER / f"{_state()}.sqlite3"
    if found.exists():
        return found
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            for old in _FOLDER.glob("*.sqlite3"):
                old.unlink()
            with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
                _migrate(METRICVAULT_DATA_DIR=folder)
                made = Path(folder) / "metricvault.sqlite3"
                with closing(sqlite3.connect(made)) as connection:  # so that it is one file
                    connection.execute("PRAGMA journal_mode=DELETE")
                made.rename(found)
    return found


def fill_memory(name: str) -> sqlite3.Connection:
    """Fills the SQLite database in memory of that name (`file:…?mode=memory&cache=shared`), which lasts as long as the
    connection."""
    memory = sqlite3.connect(name, uri=True)
    with closing(sqlite3.connect(sqlite_file())) as made:
        made.backup(memory)
    return memory


def fill_copy(data_dir: Path) -> None:
    """Puts it where a copy of the product will look for its SQLite database, unless there is one."""
    place = data_dir / "metricvault.sqlite3"
    if not place.exists():
        shutil.copyfile(sqlite_file(), place)


def migrate_postgres(url: str) -> None:
    """Applies all migrations to the PostgreSQL database of `url`."""
    with tempfile.TemporaryDirectory() as folder:
        _migrate(METRICVAULT_DATA_DIR=folder, DATABASE_URL=url)


def _migrate(**environ: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("METRICVAULT_", "DATABASE_"))}
    command = [sys.executable, str(_ROOT / "manage.py"), "migrate", "--skip-checks", "--verbosity", "0"]
    done = subprocess.run(command, cwd=_ROOT, env={**kept, **environ}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"manage.py migrate failed:\n{done.stderr[-3000:]}")


def _state() -> str:
    """A sum over what the database is made of."""
    found = hashlib.sha256(" ".join(version(name) for name in _BRING_MIGRATIONS).encode())
    for file in sorted(_ROOT.glob("*/migrations/*.py")):
        found.update(f"\n{file.relative_to(_ROOT)}\n".encode() + file.read_bytes())
    return found.hexdigest()[:16]
