"""What administrators change in the administration is written down, with before and after, whatever model it is."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from projects.admin_audit import Audited
from projects.models import AuditEntry, Environment, Membership, OpenApiSpec, Project
from projects.tests.conftest import as_user

NO_MEMBERS = {f"memberships-{part}": "0" for part in ("TOTAL_FORMS", "INITIAL_FORMS")}
NO_SPECS = {f"openapi_specs-{part}": "0" for part in ("TOTAL_FORMS", "INITIAL_FORMS")}


@pytest.fixture
def admin_page(administrator: User) -> Client:
    return as_user(administrator)


def last() -> AuditEntry:
    entry = AuditEntry.objects.order_by("-pk").first()
    assert entry is not None
    return entry


def test_every_model_of_the_administration_is_recorded() -> None:
    reverse("admin:index")  # models are registered when the administration is first asked for its addresses
    assert admin.site._registry
    unrecorded = {model for model, one in admin.site._registry.items() if not isinstance(one, Audited)}
    assert unrecorded == set()


def test_a_change_with_before_and_after(admin_page: Client, shop: Project, alice: User, bob: User) -> None:
    address = reverse("admin:projects_project_change", args=[shop.pk])
    member = shop.memberships.get(user=bob)
    rows = {
        "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1", "memberships-0-id": member.pk,
        "memberships-0-project": shop.pk, "memberships-0-user": bob.pk, "memberships-0-role": "reader",
    }  # fmt: skip
    answer = admin_page.post(address, {"title": "Store", "summary": shop.summary, "owner": bob.pk, **rows, **NO_SPECS})
    assert answer.status_code == 302, answer.context["errors"]
    entry = last()
    assert (entry.action, entry.way, entry.actor_name) == ("changed", "admin", "administrator")
    assert (entry.kind, entry.object_id, entry.project_id) == ("project", str(shop.pk), shop.pk)
    role = f"membership {member.pk}: role"
    assert entry.before == {"title": "Shop", "owner": "alice", role: "member"}
    assert entry.after == {"title": "Store", "owner": "bob", role: "reader"}


def test_a_form_that_is_saved_as_it_was_says_nothing(admin_page: Client, shop: Project, alice: User) -> None:
    values = {"title": shop.title, "summary": shop.summary, "owner": alice.pk, **NO_MEMBERS, **NO_SPECS}
    admin_page.post(reverse("admin:projects_project_change", args=[shop.pk]), values)
    assert not AuditEntry.objects.exclude(action="logged_in").exists()


def test_what_is_made_and_what_is_deleted(admin_page: Client, shop: Project, charlie: User) -> None:
    values = {"project": shop.pk, "user": charlie.pk, "role": "reader"}
    admin_page.post(reverse("admin:projects_membership_add"), values)
    made = last()
    assert (made.action, made.after) == ("created", {"project": "Shop", "user": "charlie", "role": "reader"})
    row = Membership.objects.get(user=charlie)
    admin_page.post(reverse("admin:projects_membership_delete", args=[row.pk]), {"post": "yes"})
    assert (last().action, last().object_id) == ("deleted", str(row.pk))


def test_each_of_those_that_are_deleted_together(admin_page: Client, shop: Project) -> None:
    keys = list(shop.memberships.values_list("pk", flat=True))
    chosen = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    admin_page.post(reverse("admin:projects_membership_changelist"), chosen)
    gone = AuditEntry.objects.filter(action="deleted", kind="membership")
    assert {one.object_id for one in gone} == {str(key) for key in keys}


def test_a_new_group_and_who_is_in_it(admin_page: Client, bob: User) -> None:
    admin_page.post(reverse("admin:auth_group_add"), {"name": "testers"})
    assert (last().kind, last().after) == ("group", {"name": "testers"})


def test_no_document_and_no_secret_is_copied(admin_page: Client, orders: OpenApiSpec, shop: Project) -> None:
    OpenApiSpec.objects.filter(pk=orders.pk).update(sealed_headers="SEALED-S3CRET")
    Environment.objects.create(project=shop, name="one", sealed="SEALED-S3CRET")
    for name, model in (("openapispec", OpenApiSpec), ("environment", Environment)):
        row = model.objects.get()  # type: ignore[attr-defined]
        admin_page.post(reverse(f"admin:projects_{name}_delete", args=[row.pk]), {"post": "yes"})
        assert last().action == "deleted"
        assert "SEALED-S3CRET" not in str(last().before)
        assert "document" not in (last().before or {})


def test_an_action_that_records_nothing_itself(admin_page: Client, alice: User, bob: User) -> None:
    chosen = {"action": "end_sessions", "_selected_action": [alice.pk, bob.pk]}
    admin_page.post(reverse("admin:auth_user_changelist"), chosen)
    done = AuditEntry.objects.filter(action="changed", kind="user")
    assert {one.object_name for one in done} == {"alice", "bob"}
    assert {one.detail for one in done} == {"End all sessions"}


def test_an_action_that_does_is_recorded_once(admin_page: Client, bob: User) -> None:
    admin_page.post(reverse("admin:auth_user_changelist"), {"action": "deactivate", "_selected_action": [bob.pk]})
    (entry,) = AuditEntry.objects.filter(action="changed")
    assert (entry.object_name, entry.after) == ("bob", {"is_active": False})


def test_a_new_password_is_recorded_without_it(admin_page: Client, bob: User) -> None:
    values = {"password1": "long-and-S3CRET-1", "password2": "long-and-S3CRET-1", "usable_password": "true"}
    answer = admin_page.post(reverse("admin:auth_user_password_change", args=[bob.pk]), values)
    assert answer.status_code == 302
    assert (last().action, last().object_name) == ("changed", "bob")
    assert "S3CRET" not in f"{last().before}{last().after}{last().detail}"
