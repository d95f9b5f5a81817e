"""What a request of a plan is filled in from: the project's environment, its data files, what earlier steps took."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from loadtests.k6 import templates
from loadtests.k6.plan import Encoding, Part, Secret, SecretPlan, StepPlan, TablePlan, Take, Text, Token, TokenPlan
from metricvault.lib.errors import Detail
from projects import environments
from projects.models import DataFile, Endpoint, Environment, Project

Known = dict[str, Part]


@dataclass(slots=True)
class Surroundings:
    """Of one load test. What is used of it is noted while its requests are built: `secrets`, `tokens`, `tables`."""

    environment: Environment | None = None
    files: Mapping[str, DataFile] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    known: Known = field(default_factory=dict)
    _parts: Any = None
    _secrets: dict[str, str] = field(default_factory=dict)  # reference to variable
    _tokens: dict[str, TokenPlan] = field(default_factory=dict)  # by scheme
    _taken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, project: Project, environment: Environment | None, modes: Mapping[str, str]) -> "Surroundings":
        """Those of a load test of `project`."""
        rows = DataFile.objects.filter(project=project, replaced_at=None).defer("packed")
        found = cls(environment, {row.name: row for row in rows}, modes)
        for row in found.files.values():
            found.known |= {f"{row.name}.{column}": Take(f"{row.name}.{column}") for column in row.columns}
        if environment is not None:
            parts = found._parts = environments.parts(environment)
            found.base_url, found.headers = parts.base_url, parts.headers
            found.known |= parts.variables
            found.known |= {
                name: Secret(found._variable(reference)) for name, reference in parts.secret_variables.items()
            }
        return found

    def _variable(self, reference: str) -> str:
        return self._secrets.setdefault(reference, f"MV_{len(self._secrets) + 1}")

    def text(self, typed: str, how: Encoding, taken: Iterable[str] = ()) -> Text:
        """What a person typed, with what is filled in; `taken` are the variables of earlier steps."""
        known = {**self.known, **{name: Take(name) for name in taken}} if taken else self.known
        text = templates.parse(typed, known, how)
        self._taken |= {part.take for part in _parts_of(text) if isinstance(part, Take)}
        return text

    def credentials(self, endpoint: Endpoint) -> list[tuple[str, str, Text]]:
        """What shows who calls: (place, name, value). Of the alternatives of the document the first one for which the
        environment has everything."""
        have = {one.scheme: one for one in self._parts.credentials} if self._parts else {}
        for alternative in endpoint.security:
            names = [requirement["scheme"] for requirement in alternative]
            if names and all(name in have for name in names):
                return [self._credential(have[name]) for name in names]
        return []

    def lacks_credentials(self, endpoint: Endpoint) -> str:
        """The schemes, one of which the document asks for, where the environment has none of them; else ""."""
        if not endpoint.security or any(not alternative for alternative in endpoint.security):
            return ""
        if self.credentials(endpoint):
            return ""
        return ", ".join(dict.fromkeys(one["scheme"] for alternative in endpoint.security for one in alternative))

    def _credential(self, one: Any) -> tuple[str, str, Text]:
        if one.oauth is not None:
            return one.place, one.name, (*([one.prefix] if one.prefix else []), Token(self._token(one)))
        value = Secret(self._variable(one.reference), "url" if one.place == "query" else "header")
        return one.place, one.name, (*([one.prefix] if one.prefix else []), value)

    def _token(self, one: Any) -> str:
        oauth = one.oauth
        if one.scheme not in self._tokens:
            key = f"t{len(self._tokens) + 1}"
            self._tokens[one.scheme] = TokenPlan(
                key=key,
                grant=oauth.grant,
                url=oauth.token_url,
                client_id=oauth.client_id,
                client_secret=self._secret(oauth.client_secret),
                scope=oauth.scope,
                username=oauth.username,
                password=self._secret(oauth.password),
                in_body=oauth.in_body,
            )
        return self._tokens[one.scheme].key

    def _secret(self, reference: str) -> Text:
        return (Secret(self._variable(reference)),) if reference else ""

    @property
    def tokens(self) -> tuple[TokenPlan, ...]:
        """Of the requests built so far."""
        return tuple(self._tokens.values())

    def secrets(self, steps: Iterable[StepPlan]) -> tuple[SecretPlan, ...]:
        """Those that the steps and the tokens use, and no others."""
        used = {name for step in steps for name in secrets_of(step)}
        for token in self.tokens:
            texts = (token.client_id, token.client_secret, token.username, token.password)
            used |= {part.secret for text in texts for part in _parts_of(text) if isinstance(part, Secret)}
        return tuple(SecretPlan(name, reference) for reference, name in self._secrets.items() if name in used)

    def tables(self) -> tuple[TablePlan, ...]:
        """The data files whose columns are used."""
        names = sorted({name.partition(".")[0] for name in self._taken if "." in name} & set(self.files))
        return tuple(self._table(self.files[name]) for name in names)

    def _table(self, row: DataFile) -> TablePlan:
        mode = self.modes.get(row.name, "sequential")
        file = f"data-{row.sha256[:16]}.json"
        return TablePlan(row.name, tuple(row.columns), mode, row.row_count, file, row.pk)

    def problems(self) -> Iterator[Detail]:
        """What is said of data files that are not there, and of ones that cannot be used as asked."""
        for name in self.modes:
            if name not in self.files:
                message = _("There is no data file “%(name)s” in this project. Upload it, or leave it out.")
                yield Detail(f"data.{name}", message % {"name": name})
        for table in self.tables():
            if not table.rows:
                yield Detail(f"data.{table.name}", _("The data file “%(name)s” has no rows.") % {"name": table.name})


def secrets_of(step: StepPlan) -> Iterator[str]:
    """The variables of k6's environment that a step reads."""
    request, expected = step.request, (check.value for check in step.checks)
    for text in (request.url, request.body or "", *(value for _name, value in request.headers), *expected):
        yield from (part.secret for part in _parts_of(text) if isinstance(part, Secret))


def _parts_of(text: Text) -> tuple[Part, ...]:
    return () if isinstance(text, str) else text
