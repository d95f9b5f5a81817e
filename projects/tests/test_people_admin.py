"""People, groups, sessions and failed logins in the administration."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client

from projects.api_tokens import make_token
from projects.models import LoginSession, Project
from projects.tests.conftest import as_user
from projects.tests.test_sessions import comes_in, logged_in

PEOPLE = "/admin/auth/user/"


@pytest.fixture
def admin_page(administrator: User) -> Client:
    return as_user(administrator)


def act(client: Client, action: str, *people: User, at: str = PEOPLE) -> Any:
    return client.post(at, {"action": action, "_selected_action": [one.pk for one in people]}, follow=True)


@pytest.mark.parametrize(
    "path", [PEOPLE, "/admin/auth/group/", "/admin/projects/loginsession/", "/admin/axes/accessattempt/"]
)
def test_lists_ask_few_queries(admin_page: Client, alice: User, path: str, django_assert_max_num_queries: Any) -> None:
    Group.objects.create(name="qa")
    for number in range(6):
        Client().post("/accounts/login/", {"username": f"a{number}", "password": "b"})
        User.objects.create(username=f"a{number}")
        logged_in("alice")
    for query in ("", "?q=a"):
        with django_assert_max_num_queries(9):
            assert admin_page.get(path + query).status_code == 200


def test_the_list_of_failures_says_what_is_locked(admin_page: Client, alice: User) -> None:
    for _ in range(5):
        Client().post("/accounts/login/", {"username": "alice", "password": "b"})
    Client().post("/accounts/login/", {"username": "bob", "password": "b"})
    page = admin_page.get("/admin/axes/accessattempt/").content.decode()
    assert [page.count(f'icon-{sign}.svg" alt="{word}"') for sign, word in (("yes", "True"), ("no", "False"))] == [1, 1]


def test_the_list_says_what_people_have(admin_page: Client, alice: User, bob: User, shop: Project) -> None:
    make_token(bob, "one", "read")
    make_token(bob, "two", "read")
    logged_in("bob")
    page = admin_page.get(PEOPLE + "?q=bob").content.decode()
    for field, number in (("projects", 1), ("tokens", 2), ("open_sessions", 1)):
        assert f'<td class="field-{field}">{number}</td>' in page


def test_a_person_is_shown_with_their_projects(admin_page: Client, bob: User, shop: Project) -> None:
    page = admin_page.get(f"{PEOPLE}{bob.pk}/change/").content.decode()
    assert "memberships-0-project" in page
    assert "identities-TOTAL_FORMS" in page


def test_a_new_person_is_made(admin_page: Client) -> None:
    form = {"username": "dora", "usable_password": "true", "password1": "correct horse", "password2": "correct horse"}
    assert admin_page.post(f"{PEOPLE}add/", form).status_code == 302
    assert Client().post("/accounts/login/", {"username": "dora", "password": "correct horse"}).status_code == 302


def test_deactivating_ends_everything_at_once_and_activating_gives_tokens_back(
    admin_page: Client, bob: User, administrator: User
) -> None:
    client, text = logged_in("bob"), make_token(bob, "build", "read")[1]
    show = {"Authorization": f"Bearer {text}"}
    act(admin_page, "deactivate", bob, administrator)
    assert not comes_in(client)
    assert not LoginSession.objects.filter(user=bob).exists()
    assert Client().get("/project", headers=show).status_code == 401
    assert comes_in(admin_page)  # nobody deactivates themselves
    act(admin_page, "activate", bob)
    assert not comes_in(client)
    assert Client().get("/project", headers=show).status_code == 200


def test_sessions_of_others_are_ended(admin_page: Client, alice: User, bob: User) -> None:
    alices, bobs = logged_in("alice"), logged_in("bob")
    act(admin_page, "end_sessions", alice)
    assert [comes_in(alices), comes_in(bobs)] == [False, True]
    row = LoginSession.objects.get(user=bob)
    act(admin_page, "end_chosen", row, at="/admin/projects/loginsession/")  # type: ignore[arg-type]
    assert not comes_in(bobs)


def test_a_session_that_is_deleted_is_ended(admin_page: Client, bob: User) -> None:
    bobs, row = logged_in("bob"), LoginSession.objects.get(user=bob)
    admin_page.post(f"/admin/projects/loginsession/{row.pk}/delete/", {"post": "yes"})
    assert not comes_in(bobs)
    assert not Session.objects.filter(session_key=row.session_key).exists()


def test_no_page_shows_the_key_of_a_session(admin_page: Client, bob: User) -> None:
    logged_in("bob")
    row = LoginSession.objects.get(user=bob)
    for path in ("/admin/projects/loginsession/", f"/admin/projects/loginsession/{row.pk}/change/"):
        assert row.session_key not in admin_page.get(path).content.decode()


def test_a_password_by_the_administrator_ends_the_sessions(admin_page: Client, bob: User) -> None:
    bobs = logged_in("bob")
    form = {"usable_password": "true", "password1": "correct horse", "password2": "correct horse"}
    assert admin_page.post(f"{PEOPLE}{bob.pk}/password/", form).status_code == 302
    assert not LoginSession.objects.filter(user=bob).exists()
    assert not comes_in(bobs)
    assert comes_in(admin_page)


def test_staff_who_may_edit_people_make_no_administrators(alice: User, bob: User, administrator: User) -> None:
    alice.is_staff = True
    alice.save()
    alice.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    client = as_user(alice)
    form = {"username": "bob", "is_superuser": "on", "is_staff": "on", "is_active": "on"}
    for prefix in ("memberships", "identities"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    client.post(f"{PEOPLE}{bob.pk}/change/", form)
    bob.refresh_from_db()
    assert (bob.is_staff, bob.is_superuser) == (False, False)
    assert client.post(f"{PEOPLE}{administrator.pk}/password/", {}).status_code == 403
    act(client, "deactivate", administrator)
    administrator.refresh_from_db()
    assert administrator.is_active
