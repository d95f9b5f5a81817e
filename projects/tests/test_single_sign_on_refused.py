"""What is refused on the way of single sign-on, and that the library alone would not refuse it."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from projects import oidc
from projects.models import AuditEntry, LoginSession
from projects.tests.oidc_provider import CLIENT, ProviderOfTests
from projects.tests.signing_on import CALLBACK, Change, back, come_in, refused, to_provider
from projects.tests.test_sessions import logged_in

pytestmark = pytest.mark.django_db


def spoilt(**claims: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda own: {name: value for name, value in {**own, **claims}.items() if value is not None}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (spoilt(nonce="another"), "answers another question"),
        (spoilt(nonce=None), "answers another question"),
        (spoilt(aud="another-client"), "for another program"),
        (spoilt(aud=[CLIENT, "another"], azp="another"), "for another program"),
        (spoilt(iss="https://elsewhere.example"), "of another provider"),
        (spoilt(exp=int(time.time()) - 3600), "out of date"),
        (spoilt(iat=int(time.time()) + 3600), "from the future"),
        (spoilt(exp=None), "something is missing"),
        (spoilt(sub=None), "something is missing"),
        (spoilt(sub="somebody else"), "answers another question"),  # than userinfo speaks of
    ],
)
def test_a_token_that_is_not_ours_is_refused(
    provider: ProviderOfTests, client: Client, spoil: Callable[[dict[str, Any]], dict[str, Any]], why: str
) -> None:
    provider.spoil = spoil
    assert why in refused(come_in(client))
    assert not User.objects.exists()
    assert AuditEntry.objects.get().detail.startswith("single sign-on: What the provider said cannot be trusted")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [({"signed_with": "another key"}, "signature is wrong"), ({"algorithm": "HS256"}, "could not be read")],
)
def test_a_signature_of_others_is_refused(
    provider: ProviderOfTests, client: Client, spoil: dict[str, str], why: str
) -> None:
    for name, value in spoil.items():
        setattr(provider, name, value)
    assert why in refused(come_in(client))


@pytest.mark.parametrize("query", ["?code=x&state=y", "?state=y", "?code=x", "", "?error=access_denied"])
def test_an_answer_that_nobody_asked_for_is_refused(provider: ProviderOfTests, client: Client, query: str) -> None:
    assert "not begun here" in refused(client.get(CALLBACK + query))
    assert "/token" not in provider.asked
    assert not AuditEntry.objects.exists()  # or anybody could fill it


def test_an_answer_counts_once_and_in_its_own_browser(provider: ProviderOfTests, client: Client) -> None:
    address = back(to_provider(client))
    assert "not begun here" in refused(Client().get(address))
    assert client.get(address).status_code == 302
    client.post("/accounts/logout/")
    assert "not begun here" in refused(client.get(address))


def test_another_person_in_the_same_browser_ends_the_first_session(provider: ProviderOfTests, alice: User) -> None:
    client = logged_in("alice")
    first = client.session.session_key
    come_in(client)
    assert LoginSession.objects.get().user.username == "ada"
    assert client.session.session_key != first
    assert not Session.objects.filter(session_key=first).exists()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_it_leads_nowhere_else(provider: ProviderOfTests, client: Client, target: str) -> None:
    assert come_in(client, f"?{urlencode({'next': target})}")["Location"] == "/"


def test_a_login_by_password_after_all_is_no_shorter(provider: ProviderOfTests, client: Client, alice: User) -> None:
    to_provider(client)
    client.post("/accounts/login/", {"username": "alice", "password": "alice"})
    assert client.session.get_expiry_age() > 24 * 3600


def test_a_link_logs_nobody_out(provider: ProviderOfTests, client: Client) -> None:
    come_in(client)
    client.get(f"{CALLBACK}?error=access_denied&state=x")
    assert client.get("/accounts/").status_code == 200


def test_what_the_provider_refuses_is_said(provider: ProviderOfTests, client: Client) -> None:
    provider.refuses = "access_denied"
    assert "access_denied" in refused(come_in(client))


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"])
def test_a_provider_that_fails_is_a_sentence(provider: ProviderOfTests, client: Client, path: str) -> None:
    provider.broken = {path}
    answer = client.get("/accounts/oidc/")
    if answer.status_code == 302:
        answer = client.get(back(answer["Location"]))
    assert "Acme does not answer" in refused(answer)


def test_a_provider_that_is_down_is_a_sentence(
    provider: ProviderOfTests, client: Client, change_provider: Change
) -> None:
    address = back(to_provider(client))
    change_provider(issuer="http://127.0.0.1:9")
    assert "does not answer" in refused(client.get(address))
    assert "does not answer" in refused(client.get("/accounts/oidc/"))


def test_a_provider_that_calls_itself_otherwise_is_refused(provider: ProviderOfTests, client: Client) -> None:
    provider.issuer = "https://elsewhere.example"
    assert "METRICVAULT_OIDC_ISSUER" in refused(client.get("/accounts/oidc/"))


def test_a_password_form_with_a_code_reaches_no_provider(
    provider: ProviderOfTests, client: Client, alice: User
) -> None:
    to_provider(client)
    client.post("/accounts/login/?code=x&state=y", {"username": "nobody", "password": "x"})
    assert "/token" not in provider.asked


def test_refused_answers_lock_no_address(provider: ProviderOfTests, client: Client, alice: User) -> None:
    provider.spoil = spoilt(nonce="another")
    for _ in range(6):
        come_in(client)
    assert client.post("/accounts/login/", {"username": "alice", "password": "alice"}).status_code == 302


# The same attacks against the library alone: each succeeds, so our guards are what refuses them.


@pytest.mark.parametrize(
    "spoil", [spoilt(aud="another-client"), spoilt(iss="https://elsewhere.example"), spoilt(exp=None)]
)
def test_without_our_check_a_token_for_others_lets_in(
    provider: ProviderOfTests, client: Client, monkeypatch: pytest.MonkeyPatch, spoil: Any
) -> None:
    provider.spoil = spoil
    monkeypatch.setattr(oidc.ProviderBackend, "verify_token", OIDCAuthenticationBackend.verify_token)
    monkeypatch.setattr(oidc.ProviderBackend, "OIDC_RP_SIGN_ALGO", "RS256", raising=False)
    monkeypatch.setattr(oidc.ProviderBackend, "OIDC_RP_IDP_SIGN_KEY", None, raising=False)
    assert come_in(client).status_code == 302


def test_without_our_check_an_equal_e_mail_address_takes_an_account_over(
    provider: ProviderOfTests, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = User.objects.create_superuser("root", email="ada@example.com", password="root")
    monkeypatch.setattr(oidc.ProviderBackend, "get_or_create_user", OIDCAuthenticationBackend.get_or_create_user)
    assert come_in(client).status_code == 302
    assert LoginSession.objects.get().user == victim


def test_without_our_check_deactivated_people_go_on(
    provider: ProviderOfTests, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(client)
    User.objects.update(is_active=False)
    assert client.get("/accounts/login/").status_code == 200  # they are nobody
    monkeypatch.setattr(oidc.ProviderBackend, "get_user", OIDCAuthenticationBackend.get_user)
    assert client.get("/accounts/login/").status_code == 302
