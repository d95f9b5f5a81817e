"""Half a configuration of single sign-on does not run in silence."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_CALLBACK = "/accounts/oidc/callback/"


@register("metricvault")
def single_sign_on(**kwargs: Any) -> list[CheckMessage]:
    """An issuer and a client belong together; what the provider says is read over TLS."""
    oidc, found = settings.METRICVAULT_OIDC, list[CheckMessage]()
    issuer = urlsplit(oidc["issuer"])
    if not oidc["issuer"]:
        if oidc["client_id"] or oidc["client_secret"]:
            hint = "Set METRICVAULT_OIDC_ISSUER, or unset METRICVAULT_OIDC_CLIENT_ID and its secret."
            found.append(Error("Single sign-on has a client, but no provider.", hint=hint, id="metricvault.E020"))
        return found
    if not oidc["client_id"]:
        hint = f"Register a client with the address {_CALLBACK} of this copy; set METRICVAULT_OIDC_CLIENT_ID."
        found.append(Error("Single sign-on has a provider, but no client.", hint=hint, id="metricvault.E021"))
    if issuer.scheme != "https" and not (issuer.scheme == "http" and issuer.hostname in _LOOPBACK):
        hint = "Set METRICVAULT_OIDC_ISSUER to an https:// address."
        found.append(Error(f"{oidc['issuer']}: who reads along could log in.", hint=hint, id="metricvault.E022"))
    if "openid" not in oidc["scopes"].split():
        hint = "Add openid to METRICVAULT_OIDC_SCOPES."
        found.append(Error("Without the scope openid no provider says who it is.", hint=hint, id="metricvault.E023"))
    return found


@register("metricvault", deploy=True)
def open_to_all(**kwargs: Any) -> list[CheckMessage]:
    """Whom a provider knows is not always who may make load."""
    oidc = settings.METRICVAULT_OIDC
    if oidc["issuer"] and not (oidc["allowed_groups"] or oidc["allowed_domains"]):
        hint = (
            "Set METRICVAULT_OIDC_ALLOWED_GROUPS or _ALLOWED_DOMAINS; METRICVAULT_OIDC_ALLOWED_GROUPS=* for everyone."
        )
        return [Warning(f"Everyone whom {oidc['issuer']} knows comes in.", hint=hint, id="metricvault.W024")]
    return []
