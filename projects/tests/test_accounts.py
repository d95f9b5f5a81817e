"""One's own account: name, password, the link to set one."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from projects.models import AuditEntry, LoginSession
from projects.tests.test_sessions import comes_in, logged_in

GOOD = "correct horse battery"


@pytest.fixture
def me(alice: User) -> Client:
    return logged_in("alice")


def change(client: Client, old: str = "alice", new: str = GOOD, again: str | None = None) -> Any:
    form = {"old_password": old, "new_password1": new, "new_password2": again if again is not None else new}
    return client.post("/accounts/password/", form)


def test_the_account_page_says_who_i_am_and_where_to_go(me: Client) -> None:
    page = me.get("/accounts/").content.decode()
    assert "You are here as alice." in page
    for path in ("sessions/", "password/", "tokens/"):
        assert f'href="/accounts/{path}"' in page


def test_the_name_is_changed_and_audited(me: Client, alice: User) -> None:
    me.post("/accounts/", {"first_name": "Alice", "last_name": "A", "username": "root", "is_superuser": "on"})
    alice.refresh_from_db()
    assert (alice.get_full_name(), alice.username, alice.is_superuser) == ("Alice A", "alice", False)
    entry = AuditEntry.objects.get(action="changed")
    assert entry.after == {"first_name": "Alice", "last_name": "A"}
    assert me.post("/accounts/", {"first_name": "x" * 151}).status_code == 422


def test_the_language_is_changed_from_there(me: Client) -> None:
    answer = me.post("/i18n/setlang/", {"language": "ko", "next": "/accounts/"}, follow=True)
    assert 'lang="ko"' in answer.content.decode()


def test_strangers_see_no_page_of_it() -> None:
    for path in ("", "password/", "password/done/", "sessions/"):
        answer = Client().get(f"/accounts/{path}")
        assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next=/accounts/{path}")


def test_the_password_is_changed(me: Client, alice: User) -> None:
    assert change(me)["Location"] == "/accounts/password/done/"
    assert me.get("/accounts/password/done/").status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(GOOD)
    assert AuditEntry.objects.get(action="changed").detail == "password"


def test_the_change_ends_all_other_sessions(me: Client) -> None:
    other, before = logged_in("alice", address="192.0.2.2"), me.session.session_key
    change(me)
    assert comes_in(me)
    assert not comes_in(other)
    row = LoginSession.objects.get()
    assert row.session_key == me.session.session_key != before


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"old": "wrong"}, "old_password"),
        ({"new": "short"}, "new_password2"),
        ({"new": "123456789012345"}, "new_password2"),
        ({"again": "another"}, "new_password2"),
        ({"new": "1q2w3e4r5t6y"}, "new_password2"),
    ],
)
def test_a_bad_password_is_refused_at_its_field(me: Client, form: dict[str, str], field: str) -> None:
    answer = change(me, **form)
    assert answer.status_code == 422
    assert f'data-problem="{field}"' in answer.content.decode()


def test_open_access_has_nothing_to_log_in_to(client: Client, settings: Settings, db: None) -> None:
    settings.METRICVAULT_OPEN_ACCESS = True
    page = client.get("/accounts/").content.decode()
    assert "You are here as local." in page
    assert "/accounts/password/" not in page
    assert "/accounts/logout/" not in page
    assert "/accounts/sessions/" not in page
    assert "No sessions" in client.get("/accounts/sessions/").content.decode()
    assert client.get("/accounts/password/").status_code == 403
    assert client.get("/admin/").status_code == 200


@pytest.fixture
def sessions_of_alice(alice: User) -> Client:
    """Before the link: a login after it would end it."""
    return logged_in("alice")


@pytest.fixture
def link(administrator: User, alice: User, sessions_of_alice: Client) -> str:
    """What the administration shows after "Make a link to set a new password"."""
    client = Client()
    client.force_login(administrator)
    chosen = {"action": "make_password_link", "_selected_action": [alice.pk]}
    page = client.post("/admin/auth/user/", chosen, follow=True).content.decode()
    found = re.search(r"http://testserver(/accounts/password/set/[^\s<]+/)", page)
    assert found is not None
    return found[1]


def set_password(client: Client, link: str) -> Any:
    form = client.get(link, follow=True)
    assert form.status_code == 200
    if not form.redirect_chain:
        return form
    return client.post(form.redirect_chain[-1][0], {"new_password1": GOOD, "new_password2": GOOD}, follow=True)


def test_whoever_has_the_link_sets_the_password_once(link: str, alice: User, sessions_of_alice: Client) -> None:
    answer = set_password(Client(), link)
    assert answer.redirect_chain[-1][0] == "/accounts/login/"
    alice.refresh_from_db()
    assert alice.check_password(GOOD)
    assert not comes_in(sessions_of_alice)
    assert "This link works no more" in set_password(Client(), link).content.decode()


def test_the_link_does_not_stay_in_the_address(link: str) -> None:
    token = link.split("/")[-2]
    form = Client().get(link, follow=True)
    assert token not in form.redirect_chain[-1][0]
    assert form["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("why", ["deactivated", "logged in since", "made up"])
def test_the_link_ends(link: str, alice: User, why: str) -> None:
    if why == "deactivated":
        User.objects.update(is_active=False)
    elif why == "logged in since":
        User.objects.update(last_login=timezone.now() + timedelta(minutes=1))
    else:
        link = link[:-8] + "0000000/"
    assert "This link works no more" in set_password(Client(), link).content.decode()
