"""A backup comes back on an empty installation as it was, on SQLite and on PostgreSQL; what cannot come back is refused
before anything is changed."""

import json
import os
import pickle
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.migrated import fill_copy
from tests.product import ROOT
from tests.servers import free_port, new_database, postgres

pytestmark = pytest.mark.thorough
# Each process costs seconds, so a test says all that it has to say in one.
BEGIN = """
import sys, django; django.setup()
from pathlib import Path
from django.core.management import CommandError, call_command
from django.test import override_settings
def tried(*command):
    try: call_command(*command)
    except CommandError as refused: print(refused)
"""
MIGRATE = """
call_command("migrate", verbosity=0, interactive=False)
"""
SEED = """
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
tried("backup", sys.argv[1])
tried("backup", sys.argv[1])
"""
RESTORE = """
import os, pickle
from django.db import connection
from tests.test_backup import rows_of
tried("restore", sys.argv[1])
connection.close()
Path(sys.argv[2]).write_bytes(pickle.dumps(rows_of(Path(sys.argv[2]).parent, os.environ["DATABASE_URL"])))
"""
LOOK = """
from django.contrib.auth.models import User
from projects.environments import unsealed
from projects.models import Environment
bob = User.objects.create_user("bob")
print(unsealed(Environment.objects.get()), User.objects.get(username="alice").check_password("alice"), bob.pk)
tried("restore", sys.argv[1])
"""
WITHOUT_ITS_KEY = """
with override_settings(METRICVAULT_ENCRYPTION_KEY="another"):
    tried("restore", sys.argv[1], "--replace")
"""
REFUSED = """
for path in sys.argv[2:]:
    tried("restore", path, "--replace")
"""
WHILE_IT_RUNS = """
import fcntl, os
with open(os.environ["METRICVAULT_DATA_DIR"] + "/lock", "a") as held:  # as `make run` holds it
    fcntl.flock(held, fcntl.LOCK_EX)
    tried("restore", sys.argv[1], "--replace")
"""
# On SQLite where the file is brought up to date, on PostgreSQL where all tables are gone.
IN_THE_MIDDLE = """
from django.db import connection
from metricvault.backup import restoring
class Middle(Exception): pass
def fail(*migrations): raise Middle("in the middle")
step = "_migrate_to" if connection.vendor == "postgresql" else "_migrate"
before = getattr(restoring, step)
setattr(restoring, step, fail)
try: restoring.restore_backup(Path(sys.argv[1]), replace=True)
except Middle as failed: print(failed)
setattr(restoring, step, before)
"""
WHILE_OTHERS_ARE_CONNECTED = """
import psycopg
from django.conf import settings
with psycopg.connect(sys.argv[2]):
    tried("restore", sys.argv[1], "--replace")
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

    def script(self, code: str, *arguments: str | Path) -> str:
        return self.python("-c", BEGIN + code, *(str(one) for one in arguments))

    def rows(self) -> dict[str, list[Any]]:
        return rows_of(self.folder, self.url)


def rows_of(folder: Path, url: str) -> dict[str, list[Any]]:
    """All that there is, by table, but when migrations were applied."""
    if url:
        import psycopg

        with psycopg.connect(url) as reached:
            names = reached.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            found = {name: reached.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}  # type: ignore[arg-type]
    else:
        with closing(sqlite3.connect(folder / "metricvault.sqlite3")) as opened:
            names = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            found = {name: opened.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}
    applied = [row[1:3] for row in found.pop("django_migrations", [])]
    return {**{name: sorted(rows, key=repr) for name, rows in found.items()}, "applied": sorted(applied)}


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Makes installations on the engine, without tables."""
    folder = tmp_path_factory.mktemp("backup")
    if request.param == "SQLite":
        yield lambda name: Installation(folder / name)
        return
    from tests.needs import find, skip_or_fail

    if not find("postgres"):
        skip_or_fail("postgres")
    with postgres(folder / "server") as url:
        yield lambda name: Installation(folder / name, new_database(url, name))


@pytest.fixture(scope="module")
def source(make: Callable[..., Installation]) -> Installation:
    found = make("source")
    if not found.url:
        fill_copy(found.folder)
    said = found.script(MIGRATE + SEED if found.url else SEED, found.folder / "a.backup")
    assert "Not in it: the keys" in said
    assert "is there already" in said  # the second time
    return found


@pytest.fixture(scope="module")
def backup(source: Installation) -> Path:
    return source.folder / "a.backup"


def test_what_comes_back_is_what_was_there(
    make: Callable[..., Installation], source: Installation, backup: Path
) -> None:
    target = make("target")
    kept = target.folder / "rows"
    said = target.script(RESTORE + LOOK + ("" if target.url else WITHOUT_ITS_KEY), backup, kept)
    assert "Restored: " in said
    was, found = source.rows(), pickle.loads(kept.read_bytes())
    assert was.pop("django_session")
    assert not found.pop("django_session")  # who was logged out since is not logged in again
    # The last thing that each of them knows of is the backup itself.
    made, brought_back = was["audit_entry"].pop(), found["audit_entry"].pop()
    assert "exported" in made
    assert "restored" in brought_back
    assert any(str(value).startswith("backup: ") for value in made)
    assert found == was
    # Secrets are readable with the key, people can log in, and no number is given out a second time.
    assert "{'variable:x': 's3cret'} True 3" in said
    assert "This installation is in use: 2 rows in auth_user" in said
    assert "With --replace" in said
    if not target.url:
        assert "METRICVAULT_ENCRYPTION_KEY_FALLBACKS" in said
        assert target.rows()["auth_user"] == was["auth_user"]


@pytest.mark.parametrize("make", ["SQLite"], indirect=True)
def test_nobody_else_can_read_it_and_the_keys_are_not_in_it(source: Installation, backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(backup) as opened:
        everything = b"".join(opened.read(name) for name in opened.namelist())
    for secret in (b"s3cret", b"signs", b"seals"):
        assert secret not in everything
    assert [path.name for path in source.folder.iterdir() if "part" in path.name or "backup-" in path.name] == []


@pytest.mark.long
@pytest.mark.parametrize("make", ["PostgreSQL"], indirect=True)  # on SQLite the file itself is older, and migrated
def test_a_backup_of_an_older_version_is_brought_up_to_date(
    make: Callable[..., Installation], backup: Path, tmp_path: Path
) -> None:
    target = make("older")
    older = tmp_path / "older.backup"
    with zipfile.ZipFile(backup) as whole, zipfile.ZipFile(older, "w") as cut:
        manifest = json.loads(whole.read("manifest.json"))
        since = ("load_limits", "target_request", "plan_edit")
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
    said = target.script('tried("restore", sys.argv[1]); tried("showmigrations")', older)
    assert "Restored: " in said
    assert "[ ]" not in said
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


@dataclass
class Refusals:
    """`words` of each file that cannot come back; what was `said` of those and then of the rest, by lines; all that was
    there `before` and `after`."""

    words: list[str]
    said: list[str]
    before: dict[str, list[Any]]
    after: dict[str, list[Any]]


@pytest.fixture(scope="module")
def refusals(source: Installation, backup: Path, tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    """One process tries them all."""
    folder, before = tmp_path_factory.mktemp("spoilt"), source.rows()
    if source.url:
        said = source.script(IN_THE_MIDDLE + WHILE_OTHERS_ARE_CONNECTED, backup, source.url)
        return Refusals([], said.strip().splitlines(), before, source.rows())
    raw = bytearray(backup.read_bytes())
    raw[len(raw) // 3] ^= 1
    (folder / "flipped").write_bytes(raw)
    (folder / "short").write_bytes(backup.read_bytes()[:-200])
    refused = {
        folder / "flipped": "damaged",
        folder / "short": "cut short",
        spoilt(backup, folder, lambda manifest: manifest["migrations"].append(["history", "9999_tomorrow"])):
        "history.9999_tomorrow",
        folder / "missing": "No such file",
    }  # fmt: skip
    said = source.script(REFUSED + WHILE_IT_RUNS + IN_THE_MIDDLE, backup, *refused)
    return Refusals(list(refused.values()), said.strip().splitlines(), before, source.rows())


@pytest.mark.parametrize("make", ["SQLite"], indirect=True)
def test_what_cannot_come_back_changes_nothing(refusals: Refusals) -> None:
    assert len(refusals.words) == 4
    for line, words in zip(refusals.said, refusals.words, strict=False):
        assert words in line
    assert refusals.after == refusals.before


def test_a_failure_in_the_middle_or_a_product_that_runs_leaves_everything_as_it_was(
    source: Installation, refusals: Refusals
) -> None:
    said = "\n".join(refusals.said[len(refusals.words) :])
    assert "in the middle" in said
    running = "The product is running: 1 connections of others to the database" if source.url else "already running"
    assert running in said
    assert refusals.after == refusals.before


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
