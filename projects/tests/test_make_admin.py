"""`manage.py make_admin`: the first administrator, and a way back in."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from projects.management.commands import make_admin
from projects.models import AuditEntry
from projects.tests.test_sessions import comes_in

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text(f"{GOOD}\n")
    return str(path)


def make(*args: str, **more: Any) -> str:
    said = io.StringIO()
    call_command("make_admin", *args, stdout=said, stderr=said, **more)
    return said.getvalue()


def can_log_in(name: str, password: str) -> bool:
    client = Client()
    client.post("/accounts/login/", {"username": name, "password": password})
    return bool(client.get("/admin/").status_code == 200)


def test_the_password_comes_from_a_file(file: str) -> None:
    said = make("ada", "--email", "ada@example.com", "--password-file", file)
    assert can_log_in("ada", GOOD)
    assert GOOD not in said
    assert User.objects.get().email == "ada@example.com"
    entry = AuditEntry.objects.order_by("id")[0]
    assert (entry.action, entry.object_name) == ("created", "ada")
    assert GOOD not in str(AuditEntry.objects.values())


def test_or_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{GOOD}\n"))
    make("ada", "--password-file", "-")
    assert can_log_in("ada", GOOD)


def test_or_is_made_up_and_told_once() -> None:
    said = make("ada", "--random")
    assert can_log_in("ada", said.rpartition("Password: ")[2].strip())


def test_or_is_typed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_admin.sys.stdin, "isatty", lambda: True, raising=False)
    typed = iter([GOOD, GOOD, GOOD, "another"])
    monkeypatch.setattr(make_admin.getpass, "getpass", lambda prompt: next(typed))
    make("ada")
    assert can_log_in("ada", GOOD)
    with pytest.raises(CommandError, match="two different"):
        make("bea")


def test_where_nobody_can_type_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="--password-file"):
        make("ada")


def test_a_weak_password_makes_nobody(tmp_path: Path) -> None:
    (tmp_path / "weak").write_text("ada")
    with pytest.raises(CommandError, match="too short"):
        make("ada", "--password-file", str(tmp_path / "weak"))
    with pytest.raises(CommandError, match="cannot be read"):
        make("ada", "--password-file", str(tmp_path / "none"))
    assert not User.objects.exists()


def test_a_name_that_cannot_be_one_makes_nobody(file: str) -> None:
    with pytest.raises(CommandError, match="username"):
        make("ada lovelace", "--password-file", file)
    assert not User.objects.exists()


def test_whoever_exists_is_left_alone(alice: User, administrator: User, file: str) -> None:
    for name, kind in (("alice", "no administrator already"), ("administrator", "an administrator already")):
        with pytest.raises(CommandError, match=kind):
            make(name, "--password-file", file)
    assert can_log_in("administrator", "administrator")


def test_reset_is_the_way_back_in(alice: User, file: str) -> None:
    client = Client()
    client.force_login(alice)
    User.objects.update(is_active=False)
    make("alice", "--reset", "--password-file", file)
    assert can_log_in("alice", GOOD)
    assert not comes_in(client)


def test_a_password_cannot_stand_in_the_command_line() -> None:
    with pytest.raises(CommandError):
        make("ada", "--password", GOOD)
