"""Environments of a project: where its requests go and as whom; and how their secrets are read.

`Environment.credentials` are dicts by the kind of the login to a security scheme of the document:
bearer {scheme, kind}; basic {.., username}; api_key {.., place, name, prefix}; oauth2 {.., grant, token_url, client_id,
scope, username, in_body, public} (`public`: the client has no secret). `Environment.sealed` is an object of texts,
encrypted, by the names of `sealed_name`.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from metricvault.lib.errors import Conflict, Detail, Missing
from projects.access import Person, project_scope
from projects.models import Environment, OpenApiSpec, Project
from projects.sealing import ENVIRONMENTS, seal_text, unseal_text

# What is secret about a login of each kind.
SECRETS: Mapping[str, tuple[str, ...]] = {
    "bearer": ("token",),
    "basic": ("password",),
    "api_key": ("key",),
    "oauth2": ("client_secret", "password"),
}
# How a document's security scheme may be answered; the first is what is meant by it.
KINDS: Mapping[str, tuple[str, ...]] = {
    "bearer": ("bearer", "oauth2"),
    "basic": ("basic",),
    "api_key": ("api_key",),
    "oauth2": ("oauth2", "bearer"),
    "open_id": ("oauth2", "bearer"),
}


@dataclass(frozen=True, slots=True)
class OAuthParts:
    """How an access token is got (RFC 6749). `grant`: "client_credentials" or "password". `client_secret` and
    `password` are references, "" where there is none. `in_body`: the client says who it is in the body."""

    grant: str
    token_url: str
    client_id: str
    client_secret: str
    scope: str
    username: str
    password: str
    in_body: bool


@dataclass(frozen=True, slots=True)
class CredentialParts:
    """A login for a security scheme. `kind`: "bearer", "basic", "api_key" or "oauth2"; `place`: "header", "query" or
    "cookie", under `name`. What is sent is `prefix` with the secret value of `reference` behind it ("" with `oauth`:
    the access token)."""

    scheme: str
    kind: str
    place: str
    name: str
    prefix: str
    reference: str
    oauth: OAuthParts | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentParts:
    """What an environment puts into requests, without any secret. `base_url`: "" for the document's. Values of
    `headers` may hold placeholders; `secret_variables` are references by name."""

    base_url: str
    headers: tuple[tuple[str, str], ...]
    variables: Mapping[str, str]
    secret_variables: Mapping[str, str]
    credentials: tuple[CredentialParts, ...]


class SecretsUnreadable(Conflict):
    """The key that sealed the secrets of an environment is gone."""


def parts(environment: Environment) -> EnvironmentParts:
    """Everything but the secrets."""
    variables = environment.variables
    return EnvironmentParts(
        base_url=environment.base_url,
        headers=tuple((one["name"], one["value"]) for one in environment.headers),
        variables={one["name"]: one["value"] for one in variables if not one["secret"]},
        secret_variables={one["name"]: f"variable:{one['name']}" for one in variables if one["secret"]},
        credentials=tuple(_credential(one) for one in environment.credentials),
    )


def _credential(kept: dict[str, Any]) -> CredentialParts:
    scheme, kind = kept["scheme"], kept["kind"]
    if kind == "api_key":
        return CredentialParts(
            scheme, kind, kept["place"], kept["name"], kept.get("prefix", ""), f"credential:{scheme}"
        )
    if kind == "oauth2":
        oauth = OAuthParts(
            grant=kept["grant"],
            token_url=kept["token_url"],
            client_id=kept["client_id"],
            client_secret="" if kept.get("public") else sealed_name("client_secret", scheme),
            scope=kept.get("scope", ""),
            username=kept.get("username", ""),
            password=sealed_name("password", scheme) if kept["grant"] == "password" else "",
            in_body=bool(kept.get("in_body")),
        )
        return CredentialParts(scheme, kind, "header", "Authorization", "Bearer ", "", oauth)
    prefix = "Basic " if kind == "basic" else "Bearer "
    return CredentialParts(scheme, kind, "header", "Authorization", prefix, f"credential:{scheme}")


def secret_values(environment: Environment) -> dict[str, str]:
    """Every secret by its reference, as it is sent; "" for a variable whose value was never typed. To be called only
    where k6 is launched or a token fetched. Raises `SecretsUnreadable`."""
    kept = unsealed(environment)
    found = dict.fromkeys(parts(environment).secret_variables.values(), "")
    for credential in environment.credentials:
        scheme, kind = credential["scheme"], credential["kind"]
        values = {field: kept.get(sealed_name(field, scheme), "") for field in SECRETS[kind]}
        if kind == "oauth2":
            found |= {sealed_name(field, scheme): value for field, value in values.items()}
        elif kind == "basic":
            login = f"{credential['username']}:{values['password']}"
            found[f"credential:{scheme}"] = base64.b64encode(login.encode()).decode("ascii")
        else:
            found[f"credential:{scheme}"] = values[SECRETS[kind][0]]
    return found | {name: value for name, value in kept.items() if name in found}


def sealed_name(field: str, name: str) -> str:
    """Under which a secret is kept: `field` "variable", or one of `SECRETS`, of the variable or scheme `name`."""
    return f"{field}:{name}"


def unsealed(environment: Environment) -> dict[str, str]:
    """The secrets by `sealed_name`. Raises `SecretsUnreadable`."""
    if not environment.sealed:
        return {}
    text = unseal_text(environment.sealed, ENVIRONMENTS)
    if text is None:
        message = _("The secrets of environment “%(name)s” cannot be read: their key is gone. Type them again.")
        message = message % {"name": environment.name}
        raise SecretsUnreadable(message, [Detail("environment", message)])
    return {str(name): str(value) for name, value in json.loads(text).items()}


def sealed_names(environment: Environment) -> frozenset[str] | None:
    """Which secrets are there, by `sealed_name`; None where they cannot be read any more."""
    try:
        return frozenset(unsealed(environment))
    except SecretsUnreadable:
        return None


def sealed(secrets: Mapping[str, str]) -> str:
    """The form in which `Environment.sealed` keeps them."""
    return seal_text(json.dumps(dict(secrets)), ENVIRONMENTS) if secrets else ""


def visible_environments(user: Person) -> QuerySet[Environment]:
    """Those of the projects that `user` may see."""
    return Environment.objects.filter(project_scope(user, "project__")).select_related("project")


def get_environment(user: Person, pk: int) -> Environment:
    """The environment, or `Missing`."""
    found = visible_environments(user).filter(pk=pk).first()
    if found is None:
        raise Missing(_("There is no environment %(id)s.") % {"id": pk})
    return found


def schemes_of(project: Project) -> list[dict[str, Any]]:
    """The security schemes of the project's documents that a login can be given for, each name once, in the normal form
    of `projects.openapi.security`; a token address without a host is completed by the document's base URL."""
    found: dict[str, dict[str, Any]] = {}
    for spec in OpenApiSpec.objects.filter(project=project).defer("document").order_by("title", "id"):
        for scheme in spec.security_schemes:
            if scheme["kind"] in KINDS and scheme["name"] not in found:
                found[scheme["name"]] = {**scheme, "flows": [_flow(flow, spec) for flow in scheme["flows"]]}
    return list(found.values())


def _flow(flow: dict[str, Any], spec: OpenApiSpec) -> dict[str, Any]:
    url = flow["token_url"]
    if url.startswith("/") and spec.base_url.startswith(("http://", "https://")):
        scheme, _slashes, rest = spec.base_url.partition("://")
        url = f"{scheme}://{rest.partition('/')[0]}{url}"
    return {**flow, "token_url": url}
