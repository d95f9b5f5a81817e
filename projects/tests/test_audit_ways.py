"""Who it was where no request is answered: a command, the product itself, or somebody it works for."""

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError

from metricvault.lib import commands
from projects import audit
from projects.models import AuditEntry, Project


def who_it_was() -> tuple[str, str, str | None]:
    entry = AuditEntry.objects.latest("pk")
    return entry.way, entry.actor_name, entry.address


def test_the_product_itself(shop: Project) -> None:
    audit.record(audit.Action.CHANGED, shop)
    assert who_it_was() == ("product", "", None)


def test_a_command_by_whoever_is_logged_in_on_the_machine(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "begun", True)
    monkeypatch.setattr(audit.getpass, "getuser", lambda: "root")
    audit.record(audit.Action.CHANGED, shop)
    assert who_it_was() == ("command", "root", None)


def test_a_worker_that_does_what_somebody_asked_for(shop: Project, alice: User) -> None:
    with audit.asked_by(alice):
        audit.record(audit.Action.CHANGED, shop)
    assert who_it_was() == ("page", "alice", None)


def test_an_entry_that_cannot_be_kept_undoes_nothing(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(AuditEntry, "save", full)
    audit.record(audit.Action.CHANGED, shop)
    assert Project.objects.filter(pk=shop.pk).exists()
