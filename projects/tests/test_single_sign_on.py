"""Single sign-on, the whole way over HTTP to a small but real provider."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from projects.checks import open_to_all, single_sign_on
from projects.models import AuditEntry, Identity, LoginSession
from projects.tests.oidc_provider import CLIENT, SECRET, ProviderOfTests
from projects.tests.signing_on import CALLBACK, Change, come_in, refused, to_provider

pytestmark = pytest.mark.django_db


def test_a_person_comes_in_and_is_made(provider: ProviderOfTests, client: Client) -> None:
    provider.person |= {"given_name": "Ada", "family_name": "L", "groups": ["qa"]}
    assert come_in(client, "?next=/runs/")["Location"] == "/runs/"
    user = User.objects.get()
    assert (user.username, user.get_full_name(), user.email) == ("ada", "Ada L", "ada@example.com")
    assert (user.has_usable_password(), user.is_staff, user.is_superuser) == (False, False, False)
    assert Identity.objects.values_list("user", "issuer", "subject").get() == (user.pk, provider.url, "a1")
    assert LoginSession.objects.get().way == "oidc"
    assert client.get("/accounts/").status_code == 200
    assert client.session.get_expiry_age() <= 12 * 3600
    assert "logged_in" in AuditEntry.objects.values_list("action", flat=True)


def test_the_next_time_they_are_the_same_and_follow_the_provider(provider: ProviderOfTests) -> None:
    come_in(Client())
    provider.person |= {"preferred_username": "ada.lovelace", "email": "ada@new.example", "given_name": "Augusta"}
    come_in(Client())
    user = User.objects.get()
    assert (user.username, user.email, user.first_name) == ("ada", "ada@new.example", "Augusta")


def test_the_login_page_has_a_button_only_where_there_is_a_provider(
    provider: ProviderOfTests, client: Client, change_provider: Change
) -> None:
    page = client.get("/accounts/login/?next=/runs/%3Fa=1%26b=2").content.decode()
    assert "Sign in with Acme" in page
    assert 'href="/accounts/oidc/?next=%2Fruns%2F%3Fa%3D1%26b%3D2"' in page
    change_provider(issuer="")
    assert "Acme" not in client.get("/accounts/login/").content.decode()
    for path in ("/accounts/oidc/", CALLBACK, "/accounts/oidc/out/"):
        assert client.get(path).status_code == 404


def test_what_is_asked_of_the_provider(provider: ProviderOfTests, client: Client) -> None:
    asked = {name: value[0] for name, value in parse_qs(urlsplit(to_provider(client)).query).items()}
    assert asked["scope"] == "openid profile email"
    assert asked["redirect_uri"] == f"http://testserver{CALLBACK}"
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked["state"]), len(asked["nonce"])) >= 32
    assert SECRET not in str(asked)


def test_discovery_is_read_once(provider: ProviderOfTests) -> None:
    come_in(Client())
    come_in(Client())
    assert provider.asked.count("/.well-known/openid-configuration") == 1


def test_an_equal_user_name_or_address_takes_no_account_over(provider: ProviderOfTests, client: Client) -> None:
    own = User.objects.create_user("Ada", email="ada@example.com", password="ada")
    sentence = refused(come_in(client))
    assert "add this identity" in sentence
    assert "a1" in sentence
    assert User.objects.count() == 1
    Identity.objects.create(user=own, issuer=provider.url, subject="a1")  # as an administrator does
    assert come_in(client).status_code == 302
    assert LoginSession.objects.get().user == own


def test_the_same_subject_of_another_provider_is_somebody_else(provider: ProviderOfTests, client: Client) -> None:
    other = User.objects.create_user("other")
    Identity.objects.create(user=other, issuer="https://elsewhere.example", subject="a1")
    come_in(client)
    assert LoginSession.objects.get().user.username == "ada"


def test_whoever_is_deactivated_stays_out(provider: ProviderOfTests, client: Client) -> None:
    come_in(client)
    user = User.objects.get()
    user.is_active = False
    user.save()
    assert client.get("/accounts/").status_code == 302
    assert "deactivated" in refused(come_in(Client()))


def test_groups_make_administrators_and_unmake_them(provider: ProviderOfTests, change_provider: Change) -> None:
    change_provider(admin_groups=["ops"], groups_claim="realm_access.roles")
    for roles, is_administrator in ((["ops", "qa"], True), (["qa"], False), ("ops", True), (None, False)):
        provider.person["realm_access"] = {"roles": roles}
        come_in(Client())
        user = User.objects.get()
        assert (user.is_staff, user.is_superuser) == (is_administrator, is_administrator)
    changes = AuditEntry.objects.filter(action="changed", after__has_key="is_superuser")
    assert changes.count() == 4


def test_without_admin_groups_rights_are_left_alone(provider: ProviderOfTests) -> None:
    come_in(Client())
    User.objects.update(is_superuser=True)
    come_in(Client())
    assert User.objects.get().is_superuser


@pytest.mark.parametrize(
    ("claims", "comes_in"),
    [
        ({"groups": ["load-testers"]}, True),
        ({"groups": ["ops"]}, True),  # whoever administers may come in
        ({"groups": ["sales"]}, False),
        ({}, False),
        ({"groups": {"load-testers": 1}}, False),
    ],
)
def test_only_some_groups_come_in(
    provider: ProviderOfTests,
    change_provider: Change,
    client: Client,
    claims: dict[str, Any],
    comes_in: bool,
) -> None:
    change_provider(allowed_groups=["load-testers"], admin_groups=["ops"])
    provider.person |= claims
    answer = come_in(client)
    assert answer.status_code == 302 if comes_in else "none of the groups" in refused(answer)
    assert User.objects.exists() == comes_in


@pytest.mark.parametrize(
    ("claims", "comes_in"),
    [
        ({"email": "ada@Example.com", "email_verified": True}, True),
        ({"email": "ada@example.com", "email_verified": False}, False),
        ({"email": "ada@example.com"}, False),
        ({"email": "ada@example.com.evil.example", "email_verified": True}, False),
        ({"email": "ada@evil.example", "email_verified": True}, False),
    ],
)
def test_only_some_domains_come_in(
    provider: ProviderOfTests,
    change_provider: Change,
    client: Client,
    claims: dict[str, Any],
    comes_in: bool,
) -> None:
    change_provider(allowed_domains=["example.com"])
    provider.person |= claims
    answer = come_in(client)
    assert answer.status_code == 302 if comes_in else "domain" in refused(answer)


def test_groups_may_come_from_userinfo_alone(
    provider: ProviderOfTests, change_provider: Change, client: Client
) -> None:
    change_provider(allowed_groups=["qa"])
    provider.more = {"groups": ["qa"]}
    assert come_in(client).status_code == 302


def test_names_that_cannot_be_one_here_are_refused(provider: ProviderOfTests, client: Client) -> None:
    provider.person["preferred_username"] = "<script>"
    page = come_in(client)
    assert "cannot be one here" in refused(page)
    assert b"<script>\xe2\x80\x9d" not in page.content


def test_logging_out_says_that_the_provider_may_not(provider: ProviderOfTests, client: Client) -> None:
    come_in(client)
    answer = client.post("/accounts/logout/", follow=True)
    assert f'href="{provider.url}/logout?client_id={CLIENT}' in answer.content.decode()
    assert client.get("/accounts/").status_code == 302


def test_who_came_that_way_has_no_password_to_change(provider: ProviderOfTests, client: Client) -> None:
    come_in(client)
    assert client.get("/accounts/password/").status_code == 403
    assert b"/accounts/password/" not in client.get("/accounts/").content


def test_half_a_configuration_is_found(settings: Settings) -> None:
    before = settings.METRICVAULT_OIDC

    def found(**values: Any) -> list[str | None]:
        settings.METRICVAULT_OIDC = {**before, **values}
        return [one.id for one in [*single_sign_on(), *open_to_all()]]

    assert found() == []
    assert found(client_id="x") == ["metricvault.E020"]
    whole = {"issuer": "https://id.example", "client_id": "x", "allowed_groups": ["*"]}
    assert found(**whole) == []
    assert found(**{**whole, "client_id": ""}) == ["metricvault.E021"]
    assert found(**{**whole, "issuer": "http://id.example"}) == ["metricvault.E022"]
    assert found(**{**whole, "scopes": "profile"}) == ["metricvault.E023"]
    assert found(**{**whole, "allowed_groups": [], "allowed_domains": []}) == ["metricvault.W024"]
