"""Single sign-on, the whole way over HTTP to a small but real provider, and what is refused on it."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from pytest_django.fixtures import Settings

from projects import oidc
from projects.checks import open_to_all, single_sign_on
from projects.models import AuditEntry, Identity, LoginSession
from projects.tests.oidc_provider import CLIENT, SECRET, ProviderOfTests, running_provider

pytestmark = pytest.mark.django_db
CALLBACK = "/accounts/oidc/callback/"


@pytest.fixture(scope="module")
def server() -> Iterator[ProviderOfTests]:
    with running_provider() as started:
        yield started


@pytest.fixture
def provider(server: ProviderOfTests, settings: Settings) -> ProviderOfTests:
    """The provider, set up in this copy; whatever another test spoilt is whole again."""
    server.__init__(server.url)  # type: ignore[misc]
    settings.METRICVAULT_OIDC = {
        **settings.METRICVAULT_OIDC, "issuer": server.url, "client_id": CLIENT, "client_secret": SECRET, "name": "Acme",
    }  # fmt: skip
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "projects.oidc.ProviderBackend"]
    oidc._read.clear()
    return server


@pytest.fixture
def change(settings: Settings) -> Callable[..., None]:
    def changed(**values: Any) -> None:
        settings.METRICVAULT_OIDC = {**settings.METRICVAULT_OIDC, **values}

    return changed


def to_provider(client: Client, query: str = "") -> str:
    answer = client.get(f"/accounts/oidc/{query}")
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def back(address: str) -> str:
    """What the provider has the browser do: the path of the callback with its query."""
    answer = httpx.get(address)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def come_in(client: Client, query: str = "") -> Any:
    return client.get(back(to_provider(client, query)))


def refused(answer: Any) -> str:
    """The sentence on the page of a refusal."""
    assert answer.status_code in {400, 403, 502}
    assert b"Signing in did not work" in answer.content
    assert not LoginSession.objects.exists()
    return str(answer.context["error"].message)


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
    provider: ProviderOfTests, client: Client, change: Callable[..., None]
) -> None:
    page = client.get("/accounts/login/?next=/runs/%3Fa=1%26b=2").content.decode()
    assert "Sign in with Acme" in page
    assert 'href="/accounts/oidc/?next=%2Fruns%2F%3Fa%3D1%26b%3D2"' in page
    change(issuer="")
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


def test_groups_make_administrators_and_unmake_them(provider: ProviderOfTests, change: Callable[..., None]) -> None:
    change(admin_groups=["ops"], groups_claim="realm_access.roles")
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
    provider: ProviderOfTests, change: Callable[..., None], client: Client, claims: dict[str, Any], comes_in: bool
) -> None:
    change(allowed_groups=["load-testers"], admin_groups=["ops"])
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
    provider: ProviderOfTests, change: Callable[..., None], client: Client, claims: dict[str, Any], comes_in: bool
) -> None:
    change(allowed_domains=["example.com"])
    provider.person |= claims
    answer = come_in(client)
    assert answer.status_code == 302 if comes_in else "domain" in refused(answer)


def test_groups_may_come_from_userinfo_alone(
    provider: ProviderOfTests, change: Callable[..., None], client: Client
) -> None:
    change(allowed_groups=["qa"])
    provider.more = {"groups": ["qa"]}
    assert come_in(client).status_code == 302


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


def test_an_answer_counts_once_and_in_its_own_browser(provider: ProviderOfTests, client: Client) -> None:
    address = back(to_provider(client))
    assert "not begun here" in refused(Client().get(address))
    assert client.get(address).status_code == 302
    client.post("/accounts/logout/")
    assert "not begun here" in refused(client.get(address))


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
    assert refused(answer)


def test_a_provider_that_is_down_is_a_sentence(
    provider: ProviderOfTests, client: Client, change: Callable[..., None]
) -> None:
    address = back(to_provider(client))
    change(issuer="http://127.0.0.1:9")
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
