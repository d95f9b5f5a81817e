"""Security schemes and requirements of Swagger 2.0 and OpenAPI 3 in one normal form.

A scheme is a dict: name, kind (bearer, basic, api_key, oauth2, open_id, other), place (header, query,
cookie or ""), parameter (the header's, query parameter's or cookie's name), flows (list of {flow, token_url, scopes}),
open_id_url, description. Sources: https://spec.openapis.org/oas/v3.1.0#security-scheme-object and
https://spec.openapis.org/oas/v2.0#security-scheme-object.

The requirements of an operation are a tuple of alternatives; each is a tuple of {scheme, scopes} that are
needed together. () asks for nothing; an empty alternative means: may be called without as well.
"""

from typing import Any
from urllib.parse import urljoin

from projects.openapi.parameters import text
from projects.openapi.references import References
from projects.openapi.wording import Warnings, gettext_noop

MOST_SCHEMES = 200
MOST_ALTERNATIVES = 50
MOST_SCOPES = 1_000
LONGEST_NAME = 500
LONGEST_URL = 2_000
_FLOWS = {
    "implicit": "implicit", "password": "password",
    "clientCredentials": "client_credentials", "application": "client_credentials",
    "authorizationCode": "authorization_code", "accessCode": "authorization_code",
    "deviceAuthorization": "device_authorization",
}  # fmt: skip

Scheme = dict[str, Any]
Requirement = dict[str, Any]
Alternatives = tuple[tuple[Requirement, ...], ...]


class Security:
    """Reads the security schemes of one document and the requirements that name them."""

    def __init__(self, document: dict[str, Any], source_url: str, references: References, warnings: Warnings) -> None:
        self._source_url = source_url
        self._references = references
        self._warnings = warnings
        self._whole = document.get("security")
        components = document.get("components")
        given = components.get("securitySchemes") if isinstance(components, dict) else None
        # Hand-made mixtures of both versions are seen in the wild.
        given = given if isinstance(given, dict) else document.get("securityDefinitions")
        self._given = given if isinstance(given, dict) else {}
        self._of_document: Alternatives | None = None

    def schemes(self) -> tuple[Scheme, ...]:
        """Every scheme that the document describes, in its order."""
        found = []
        for name, entry in list(self._given.items())[:MOST_SCHEMES]:
            where = f"securitySchemes {name}"
            scheme = self._references.resolved(entry, where)
            if scheme is None:
                self._warnings.add(where, gettext_noop("The security scheme cannot be read. It was left out."))
            else:
                found.append(self._normal(name, scheme, where))
        return tuple(found)

    def _normal(self, name: str, scheme: dict[str, Any], where: str) -> Scheme:
        normal: Scheme = {
            "name": name[:LONGEST_NAME], "kind": "other", "place": "", "parameter": "", "flows": [], "open_id_url": "",
            "description": text(scheme.get("description")),
        }  # fmt: skip
        kind, how = text(scheme.get("type")).lower(), text(scheme.get("scheme")).strip().lower()
        if kind in ("basic", "bearer") or (kind == "http" and how in ("basic", "bearer")):
            normal.update(kind=kind if kind != "http" else how, place="header", parameter="Authorization")
        elif kind == "apikey" and scheme.get("in") in ("header", "query", "cookie") and text(scheme.get("name")):
            normal.update(kind="api_key", place=scheme["in"], parameter=text(scheme["name"])[:LONGEST_NAME])
        elif kind == "oauth2":
            flows = self._flows(scheme)
            normal.update(kind="oauth2", place="header", parameter="Authorization", flows=flows)
        elif kind == "openidconnect":
            url = self._url(scheme.get("openIdConnectUrl"))
            normal.update(kind="open_id", place="header", parameter="Authorization", open_id_url=url)
        elif kind not in ("http", "mutualtls"):
            self._warnings.add(where, gettext_noop("The kind of this security scheme is not known."))
        return normal

    def _flows(self, scheme: dict[str, Any]) -> list[dict[str, Any]]:
        given = scheme.get("flows")
        if not isinstance(given, dict):
            given = {text(scheme.get("flow")): scheme}  # Swagger 2.0 has one, on the scheme itself
        found = []
        for name, flow in given.items():
            if name in _FLOWS and isinstance(flow, dict):
                scopes = flow.get("scopes")
                names = [text(scope) for scope in scopes][:MOST_SCOPES] if isinstance(scopes, dict | list) else []
                found.append({"flow": _FLOWS[name], "token_url": self._url(flow.get("tokenUrl")), "scopes": names})
        return found

    def _url(self, value: Any) -> str:
        """An http address, made absolute where the document's own is known; "" for anything else."""
        url = text(value).strip()[:LONGEST_URL]
        try:
            url = urljoin(self._source_url, url) if url and self._source_url else url
        except ValueError:
            return ""
        return url if url.startswith(("http://", "https://", "/")) else ""

    def of_operation(self, operation: dict[str, Any], where: str) -> Alternatives:
        """What an operation asks for: its own requirements, an empty list among them, win over the document's."""
        given = operation.get("security")
        if given is not None:
            return self._alternatives(given, where)
        if self._of_document is None:
            self._of_document = self._alternatives(self._whole, "security") if self._whole is not None else ()
        return self._of_document

    def _alternatives(self, given: Any, where: str) -> Alternatives:
        if not isinstance(given, list):
            self._warnings.add(where, gettext_noop("The security requirements are not a list. They were left out."))
            return ()
        found: dict[str, tuple[Requirement, ...]] = {}
        for entry in given[:MOST_ALTERNATIVES]:
            if isinstance(entry, dict):
                alternative = tuple(self._requirement(name, scopes) for name, scopes in entry.items())
                found[repr(alternative)] = alternative
        return tuple(found.values())

    def _requirement(self, name: str, scopes: Any) -> Requirement:
        if name not in self._given:
            self._warnings.add(  # once, not for each of a thousand operations
                "security", gettext_noop("The security scheme “%(name)s” is not described in the document."), name=name
            )
        names = [text(scope) for scope in scopes if text(scope)] if isinstance(scopes, list) else []
        return {"scheme": name[:LONGEST_NAME], "scopes": names[:MOST_SCOPES]}
