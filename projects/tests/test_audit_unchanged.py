"""Entries of the audit are written once: neither code nor the administration changes or deletes them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from projects import audit, audit_retention
from projects.models import AuditEntry, Project
from projects.models.unchanging import Unchangeable
from projects.tests.conftest import as_user


@pytest.fixture
def entry(shop: Project, alice: User) -> AuditEntry:
    audit.record(audit.Action.CHANGED, shop, before={"title": "a"}, after={"title": "b"}, actor=alice)
    return AuditEntry.objects.get(kind="project")


def test_an_entry_is_not_saved_again(entry: AuditEntry) -> None:
    entry.detail = "nothing happened"
    with pytest.raises(Unchangeable):
        entry.save()
    with pytest.raises(Unchangeable):
        AuditEntry.objects.bulk_update([entry], ["detail"])
    with pytest.raises(Unchangeable):
        AuditEntry.objects.filter(pk=entry.pk).update(detail="nothing happened")


def test_an_entry_is_not_deleted(entry: AuditEntry) -> None:
    with pytest.raises(Unchangeable):
        entry.delete()
    with pytest.raises(Unchangeable):
        AuditEntry.objects.all().delete()
    assert AuditEntry.objects.count() == 1


def test_it_outlives_the_person_and_the_project_it_names(entry: AuditEntry, shop: Project, alice: User) -> None:
    shop.delete()
    alice.delete()
    entry.refresh_from_db()
    assert (entry.actor, entry.project) == (None, None)
    assert (entry.actor_name, entry.project_title, entry.object_name) == ("alice", "Shop", "Shop")


@pytest.fixture
def admin_page(administrator: User) -> Client:
    return as_user(administrator)


def test_administrators_look_at_entries_in_the_administration(admin_page: Client, entry: AuditEntry) -> None:
    assert admin_page.get(reverse("admin:projects_auditentry_changelist"), {"q": "Shop"}).status_code == 200
    assert admin_page.get(reverse("admin:projects_auditentry_change", args=[entry.pk])).status_code == 200


def test_not_even_they_change_add_or_delete_one(admin_page: Client, entry: AuditEntry) -> None:
    values = {"action": "created", "way": "page", "at_0": "2026-01-01", "at_1": "00:00:00", "detail": "x"}
    listed = reverse("admin:projects_auditentry_changelist")
    one = reverse("admin:projects_auditentry_change", args=[entry.pk])
    gone = reverse("admin:projects_auditentry_delete", args=[entry.pk])
    assert admin_page.post(reverse("admin:projects_auditentry_add"), values).status_code == 403
    assert admin_page.post(one, values).status_code == 403
    assert admin_page.post(gone, {"post": "yes"}).status_code == 403
    admin_page.post(listed, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    kept = AuditEntry.objects.get(pk=entry.pk)
    assert (kept.action, kept.detail) == (entry.action, entry.detail)


def test_what_is_older_than_the_settings_say_is_forgotten_and_that_is_an_entry(
    entry: AuditEntry, settings: Settings
) -> None:
    now = timezone.now()
    settings.METRICVAULT_AUDIT_DAYS = 30
    assert audit_retention.forget_old(now) == 0
    assert audit_retention.forget_old(now + timedelta(days=31)) == 1
    told = AuditEntry.objects.get()
    assert (told.action, told.way) == ("deleted", "product")
    assert "1 entry" in told.detail


def test_nothing_is_forgotten_where_it_is_kept_for_ever(entry: AuditEntry, settings: Settings) -> None:
    settings.METRICVAULT_AUDIT_DAYS = 0
    assert audit_retention.forget_old(timezone.now() + timedelta(days=9999)) == 0
