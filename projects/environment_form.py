"""The form of an environment: what a person typed as rows with their problems, and as what `environment_keeping` takes.

Field names are `header.KEY.name`, `variable.KEY.value`, `login.KEY.token` …; a KEY is any word, rows come in the order
of the form. A row whose fields are all empty is left out. Secrets are never sent back.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from pydantic import ValidationError

from metricvault.lib.errors import Detail
from metricvault.lib.invalid import sentence
from projects.environment_keeping import EnvironmentPatch
from projects.environments import KINDS, SECRETS, schemes_of, sealed_name, sealed_names
from projects.models import Environment, Project

GRANTS = ("client_credentials", "password")
MOST_ROWS = 400


@dataclass
class Row:
    """One header, variable or login. `values` by field; `kept` are the secrets that are there already, `again` those
    that were typed just now; `problems` by field."""

    key: str
    values: dict[str, str]
    kept: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()
    problems: dict[str, str] = field(default_factory=dict)
    scheme: Mapping[str, Any] = field(default_factory=dict)

    @property
    def way(self) -> str:
        """How a login is done: "" for not at all, "bearer", "basic", "api_key", "oauth2:client_credentials" …"""
        return self.values.get("way", "")

    @property
    def way_in_words(self) -> str:
        """`way` for people."""
        return way_in_words(self.way)

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """The fields of a login done in this way."""
        kind, _colon, grant = self.way.partition(":")
        secret_names = SECRETS.get(kind, ())
        optional = grant == "password"
        return [
            {
                "name": name,
                "value": self.values.get(name, ""),
                "secret": name in secret_names,
                "kept": name in self.kept,
                "optional": optional and name == "client_secret",
                "problem": self.problems.get(name, ""),
                **words,
            }
            for name, words in login_fields(kind, grant).items()
        ]

    @property
    def ways(self) -> list[tuple[str, str]]:
        """The ways that the scheme allows, in words."""
        kinds = KINDS.get(self.scheme.get("kind", ""), (self.way.partition(":")[0],) if self.way else ())
        flows = [flow["flow"] for flow in self.scheme.get("flows", ())]
        grants = sorted(GRANTS, key=lambda grant: grant not in flows)
        found = [("", _("no login"))]
        for kind in kinds:
            found += [(f"oauth2:{one}", way_in_words(f"oauth2:{one}")) for one in grants] if kind == "oauth2" else []
            found += [(kind, way_in_words(kind))] if kind != "oauth2" else []
        return found


def way_in_words(way: str) -> str:
    """The ways of `Row.way` for people."""
    return {
        "bearer": _("a token of my own"),
        "basic": _("user name and password"),
        "api_key": _("API key"),
        "oauth2:client_credentials": _("OAuth 2.0: client credentials"),
        "oauth2:password": _("OAuth 2.0: user name and password"),
    }.get(way, way)


def login_fields(kind: str, grant: str) -> dict[str, dict[str, Any]]:
    """Label, hint and choices of each field of a login, in their order."""
    if kind == "bearer":
        return {"token": {"label": _("Token"), "hint": _("Sent as “Authorization: Bearer …”.")}}
    person = {"username": {"label": _("User name")}, "password": {"label": _("Password")}}
    if kind == "basic":
        return person
    if kind == "api_key":
        places = [("header", _("header")), ("query", _("query parameter")), ("cookie", _("cookie"))]
        return {
            "key": {"label": _("API key")},
            "place": {"label": _("Where it goes"), "options": places},
            "name": {"label": _("Its name there")},
            "prefix": {"label": _("In front of it"), "hint": _("Where the API wants a word before the key.")},
        }
    if kind != "oauth2":
        return {}
    hint = _("Optional: without one the client is public.") if grant == "password" else ""
    clients = [("", _("by HTTP basic")), ("body", _("in the request's body"))]
    return {
        "token_url": {"label": _("Token URL"), "hint": _("Each run fetches one token here and renews it in time.")},
        "client_id": {"label": _("Client ID")},
        "client_secret": {"label": _("Client secret"), "hint": hint},
        **(person if grant == "password" else {}),
        "scope": {"label": _("Scopes"), "hint": _("Separated by spaces; empty: what the server gives.")},
        "in_body": {"label": _("Client authentication"), "options": clients},
    }


@dataclass
class EnvironmentForm:
    """A form of `project`, filled from an environment (`shown`) or from what was sent (`sent`)."""

    project: Project
    name: str = ""
    base_url: str = ""
    headers: list[Row] = field(default_factory=list)
    variables: list[Row] = field(default_factory=list)
    logins: list[Row] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def has_problems(self) -> bool:
        """Whether anything was refused."""
        return bool(self.problems) or any(row.problems for row in (*self.headers, *self.variables, *self.logins))

    @property
    def general(self) -> str:
        """What is wrong with no single field."""
        return self.problems.get("", "")

    def asked(self) -> dict[str, Any]:
        """For `EnvironmentPatch`."""
        return {
            "name": self.name,
            "base_url": self.base_url,
            "headers": [dict(row.values) for row in self.headers],
            "variables": [_variable(row) for row in self.variables],
            "credentials": [_credential(row) for row in self.logins if row.way],
        }

    def refuse(self, details: Iterable[Detail]) -> None:
        """Puts each problem at its field; `headers.1.name` is the second row's."""
        logins = [row for row in self.logins if row.way]
        lists = {"headers": self.headers, "variables": self.variables, "credentials": logins}
        for detail in details:
            part, _dot, rest = detail.field.partition(".")
            at, _dot, name = rest.partition(".")
            rows = lists.get(part, [])
            if at.isdecimal() and int(at) < len(rows):
                rows[int(at)].problems.setdefault({"kind": "way", "grant": "way"}.get(name, name), detail.message)
            else:
                self.problems.setdefault(part if part in ("name", "base_url") else "", detail.message)
        for row in (*self.headers, *self.variables, *self.logins):
            for name in row.again:
                row.values.pop(name, "")
                row.problems.setdefault(name, _("Type it once more: secrets are not sent back."))

    def read(self) -> EnvironmentPatch | None:
        """What is asked for; None where it does not even have the shape, whose problems are then at their fields."""
        try:
            return EnvironmentPatch.model_validate(self.asked())
        except ValidationError as error:
            places = [".".join(str(part) for part in one["loc"]) for one in error.errors(include_input=False)]
            words = [sentence(one) for one in error.errors(include_input=False)]
            self.refuse(Detail(place, text) for place, text in zip(places, words, strict=True))
            return None


def _variable(row: Row) -> dict[str, Any]:
    secret = bool(row.values.get("secret"))
    value: str | None = row.values.get("value", "")
    if secret and row.values.get("forget") and not value:
        value = None
    return {"name": row.values["name"], "value": value, "secret": secret, "was": row.values.get("was", "")}


def _credential(row: Row) -> dict[str, Any]:
    kind, _colon, grant = row.way.partition(":")
    names = (
        "token",
        "username",
        "password",
        "key",
        "name",
        "prefix",
        "token_url",
        "client_id",
        "client_secret",
        "scope",
    )
    found: dict[str, Any] = {name: row.values[name] for name in names if name in row.values}
    if row.values.get("forget") and not found.get("client_secret"):
        found["client_secret"] = None
    place = {"place": row.values["place"]} if row.values.get("place") else {}
    in_body = {"in_body": row.values.get("in_body") == "body"}
    return {"scheme": row.values["scheme"], "kind": kind, "grant": grant or None, **place, **in_body, **found}


def shown(environment: Environment) -> EnvironmentForm:
    """The form of an environment as it is kept (a new one has no key)."""
    names = sealed_names(environment)
    there = names or frozenset()
    variables = []
    for one in environment.variables:
        kept = frozenset({"value"} if sealed_name("variable", one["name"]) in there else ())
        values = {
            "name": one["name"],
            "value": one["value"],
            "was": one["name"],
            "secret": "on" if one["secret"] else "",
        }
        variables.append(Row(new_key(), values, kept))
    return EnvironmentForm(
        environment.project,
        environment.name,
        environment.base_url,
        [Row(new_key(), {"name": one["name"], "value": one["value"]}) for one in environment.headers],
        variables,
        _logins(environment, there, {}),
        {"": _("The secrets of this environment cannot be read: their key is gone. Type them again.")}
        if names is None
        else {},
    )


def _logins(environment: Environment, there: frozenset[str], typed: Mapping[str, dict[str, str]]) -> list[Row]:
    """A row for each scheme of the documents, and for each login whose scheme is gone from them."""
    kept = {one["scheme"]: one for one in environment.credentials}
    known = {scheme["name"]: scheme for scheme in schemes_of(environment.project)}
    rows = []
    for at, name in enumerate(dict.fromkeys([*known, *kept])):
        values = typed.get(name) or _login_values(name, kept.get(name, {}))
        rows.append(login_row(f"s{at}", values, known.get(name, {}), kept.get(name, {}), there))
    return rows


def login_row(
    key: str,
    values: dict[str, str],
    scheme: Mapping[str, Any],
    kept: Mapping[str, Any],
    there: frozenset[str],
) -> Row:
    """The row of a login; what the document says of its way is filled in where nothing is."""
    kind, _colon, grant = values.get("way", "").partition(":")
    usual: dict[str, str] = {}
    if kind == "oauth2":
        if values.get("token_url") in [one["token_url"] for one in scheme.get("flows", ()) if one["flow"] != grant]:
            del values["token_url"]  # filled in for the grant that was chosen before
        flow = next((one for one in scheme.get("flows", ()) if one["flow"] == grant), None)
        usual = {"token_url": flow["token_url"], "scope": " ".join(flow["scopes"][:20])} if flow else {}
    elif kind == "api_key":
        usual = {"place": scheme.get("place", "header"), "name": scheme.get("parameter", "")}
    for name, value in usual.items():
        values.setdefault(name, value)
    fields = SECRETS.get(kind, ()) if kept.get("kind") == kind else ()
    secret_names = frozenset(name for name in fields if sealed_name(name, values["scheme"]) in there)
    again = frozenset(name for some in SECRETS.values() for name in some if values.get(name))
    return Row(key, values, secret_names, again, scheme=scheme)


def _login_values(name: str, kept: Mapping[str, Any]) -> dict[str, str]:
    if not kept:
        return {"scheme": name, "way": ""}
    way = f"oauth2:{kept['grant']}" if kept["kind"] == "oauth2" else kept["kind"]
    plain = ("username", "place", "name", "prefix", "token_url", "client_id", "scope")
    texts = {field: str(kept[field]) for field in plain if field in kept}
    return {"scheme": name, "way": way, "in_body": "body" if kept.get("in_body") else "", **texts}


def sent(environment: Environment, data: QueryDict) -> EnvironmentForm:
    """The form as it was sent."""
    there = sealed_names(environment) or frozenset()
    rows: dict[str, dict[str, dict[str, str]]] = {"header": {}, "variable": {}, "login": {}}
    for full, value in data.items():
        part, _dot, rest = full.partition(".")
        key, _dot, name = rest.partition(".")
        if part in rows and name and (key in rows[part] or len(rows[part]) < MOST_ROWS):
            rows[part].setdefault(key[:40], {})[name] = str(value)
    headers = [
        Row(key, {"name": one.get("name", "").strip(), "value": one.get("value", "")})
        for key, one in rows["header"].items()
    ]
    variables = [_sent_variable(key, one, there) for key, one in rows["variable"].items()]
    logins = {one.get("scheme", ""): {"way": "", **one} for one in rows["login"].values()}
    return EnvironmentForm(
        environment.project,
        str(data.get("name", "")).strip(),
        str(data.get("base_url", "")).strip(),
        [row for row in headers if any(row.values.values())],
        [row for row in variables if any(row.values.get(name) for name in ("name", "value", "was"))],
        _logins(environment, there, logins),
    )


def _sent_variable(key: str, one: dict[str, str], there: frozenset[str]) -> Row:
    values = {name: one.get(name, "") for name in ("value", "was", "secret", "forget")}
    values["name"] = one.get("name", "").strip()
    kept = frozenset({"value"} if values["was"] and sealed_name("variable", values["was"]) in there else ())
    return Row(key, values, kept, frozenset({"value"} if values["secret"] and values["value"] else ()))


def new_key() -> str:
    """A key that no row of the form has."""
    return secrets.token_hex(4)
