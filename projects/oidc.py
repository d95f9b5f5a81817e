"""Single sign-on by OpenID Connect: the code flow with PKCE, `state` and `nonce`.

mozilla-django-oidc speaks to the provider. What it leaves open is closed here: the ID token has to be ours and in time
(OpenID Connect Core 3.1.3.7), people are matched by `iss` and `sub` alone, and whoever is deactivated stays out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import requests
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from metricvault.lib.errors import NotAllowed, Unreachable
from projects import arriving

ALGORITHM = "RS256"
_TIMEOUT = 5.0  # seconds a provider has for each answer
_CLOCKS_APART = 30  # seconds
_DOCUMENT_LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Provider:
    """What its discovery document says (OpenID Connect Discovery 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    takes_secret_in_form: bool  # else in the header of HTTP basic authentication, which is the default


_read: dict[str, tuple[datetime, Provider]] = {}  # by issuer: when it was read, and what it said


def is_set_up() -> bool:
    """Whether people can come in by a provider."""
    return bool(settings.METRICVAULT_OIDC["issuer"])


def provider_name() -> str:
    """What stands on the button; "" where there is no provider."""
    found = settings.METRICVAULT_OIDC
    return str(found["name"] or urlsplit(found["issuer"]).hostname or "") if is_set_up() else ""


def provider(now: datetime | None = None) -> Provider:
    """The provider, asked at most once an hour; `Unreachable` where it does not answer, or not as a provider does."""
    now, issuer = now or timezone.now(), str(settings.METRICVAULT_OIDC["issuer"])
    kept = _read.get(issuer)
    if kept is None or now - kept[0] > _DOCUMENT_LASTS:
        kept = now, _discover(issuer)
        _read[issuer] = kept
    return kept[1]


def _discover(issuer: str) -> Provider:
    try:
        answer = requests.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=_TIMEOUT)
        answer.raise_for_status()
        said = answer.json()
        found = Provider(
            issuer=str(said["issuer"]),
            authorization_endpoint=str(said["authorization_endpoint"]),
            token_endpoint=str(said["token_endpoint"]),
            jwks_uri=str(said["jwks_uri"]),
            userinfo_endpoint=str(said.get("userinfo_endpoint") or ""),
            end_session_endpoint=str(said.get("end_session_endpoint") or ""),
            takes_secret_in_form="client_secret_post" in said.get("token_endpoint_auth_methods_supported", []),
        )
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreachable(unreachable()) from error
    if found.issuer.rstrip("/") != issuer.rstrip("/"):
        raise Unreachable(_("The provider calls itself %(found)s; METRICVAULT_OIDC_ISSUER has to say the same.")
                          % {"found": found.issuer[:200]})  # fmt: skip
    return found


def unreachable() -> str:
    """The sentence for who cannot come in because the provider is away."""
    return _("%(name)s does not answer. Try again in a moment, or tell your administrator.") % {"name": provider_name()}


def logout_address(back_to: str) -> str:
    """Where the person logs out at the provider, too (OpenID Connect RP-Initiated Logout); "" where nobody knows."""
    try:
        found = provider().end_session_endpoint if is_set_up() else ""
    except Unreachable:
        return ""
    query = urlencode({"client_id": settings.METRICVAULT_OIDC["client_id"], "post_logout_redirect_uri": back_to})
    return f"{found}{'&' if '?' in found else '?'}{query}" if found else ""


def library_setting(name: str, *default: Any) -> Any:
    """What mozilla-django-oidc asks of the settings; ours are read first, the endpoints from the provider itself."""
    own, found = settings.METRICVAULT_OIDC, provider
    answers: dict[str, Any] = {
        "OIDC_OP_AUTHORIZATION_ENDPOINT": lambda: found().authorization_endpoint,
        "OIDC_OP_TOKEN_ENDPOINT": lambda: found().token_endpoint,
        "OIDC_OP_USER_ENDPOINT": lambda: found().userinfo_endpoint,
        "OIDC_OP_JWKS_ENDPOINT": lambda: found().jwks_uri,
        "OIDC_RP_CLIENT_ID": lambda: own["client_id"],
        "OIDC_RP_CLIENT_SECRET": lambda: own["client_secret"],
        "OIDC_RP_SCOPES": lambda: own["scopes"],
        "OIDC_RP_SIGN_ALGO": lambda: ALGORITHM,
        "OIDC_USE_PKCE": lambda: True,
        "OIDC_TOKEN_USE_BASIC_AUTH": lambda: bool(own["client_secret"]) and not found().takes_secret_in_form,
        "OIDC_TIMEOUT": lambda: _TIMEOUT,
        "OIDC_AUTHENTICATION_CALLBACK_URL": lambda: "oidc-callback",
    }
    if name in answers:
        return answers[name]()
    return getattr(settings, name, *default)


class ProviderBackend(OIDCAuthenticationBackend):
    """Makes a person of what the provider says. Made anew for every request, so it asks nobody before it has to."""

    def __init__(self) -> None:
        self.UserModel = User
        self.request: HttpRequest | None = None

    get_settings = staticmethod(library_setting)

    def get_user(self, user_id: int) -> User | None:
        """As Django's own: the library's lets deactivated people go on."""
        found = ModelBackend().get_user(user_id)
        return found if isinstance(found, User) else None

    def authenticate(self, request: HttpRequest | None, *, nonce: str, code_verifier: str) -> User | None:
        """Only with what the callback found in the session: Django skips this backend for a name and a password.

        `NotAllowed` with a sentence where the person or what the provider says is refused, `Unreachable` where it does
        not answer.
        """
        if request is None or not nonce or not code_verifier:
            return None
        for name in ("OIDC_OP_TOKEN_ENDPOINT", "OIDC_OP_USER_ENDPOINT", "OIDC_OP_JWKS_ENDPOINT", "OIDC_RP_CLIENT_ID",
                     "OIDC_RP_CLIENT_SECRET"):  # fmt: skip
            setattr(self, name, library_setting(name))
        try:
            user = super().authenticate(request, nonce=nonce, code_verifier=code_verifier)
        except requests.HTTPError as error:
            if error.response is not None and error.response.status_code < 500:
                raise NotAllowed(_("The provider did not accept this login. Begin again.")) from error
            raise Unreachable(unreachable()) from error
        except requests.RequestException as error:
            raise Unreachable(unreachable()) from error
        except (jwt.PyJWTError, SuspiciousOperation, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotAllowed(_("What the provider said cannot be trusted (%(why)s). Begin again, or tell your "
                               "administrator.") % {"why": why(error)}) from error  # fmt: skip
        return user if isinstance(user, User) else None

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A client without a secret shows none; PKCE is what it has."""
        shown = {name: value for name, value in payload.items() if value}
        return dict(super().get_token(shown))

    def verify_token(self, token: str, *, nonce: str) -> dict[str, Any]:
        """The claims of the ID token: signed by the provider, for us, in time, and the answer to our question."""
        client = str(settings.METRICVAULT_OIDC["client_id"])
        claims: dict[str, Any] = jwt.decode(
            token,
            self.retrieve_matching_jwk(token),
            algorithms=[ALGORITHM],
            audience=client,
            issuer=provider().issuer,
            leeway=_CLOCKS_APART,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
        if claims.get("azp", client) != client:
            raise jwt.InvalidAudienceError("azp is another client")
        if not constant_time_compare(str(claims.get("nonce", "")), nonce):
            raise jwt.InvalidTokenError("nonce is another one")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        """The person behind the claims; what userinfo adds counts only where it speaks of the same one."""
        claims = dict(payload)
        if provider().userinfo_endpoint:
            more = self.get_userinfo(access_token, id_token, payload)
            if more.get("sub") != payload["sub"]:
                raise jwt.InvalidTokenError("userinfo is about somebody else")
            claims = {**more, **payload}
        return arriving.arrive(provider().issuer, claims)


def why(error: Exception) -> str:
    """What was wrong in a few words, for the person who has to tell an administrator."""
    known = (
        (jwt.ExpiredSignatureError, _("it is out of date")),
        (jwt.ImmatureSignatureError, _("it is from the future; compare the clocks")),
        (jwt.InvalidAudienceError, _("it is for another program")),
        (jwt.InvalidIssuerError, _("it is of another provider")),
        (jwt.InvalidSignatureError, _("its signature is wrong")),
        (jwt.MissingRequiredClaimError, _("something is missing in it")),
        (jwt.InvalidTokenError, _("it answers another question")),
    )
    return next((words for kind, words in known if isinstance(error, kind)), _("it could not be read"))
