"""Rules of an environment, for page and API alike, and how one is kept.

What is asked for comes as `EnvironmentIn`. A secret that is left out or empty stays as it is, None removes it, a text
takes its place. Lists are given whole.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from metricvault.lib.errors import Conflict, Detail, Missing, Refused
from projects import environment_audit
from projects.environments import KINDS, SECRETS, SecretsUnreadable, schemes_of, sealed, sealed_name, unsealed
from projects.models import Environment

LONGEST_VALUE = 10_000
MOST = 80  # of headers, variables, credentials
MOST_SECRET = 200_000  # characters of all secrets together: they become the environment of a process, or a Secret
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}\Z")  # a token of RFC 9110
_VARIABLE = re.compile(r"[^\W\d]\w{0,59}\Z")  # as it stands in {{name}}
_COOKIE = re.compile(r"[!#-+\--:<-\[\]-~]*\Z")  # cookie-octets of RFC 6265
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization"})
# k6 and the connection set them.
_NOT_OURS = frozenset({"content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"})

Report = Callable[[str, str], None]


def _plain(value: Any) -> Any:
    """Answers say {"secret": true, "set": …} where a secret is; sent back, it leaves the secret as it is."""
    return "" if isinstance(value, dict) and value.get("secret") is True else value


Value = Annotated[str, StringConstraints(max_length=LONGEST_VALUE)]
Word = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]
Secret = Annotated[Annotated[str, StringConstraints(max_length=LONGEST_VALUE)] | None, BeforeValidator(_plain)]


class HeaderIn(BaseModel):
    """A header of every request."""

    name: Word = Field(examples=["X-Tenant"])
    value: Value = Field("", description="May hold placeholders: {{name}}", examples=["acme"])


class VariableIn(BaseModel):
    """A value that requests take as `{{name}}`."""

    name: Word = Field(examples=["region"])
    value: Secret = Field(
        "", description="A secret one stays as it is where this is left out or empty; null removes it"
    )
    secret: bool = Field(False, description="Kept encrypted, never shown again, never in a script")
    was: Word = Field("", description="Its name before, where it is renamed: a secret value goes with it")


class CredentialIn(BaseModel):
    """A login for a security scheme of the project's documents. Secrets (token, password, key, client_secret) stay as
    they are where they are left out or empty; null removes them."""

    scheme: Word = Field(description="The name of the security scheme", examples=["bearerAuth"])
    kind: Literal["bearer", "basic", "api_key", "oauth2"] | None = Field(
        None, description="As the document says where it is left out"
    )
    token: Secret = Field("", description="bearer: the token")
    username: Value = Field("", description="basic, and oauth2 with the password grant")
    password: Secret = Field("", description="basic, and oauth2 with the password grant")
    key: Secret = Field("", description="api_key: the key")
    place: Literal["header", "query", "cookie"] | None = Field(None, description="api_key: where it goes")
    name: Word = Field("", description="api_key: the name of the header, query parameter or cookie")
    prefix: Value = Field("", description="api_key: what stands before the key")
    grant: Literal["client_credentials", "password"] | None = Field(None, description="oauth2")
    token_url: Word = Field("", description="oauth2: where tokens are got; the document's where it is left out")
    client_id: Value = Field("", description="oauth2")
    client_secret: Secret = Field("", description="oauth2")
    scope: Value = Field("", description="oauth2: scopes, separated by spaces")
    in_body: bool = Field(False, description="oauth2: the client says who it is in the body, not by HTTP basic")


class EnvironmentPatch(BaseModel):
    """What to change; what is left out stays. Lists take the place of those before."""

    name: Word | None = Field(None, examples=["staging"])
    base_url: Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)] | None = Field(
        None, description="Where requests go; empty: as the document says", examples=["https://staging.example.com/v1"]
    )
    headers: list[HeaderIn] | None = Field(None, max_length=MOST)
    variables: list[VariableIn] | None = Field(None, max_length=MOST)
    credentials: list[CredentialIn] | None = Field(None, max_length=MOST)


class EnvironmentIn(EnvironmentPatch):
    """A new environment."""

    project_id: int = Field(ge=1, le=2**63 - 1)
    name: Word = Field(examples=["staging"])


def keep(environment: Environment, asked: EnvironmentPatch) -> Environment:
    """Changes `environment` (a new one where it has no key) to what is asked for. Raises `Refused` with each field, or
    `Conflict` where the name is taken; nothing is kept then. No message quotes a value."""
    try:
        with transaction.atomic():
            if environment.pk:
                environment = Environment.objects.select_for_update().get(pk=environment.pk)
            before = environment_audit.state_of(environment) if environment.pk else environment_audit.NOTHING
            others = Environment.objects.filter(project=environment.project).exclude(pk=environment.pk)
            _Keeping(environment, asked, set(others.values_list("name", flat=True))).run()
            environment.save()
            environment_audit.record_kept(before, environment)
    except IntegrityError:  # somebody else took the name at the same moment
        raise _taken(environment.name) from None
    except Environment.DoesNotExist:
        raise Missing(_("There is no environment %(id)s.") % {"id": environment.pk}) from None
    return environment


def _taken(name: str) -> Conflict:
    message = _("There is an environment “%(name)s” already.") % {"name": name}
    return Conflict(message, [Detail("name", message)])


def duplicate(environment: Environment) -> Environment:
    """The same once more under another name, secrets included."""
    with transaction.atomic():
        taken = set(Environment.objects.filter(project=environment.project).values_list("name", flat=True))
        number, name = 2, environment.name
        while name in taken:
            name, number = f"{environment.name[:90]} ({number})", number + 1
        copy = Environment.objects.create(
            project=environment.project,
            name=name,
            base_url=environment.base_url,
            headers=environment.headers,
            variables=environment.variables,
            credentials=environment.credentials,
            sealed=environment.sealed,
        )
        environment_audit.record_kept(environment_audit.NOTHING, copy)
        return copy


def delete(environment: Environment) -> None:
    """Deletes it with its secrets. Raises `Conflict` while a plan uses it, which would else aim at another address, or
    an active run, which may need its secrets still."""
    with transaction.atomic():
        # By the relations' names: this app may not import the apps that stand on it.
        plans: Any = environment.plans.order_by("title", "id")
        titles = [plan.title for plan in plans.only("title")[:6]]
        if titles:
            message = _("These plans use “%(name)s”: %(plans)s. Choose another environment for them first.")
            named = ", ".join(titles[:5]) + (", …" if len(titles) > 5 else "")
            raise Conflict(message % {"name": environment.name, "plans": named})
        runs: Any = environment.project.test_histories.filter(is_completed=False)
        if runs.filter(plan_snapshot__environment=environment.pk).exists():
            raise Conflict(_("A run with this environment is active. Stop it or wait for its end, then delete it."))
        environment_audit.record_gone(environment)
        environment.delete()


class _Keeping:
    def __init__(self, environment: Environment, asked: EnvironmentPatch, taken: set[str]) -> None:
        self._environment = environment
        self._asked = asked
        self._taken = taken
        self._problems: list[Detail] = []
        try:
            self._before = unsealed(environment)
        except SecretsUnreadable:
            self._before = {}  # typed again, or gone
        self._secrets = dict(self._before)

    def run(self) -> None:
        asked, environment = self._asked, self._environment
        if asked.name is not None or not environment.pk:
            self._name(asked.name or "")
        if asked.base_url is not None:
            environment.base_url = asked.base_url
            check_address(asked.base_url, "base_url", self._report)
        if asked.headers is not None:
            environment.headers = [self._header(at, one) for at, one in enumerate(asked.headers)]
            self._once("headers", [one.name.lower() for one in asked.headers])
        if asked.variables is not None:
            self._forget("variable")
            environment.variables = [self._variable(at, one) for at, one in enumerate(asked.variables)]
            self._once("variables", [one.name for one in asked.variables])
        if asked.credentials is not None:
            self._credentials(asked.credentials)
        if sum(map(len, self._secrets.values())) > MOST_SECRET:
            message = _("All secrets together have at most %(count)d characters.") % {"count": MOST_SECRET}
            self._report("variables", message)
        if self._problems:
            names = ", ".join(dict.fromkeys(problem.field for problem in self._problems))
            raise Refused(_("Some values cannot be taken: %(fields)s.") % {"fields": names}, self._problems)
        if asked.variables is not None or asked.credentials is not None:
            environment.sealed = sealed(self._secrets)

    def _report(self, field: str, message: str) -> None:
        self._problems.append(Detail(field, message))

    def _report_of(self, part: str, field: str, message: str) -> None:
        self._report(f"{part}.{field}", message)

    def _name(self, name: str) -> None:
        if not name:
            self._report("name", _("Write a name, such as “staging”."))
        elif len(name) > 100 or not name.isprintable():
            self._report("name", _("At most 100 characters, without line breaks."))
        elif name in self._taken:
            raise _taken(name)
        self._environment.name = name

    def _once(self, field: str, names: list[str]) -> None:
        for at, name in enumerate(names):
            if name and name in names[:at]:
                self._report(f"{field}.{at}.name", _("“%(name)s” is there twice.") % {"name": name})

    def _header(self, at: int, header: HeaderIn) -> dict[str, str]:
        if not _TOKEN.match(header.name) or header.name.lower() in _NOT_OURS:
            self._report(f"headers.{at}.name", _("This is not a header that can be set."))
        if not _fits_header(header.value):
            self._report(f"headers.{at}.value", _("A header takes no line breaks and no control characters."))
        elif header.name.lower() in _SECRET_HEADERS and "{{" not in header.value:
            message = _("Make a secret variable and write {{name}} here: what stands in a header is not encrypted.")
            self._report(f"headers.{at}.value", message)
        return {"name": header.name, "value": header.value}

    def _variable(self, at: int, variable: VariableIn) -> dict[str, Any]:
        if not _VARIABLE.match(variable.name):
            message = _("Write letters, digits and “_”, a letter first, at most 60: it stands in {{name}}.")
            self._report(f"variables.{at}.name", message)
        if "\x00" in (variable.value or "") or _has_surrogate(variable.value or ""):
            self._report(f"variables.{at}.value", _("This text has a character that cannot be kept."))
        if not variable.secret:
            return {"name": variable.name, "value": variable.value or "", "secret": False}
        self._seal("variable", variable.name, variable.value, variable.was)
        return {"name": variable.name, "value": "", "secret": True}

    def _seal(self, field: str, name: str, given: str | None, was: str = "") -> str:
        before = self._before.get(sealed_name(field, was or name), "")
        value = "" if given is None else given or before
        if value:
            self._secrets[sealed_name(field, name)] = value
        return value

    def _forget(self, *fields: str) -> None:
        starts = tuple(sealed_name(field, "") for field in fields)
        self._secrets = {name: value for name, value in self._secrets.items() if not name.startswith(starts)}

    def _credentials(self, asked: list[CredentialIn]) -> None:
        known = {scheme["name"]: scheme for scheme in schemes_of(self._environment.project)}
        before = {one["scheme"]: one for one in self._environment.credentials}
        self._forget("token", "password", "key", "client_secret")
        found = []
        for at, one in enumerate(asked):
            check = _Credential(one, known.get(one.scheme, {}), partial(self._report_of, f"credentials.{at}"))
            kept = check.kept()
            same = before.get(one.scheme, {}).get("kind") == kept.get("kind")
            for field in SECRETS.get(kept.get("kind", ""), ()):
                given = getattr(one, field)
                value = self._seal(field, one.scheme, given if same or given else None)
                check.secret(field, value)
                if field == "client_secret":
                    kept["public"] = not value
            found.append(kept)
        self._environment.credentials = found
        self._once("credentials", [one.scheme for one in asked])


class _Credential:
    """Checks one login against its kind, and makes it what is kept."""

    def __init__(self, asked: CredentialIn, scheme: Mapping[str, Any], report: Report) -> None:
        self._asked = asked
        self._scheme = scheme
        self._report = report
        self._place = "header"
        self._grant = ""

    def kept(self) -> dict[str, Any]:
        """What is kept of it besides secrets; without "kind" where that is not known."""
        asked, usual = self._asked, KINDS.get(self._scheme.get("kind", ""), ())
        if not asked.scheme or not asked.scheme.isprintable():
            self._report("scheme", _("Write the name of the security scheme."))
        kind = asked.kind or (usual[0] if usual else None)
        if kind is None:
            self._report("kind", _("No document of the project describes this scheme. Say what kind of login it is."))
            return {"scheme": asked.scheme}
        if usual and kind not in usual:
            self._report("kind", _("The document describes another kind of login: %(kind)s.") % {"kind": usual[0]})
        own = {"basic": self._basic, "api_key": self._api_key, "oauth2": self._oauth2}.get(kind, dict)()
        return {"scheme": asked.scheme, "kind": kind, **own}

    def _basic(self) -> dict[str, Any]:
        self._need("username", self._asked.username)
        if ":" in self._asked.username or not self._asked.username.isprintable():
            self._report("username", _("A user name has no colon and no control characters."))
        return {"username": self._asked.username}

    def _api_key(self) -> dict[str, Any]:
        asked = self._asked
        place = asked.place or self._scheme.get("place") or "header"
        name = asked.name or self._scheme.get("parameter") or ""
        self._need("name", name)
        if name and not (_TOKEN.match(name) or (place == "query" and name.isprintable())):
            self._report("name", _("This is not a name that HTTP knows."))
        if not _fits_header(asked.prefix):
            self._report("prefix", _("A header takes no line breaks and no control characters."))
        self._place = place
        return {"place": place, "name": name, "prefix": asked.prefix}

    def _oauth2(self) -> dict[str, Any]:
        asked = self._asked
        flows = {flow["flow"]: flow for flow in self._scheme.get("flows", ())}
        usual = "password" if "password" in flows and "client_credentials" not in flows else "client_credentials"
        self._grant = asked.grant or usual
        url = asked.token_url or flows.get(self._grant, {}).get("token_url", "")
        self._need("token_url", url)
        check_address(url, "token_url", self._report, with_query=True)
        self._need("client_id", asked.client_id)
        if self._grant == "password":
            self._need("username", asked.username)
        for name in ("client_id", "scope", "username"):
            if not getattr(asked, name).isprintable():
                self._report(name, _("This text has a character that cannot be kept."))
        mine = {"username": asked.username} if self._grant == "password" else {}
        return {
            "grant": self._grant, "token_url": url, "client_id": asked.client_id, "in_body": asked.in_body,
            "scope": " ".join(asked.scope.split()), **mine,
        }  # fmt: skip

    def secret(self, field: str, value: str) -> None:
        """Whether a secret is there that has to be, and can be sent."""
        kind_needs = {"token", "key"} | ({"client_secret"} if self._grant == "client_credentials" else set())
        if self._grant == "password":
            kind_needs.add("password")
        if field in kind_needs:
            self._need(field, value)
        sent = field in ("token", "key") and self._place != "query"
        if sent and not (value.isascii() and value.isprintable()):
            self._report(field, _("This secret has signs that a header cannot carry."))
        elif sent and self._place == "cookie" and not _COOKIE.match(self._asked.prefix + value):
            self._report(field, _("This secret has signs that a cookie cannot carry."))
        elif "\x00" in value or _has_surrogate(value) or "\n" in value:
            self._report(field, _("This text has a character that cannot be kept."))

    def _need(self, field: str, value: str) -> None:
        if not value:
            self._report(field, _("Write a value."))


def check_address(url: str, field: str, report: Report, *, with_query: bool = False) -> None:
    """Reports what is no http address with a host; "" is fine."""
    try:
        pieces = urlsplit(url)
        host, _port = pieces.hostname, pieces.port
    except ValueError:
        pieces, host = urlsplit(""), None
    odd = any(sign.isspace() or not sign.isprintable() for sign in url) or _has_surrogate(url)
    if url and (pieces.scheme not in ("http", "https") or not host or odd):
        report(field, _("Write an address such as https://api.example.com/v1."))
    elif pieces.username or pieces.password:
        report(field, _("Leave the login out of the address. It belongs to the logins, where it is kept encrypted."))
    elif pieces.fragment or (pieces.query and not with_query):
        report(field, _("Leave out what follows “?” or “#”. Parameters belong to the endpoints."))


def _fits_header(value: str) -> bool:
    return value.isprintable() and not _has_surrogate(value)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in text)
