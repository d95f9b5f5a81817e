"""What was refused is written down: to whom, from where, why; a flood of it is counted, not written down."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from projects import refusals
from projects.api_tokens import make_token
from projects.models import AuditEntry, Project
from projects.tests.conftest import as_user

PAGE = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


def refused() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action="refused").order_by("pk"))


def test_a_reader_who_wants_to_change_something(shop: Project, rita_client: Client) -> None:
    rita_client.post(reverse("projects:edit", args=[shop.pk]), {"title": "Mine"}, headers=PAGE)
    (one,) = refused()
    assert (one.actor_name, one.way, one.address) == ("rita", "page", "127.0.0.1")
    assert f"POST /projects/{shop.pk}/edit" in one.detail
    assert (one.kind, one.object_name, one.project_id) == ("project", "Shop", shop.pk)


def test_the_same_by_the_api(shop: Project, rita_client: Client) -> None:
    rita_client.delete(f"/project/{shop.pk}")
    (one,) = refused()
    assert (one.actor_name, one.way, one.project_id) == ("rita", "api", shop.pk)


def test_a_stranger_who_asks_for_what_is_not_theirs(shop: Project, charlie_client: Client) -> None:
    charlie_client.get(f"/project/{shop.pk}")
    charlie_client.get(reverse("projects:detail", args=[shop.pk]), headers=PAGE)
    assert [one.actor_name for one in refused()] == ["charlie", "charlie"]


def test_a_token_that_is_none_and_one_that_may_not(shop: Project, alice: User, client: Client) -> None:
    _token, text = make_token(alice, "nightly", "read")
    client.get("/project", headers={"Authorization": "Bearer mv_no-token-of-anybody-at-all"})
    client.delete(f"/project/{shop.pk}", headers={"Authorization": f"Bearer {text}"})
    guessed, narrow = refused()
    assert (guessed.actor_name, guessed.address) == ("", "127.0.0.1")
    assert (narrow.actor_name, narrow.token_name) == ("alice", "nightly")
    assert "mv_no-token" not in guessed.detail


def test_a_page_of_another_site_and_a_form_without_its_token(shop: Project, alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    browser.post(reverse("projects:edit", args=[shop.pk]), headers={**PAGE, "Origin": "https://evil.example"})
    browser.post(reverse("projects:edit", args=[shop.pk]), headers=PAGE)
    assert len(refused()) == 2


@pytest.mark.parametrize("address", ["/project/999", "/no-such-page"])
def test_what_is_nobodys_fault_is_no_refusal(address: str, administrator: User, client: Client) -> None:
    as_user(administrator).get(address)
    client.get(address)
    client.get("/project")  # nobody tried to be somebody
    as_user(administrator).post("/project", {"title": ""}, content_type="application/json")
    assert refused() == []


def test_a_flood_from_one_address_is_counted(db: None) -> None:
    for _number in range(1_000):
        refusals.write("GET /x", "forbidden", "10.0.0.1", clock=lambda: 600.0)
    told = refused()
    assert len(told) == refusals.EACH + 2
    assert told[-2].detail.startswith("100 of this kind")
    assert told[-1].detail.startswith("1,000 of this kind")
    refusals.write("GET /x", "forbidden", "10.0.0.2", clock=lambda: 600.0)
    refusals.write("GET /x", "forbidden", "10.0.0.1", clock=lambda: 660.0)
    assert len(refused()) == refusals.EACH + 4


def test_a_flood_from_many_addresses_is_cut(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "ALL", 30)
    for number in range(100):
        refusals.write("GET /x", "forbidden", f"10.0.1.{number}", clock=lambda: 600.0)
    assert len(refused()) == 30


def test_addresses_of_one_ipv6_network_are_one(db: None) -> None:
    for number in range(50):
        refusals.write("GET /x", "forbidden", f"2001:db8::{number:x}", clock=lambda: 600.0)
    assert len(refused()) == refusals.EACH


def test_a_cache_that_is_away_lets_no_flood_through(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(refusals.cache, "add", away)
    refusals._own.clear()
    for _number in range(99):
        refusals.write("GET /x", "forbidden", "10.0.0.1", clock=lambda: 600.0)
    assert len(refused()) == refusals.EACH
