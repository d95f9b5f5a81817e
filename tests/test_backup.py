"""A backup comes back on an empty installation as it was, on SQLite and on PostgreSQL; what cannot come back is refused
before anything is changed."""

import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.migrated import fill_copy, migrate_postgres
from tests.product import ROOT
from tests.servers import free_port, new_database, postgres

SEED = """
import django; django.setup()
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from history.tests.finished_runs import finished
from projects import api_tokens, audit
from projects.environments import sealed
from projects.models import Environment
alice = User.objects.create_superuser("alice", password="alice")
User.objects.create_user("비밥").delete()  # whose number is never given out again
run = finished(alice, title="A run, ‘quoted’, \\t and \\\\")
Environment.objects.create(project=run.project, name="staging", sealed=sealed({"variable:x": "s3cret"}))
api_tokens.make_token(alice, "ci", "run")
audit.record(audit.Action.STARTED, run, actor=alice)
Session.objects.create(session_key="k", session_data="d", expire_date=timezone.now())
"""
LOOK = """
import django; django.setup()
from django.contrib.auth.models import User
from projects.environments import unsealed
from projects.models import Environment
bob = User.objects.create_user("bob")
print(unsealed(Environment.objects.get()), User.objects.get(username="alice").check_password("alice"), bob.pk)
"""


class Installation:
    """A data folder and a database, and the product's commands on them."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder, self.url = folder, url
        folder.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("METRICVAULT_", "DATABASE_"))}
        nobody = f"http://127.0.0.1:{free_port()}"
        own = {"METRICVAULT_DATA_DIR": str(folder), "DATABASE_URL": url, "METRICVAULT_INGEST_URL": nobody}
        self.environ = {**kept, **own, "SECRET_KEY": "signs", "METRICVAULT_ENCRYPTION_KEY": "seals", "REDIS_URL": ""}
        self.environ["DJANGO_SETTINGS_MODULE"] = "metricvault.settings"

    def python(self, *arguments: str, ok: bool = True, **environ: str) -> str:
        command, env = [sys.executable, *arguments], {**self.environ, **environ}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def manage(self, *arguments: str, ok: bool = True, **environ: str) -> str:
        return self.python("manage.py", *arguments, ok=ok, **environ)

    def rows(self) -> dict[str, list[Any]]:
        """All that there is, by table, but when migrations were applied."""
        if self.url:
            import psycopg

            with psycopg.connect(self.url) as reached:
                names = reached.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
                found = {name: reached.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}  # type: ignore[arg-type]
        else:
            with closing(sqlite3.connect(self.folder / "metricvault.sqlite3")) as opened:
                names = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                found = {name: opened.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}
        applied = [row[1:3] for row in found.pop("django_migrations", [])]
        return {**{name: sorted(rows, key=repr) for name, rows in found.items()}, "applied": sorted(applied)}


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Makes installations on the engine; `empty`: without tables."""
    folder = tmp_path_factory.mktemp("backup")
    if request.param == "SQLite":

        def on_sqlite(name: str, *, empty: bool = True) -> Installation:
            made = Installation(folder / name)
            if not empty:
                fill_copy(made.folder)
            return made

        yield on_sqlite
        return
    from tests.needs import find, skip_or_fail

    if not find("postgres"):
        skip_or_fail("postgres")
    with postgres(folder / "server") as url:

        def on_postgres(name: str, *, empty: bool = True) -> Installation:
            made = Installation(folder / name, new_database(url, name))
            if not empty:
                migrate_postgres(made.url)
            return made

        yield on_postgres


@pytest.fixture(scope="module")
def source(make: Callable[..., Installation]) -> Installation:
    found = make("source", empty=False)
    found.python("-c", SEED)
    return found


@pytest.fixture(scope="module")
def backup(source: Installation) -> Path:
    path = source.folder / "a.backup"
    said = source.manage("backup", str(path))
    assert "Not in it: the keys" in said
    return path


def test_what_comes_back_is_what_was_there(
    make: Callable[..., Installation], source: Installation, backup: Path
) -> None:
    target = make("target")
    assert "Restored: " in target.manage("restore", str(backup))
    was, found = source.rows(), target.rows()
    assert was.pop("django_session")
    assert not found.pop("django_session")  # who was logged out since is not logged in again
    assert found == was
    # Secrets are readable with the key, people can log in, and no number is given out a second time.
    assert target.python("-c", LOOK).strip().endswith("{'variable:x': 's3cret'} True 3")
    said = target.manage("restore", str(backup), ok=False)
    assert "This installation is in use: 2 rows in auth_user" in said
    assert "--replace" in said
    said = target.manage("restore", str(backup), "--replace", METRICVAULT_ENCRYPTION_KEY="another")
    assert "METRICVAULT_ENCRYPTION_KEY_FALLBACKS" in said
    assert target.rows()["auth_user"] == was["auth_user"]


@pytest.mark.parametrize("make", ["SQLite"], indirect=True)
def test_nobody_else_can_read_it_and_the_keys_are_not_in_it(source: Installation, backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(backup) as opened:
        everything = b"".join(opened.read(name) for name in opened.namelist())
    for secret in (b"s3cret", b"signs", b"seals"):
        assert secret not in everything
    assert "is there already" in source.manage("backup", str(backup), ok=False)
    assert [path.name for path in source.folder.iterdir() if "part" in path.name or "backup-" in path.name] == []


@pytest.mark.parametrize("make", ["PostgreSQL"], indirect=True)  # on SQLite the file itself is older, and migrated
def test_a_backup_of_an_older_version_is_brought_up_to_date(
    make: Callable[..., Installation], backup: Path, tmp_path: Path
) -> None:
    target = make("older")
    older = tmp_path / "older.backup"
    with zipfile.ZipFile(backup) as whole, zipfile.ZipFile(older, "w") as cut:
        manifest = json.loads(whole.read("manifest.json"))
        since = ("load_limits", "target_request")
        # As it was before loadtests 0007.
        early = [[app, name] for app, name in manifest["migrations"] if app != "loadtests" or name < "0007"]
        manifest["migrations"] = early
        for part in ("tables", "rows"):
            manifest[part] = {name: one for name, one in manifest[part].items() if name not in since}
        manifest["sequences"] = [one for one in manifest["sequences"] if one[0] not in since]
        manifest["members"] = {n: m for n, m in manifest["members"].items() if n.partition("/")[2] not in since}
        for name in manifest["members"]:
            cut.writestr(name, whole.read(name))
        cut.writestr("manifest.json", json.dumps(manifest))
    target.manage("restore", str(older))
    assert "[ ]" not in target.manage("showmigrations")
    assert len(target.rows()["test_history"]) == 1


def spoilt(backup: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The backup with another manifest."""
    path = folder / "spoilt.backup"
    with zipfile.ZipFile(backup) as whole, zipfile.ZipFile(path, "w") as other:
        manifest = json.loads(whole.read("manifest.json"))
        change(manifest)
        for name in manifest["members"]:
            other.writestr(name, whole.read(name))
        other.writestr("manifest.json", json.dumps(manifest))
    return path


@pytest.mark.parametrize("make", ["SQLite"], indirect=True)
def test_what_cannot_come_back_changes_nothing(
    make: Callable[..., Installation], source: Installation, backup: Path, tmp_path: Path
) -> None:
    before = source.rows()
    raw = bytearray(backup.read_bytes())
    raw[len(raw) // 3] ^= 1
    (tmp_path / "flipped").write_bytes(raw)
    (tmp_path / "short").write_bytes(backup.read_bytes()[:-200])
    newer = spoilt(backup, tmp_path, lambda manifest: manifest["migrations"].append(["history", "9999_tomorrow"]))
    refused = {
        tmp_path / "flipped": "damaged",
        tmp_path / "short": "cut short",
        newer: "history.9999_tomorrow",
        tmp_path / "missing": "No such file",
    }
    # One process for all: each start costs a second.
    code = (
        "import sys, django; django.setup()\n"
        "from django.core.management import CommandError, call_command\n"
        "for path in sys.argv[1:]:\n"
        "    try: call_command('restore', path, replace=True)\n"
        "    except CommandError as refused: print(refused)\n"
    )
    said = source.python("-c", code, *(str(path) for path in refused)).strip().splitlines()
    assert len(said) == len(refused)
    for line, words in zip(said, refused.values(), strict=True):
        assert words in line
    assert source.rows() == before


def test_a_failure_in_the_middle_leaves_everything_as_it_was(
    source: Installation, backup: Path, tmp_path: Path
) -> None:
    before = source.rows()
    code = (
        "import sys, django; django.setup()\n"
        "from metricvault.backup import restoring\n"
        "def fail(): raise SystemExit('in the middle')\n"
        "restoring._migrate = fail\n"
        "restoring.restore_backup(__import__('pathlib').Path(sys.argv[1]), replace=True)\n"
    )
    assert "in the middle" in source.python("-c", code, str(backup), ok=False)
    assert source.rows() == before


def test_it_is_refused_while_the_product_runs(source: Installation, backup: Path) -> None:
    import fcntl

    before = source.rows()
    if source.url:
        import psycopg

        with psycopg.connect(source.url):
            said = source.manage("restore", str(backup), "--replace", ok=False)
        assert "The product is running: 1 connections of others to the database" in said
    else:
        with (source.folder / "lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            said = source.manage("restore", str(backup), "--replace", ok=False)
        assert "already running" in said
    assert source.rows() == before


@pytest.mark.parametrize("make", ["SQLite"], indirect=True)
def test_it_comes_and_goes_through_pipes(make: Callable[..., Installation], source: Installation) -> None:
    """As `docker compose exec -T` has it."""
    target = make("piped")
    command = [sys.executable, "manage.py"]
    made = subprocess.run([*command, "backup", "-"], cwd=ROOT, env=source.environ, capture_output=True, check=True)
    done = subprocess.run(
        [*command, "restore", "-"], cwd=ROOT, env=target.environ, input=made.stdout, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert target.rows()["test_history"] == source.rows()["test_history"]
