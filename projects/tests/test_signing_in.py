"""Login by password: what is answered, how often one may fail, and how that ends."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from projects.models import AuditEntry
from projects.signing_in import counted_address
from projects.tasks import forget_sessions

LOGIN = "/accounts/login/"
WRONG = "wrong password"


def tried(name: str, password: str = WRONG, address: str = "192.0.2.1", **more: Any) -> Any:
    return Client().post(LOGIN, {"username": name, "password": password, **more}, REMOTE_ADDR=address)


def fail(times: int, name: str = "alice", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        assert tried(name, address=address).status_code in {422, 429}


def test_whoever_belongs_comes_in(alice: User) -> None:
    answer = tried("alice", "alice")
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_known_unknown_and_deactivated_people_are_answered_alike(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    pages = [tried(name, password) for name, password in (("alice", WRONG), ("nobody", WRONG), ("bob", "bob"))]
    assert [page.status_code for page in pages] == [422, 422, 422]
    assert len({page.content.count(b"do not belong together") for page in pages}) == 1


def test_the_fifth_failure_locks_the_name_at_that_address(alice: User) -> None:
    fail(4)
    answer = tried("alice")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "no-store" in answer["Cache-Control"]
    assert b"Wait 15 minutes" in answer.content
    assert tried("alice", "alice").status_code == 429


def test_others_at_that_address_and_the_person_elsewhere_come_in(alice: User, bob: User) -> None:
    fail(5)
    assert tried("bob", "bob").status_code == 302
    assert tried("alice", "alice", address="192.0.2.2").status_code == 302


def test_it_is_over_after_the_minutes_that_are_set_and_tries_do_not_prolong_it(alice: User) -> None:
    fail(5)
    first = AccessAttempt.objects.values_list("attempt_time", flat=True).get()
    fail(3)
    assert AccessAttempt.objects.values_list("attempt_time", flat=True).get() == first
    AccessAttempt.objects.update(attempt_time=first - timedelta(minutes=15))
    assert tried("alice", "alice").status_code == 302


def test_a_login_forgets_the_persons_own_failures_only(alice: User, bob: User) -> None:
    fail(4)
    fail(4, "bob")
    assert tried("bob", "bob").status_code == 302
    assert AccessAttempt.objects.filter(username="bob").count() == 0
    assert tried("alice").status_code == 429


def test_an_address_that_fails_with_many_names_is_locked(alice: User, settings: Settings) -> None:
    settings.METRICVAULT_LOGIN_LIMITS = (5, 10, 100)
    for number in range(10):
        fail(1, f"name-{number}")
    assert tried("alice", "alice").status_code == 429
    assert tried("alice", "alice", address="192.0.2.2").status_code == 302


def test_a_name_that_many_addresses_guess_is_locked(alice: User, settings: Settings) -> None:
    settings.METRICVAULT_LOGIN_LIMITS = (5, 50, 10)
    for number in range(10):
        fail(1, "alice", f"198.51.100.{number}")
    assert tried("alice", "alice", address="192.0.2.9").status_code == 429


def test_with_an_account_of_ones_own_nobody_begins_anew(alice: User, bob: User, settings: Settings) -> None:
    settings.METRICVAULT_LOGIN_LIMITS = (5, 10, 100)
    for number in range(9):
        fail(1, f"name-{number}")
        assert tried("bob", "bob").status_code == 302
    fail(1, "name-9")
    assert tried("bob", "bob").status_code == 429


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", "0.0.0.0"),
        ("unix:", "0.0.0.0"),
    ],
)
def test_a_site_of_ipv6_counts_as_one(address: str, counted: str) -> None:
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = address
    assert counted_address(request) == counted


def by_command(administrator: User) -> None:
    call_command("axes_reset_username", "alice")


def by_admin(administrator: User) -> None:
    client = Client()
    client.force_login(administrator)
    chosen = {"action": "unlock", "_selected_action": [row.pk for row in AccessAttempt.objects.all()]}
    client.post("/admin/axes/accessattempt/", chosen)


@pytest.mark.parametrize("unlocks", [by_command, by_admin])
def test_an_administrator_unlocks(alice: User, administrator: User, unlocks: Callable[[User], None]) -> None:
    fail(5)
    unlocks(administrator)
    assert tried("alice", "alice").status_code == 302


def test_old_failures_are_forgotten(alice: User) -> None:
    fail(2)
    forget_sessions()
    assert AccessAttempt.objects.count() == 1
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    forget_sessions()
    assert not AccessAttempt.objects.exists()


def test_neither_password_nor_form_is_kept(alice: User) -> None:
    fail(1)
    assert WRONG not in str(AccessAttempt.objects.values().get())
    assert WRONG not in str(AuditEntry.objects.values().get())


def audited() -> list[tuple[str, str, str | None]]:
    return list(AuditEntry.objects.order_by("id").values_list("action", "actor_name", "address"))


def test_logins_and_refusals_are_audited(alice: User) -> None:
    tried("nobody")
    client = Client()
    client.post(LOGIN, {"username": "alice", "password": "alice"}, REMOTE_ADDR="192.0.2.1")
    client.post("/accounts/logout/", REMOTE_ADDR="192.0.2.1")
    here = "192.0.2.1"
    assert audited() == [("refused", "nobody", here), ("logged_in", "alice", here), ("logged_out", "alice", here)]


def test_a_lock_is_audited_once_however_often_it_is_tried(alice: User) -> None:
    fail(9)
    details = list(AuditEntry.objects.order_by("id").values_list("detail", flat=True))
    assert len(details) == 6
    assert details.count("login: too many failures, locked for a while") == 1


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/"])
def test_the_administration_has_no_door_of_its_own(client: Client, path: str) -> None:
    answer = client.get(path, follow=True)
    assert [where.partition("?")[0] for where, _status in answer.redirect_chain][-1] == LOGIN
    assert client.post("/admin/login/", {"username": "a", "password": "b"}).status_code == 405


def test_after_the_login_the_administration_opens(client: Client, administrator: User) -> None:
    asked = client.get("/admin/auth/user/", follow=True)
    form = {"username": "administrator", "password": "administrator", "next": asked.context["next"]}
    assert client.post(LOGIN, form)["Location"] == "/admin/auth/user/"


def test_people_who_are_no_administrators_are_told_so_and_not_sent_in_circles(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/admin/", follow=True, HTTP_ACCEPT="text/html").status_code == 403
    assert client.get(LOGIN).status_code == 302


def test_passwords_by_mail_have_no_address(client: Client) -> None:
    for path in ("password_reset/", "password_reset/done/", "reset/done/", "reset/MQ/set-password/"):
        assert client.get(f"/accounts/{path}").status_code == 404, path
