"""The form of one step: what it sends, what the answer has to be, what is taken from it; and what it may fill in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from loadtests.editing import PLACES, typed_text
from loadtests.form_fields import Field, Notes
from loadtests.models import Plan, Step
from projects.models import DataFile

_BODILESS = {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"}
GENERATORS = ("$uuid", "$int(1,100)", "$float(0,1,2)", "$timestamp", "$isodate", "$email", "$choice(a,b,c)")


@dataclass(frozen=True, slots=True)
class RowForm:
    """A row of fields that can be taken out: a check, a value to take, a header."""

    number: int
    fields: tuple[Field, ...]

    @property
    def problem(self) -> bool:
        """Whether something is wrong in this row."""
        return any(one.problem for one in self.fields)


@dataclass(frozen=True, slots=True)
class StepForm:
    """Everything of one step that can be changed."""

    step: Step
    number: int
    name: Field
    once: Field
    parameters: tuple[tuple[str, str, Field], ...]  # place, note of the document, field
    headers: tuple[RowForm, ...]
    content_type: Field | None
    body: Field | None
    statuses: Field
    checks: tuple[RowForm, ...]
    extracts: tuple[RowForm, ...]
    problems: tuple[str, ...]
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]  # what may be filled in: heading, (text, note)

    def fields(self) -> Iterator[Field]:
        """All fields, whose notes follow each change."""
        yield from (self.name, self.once, self.statuses)
        yield from (field for _place, _note, field in self.parameters)
        yield from (field for field in (self.content_type, self.body) if field)
        for row in (*self.headers, *self.checks, *self.extracts):
            yield from row.fields


def step_form(plan: Plan, step: Step, number: int, notes: Notes, steps: Iterable[Step]) -> StepForm:
    """The form of a step, the `number`th (from 0) of `steps`."""
    build = _StepFields(step, f"steps.{number}", notes)
    once = _("Each user does it in its first iteration only, as a login; what it takes is kept.")
    return StepForm(
        step=step,
        number=number + 1,
        name=build.field("name", _("Name of the step"), step.name, placeholder=str(step.endpoint or "")),
        once=build.field("once", _("Once for each user"), step.once, kind="check", hint=once),
        parameters=tuple(build.parameters()),
        headers=tuple(build.headers()),
        content_type=build.content_type(),
        body=build.body(),
        statuses=build.statuses(),
        checks=tuple(build.checks()),
        extracts=tuple(build.extracts()),
        problems=notes.take(f"steps.{number}."),
        groups=tuple(variables(plan, list(steps)[:number])),
    )


def variables(plan: Plan, earlier: Iterable[Step]) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """What may stand in a text as `{{name}}`, by where it comes from."""
    taken = [(one["name"], str(step)) for step in earlier for one in step.extracts if one.get("name")]
    if taken:
        yield _("Taken from earlier answers"), _holes(dict(taken).items())
    if plan.environment is not None:
        known = [(one["name"], _("secret") if one.get("secret") else one.get("value", "")[:40])
                 for one in plan.environment.variables]  # fmt: skip
        if known:
            yield _("Environment “%(name)s”") % {"name": plan.environment.name}, _holes(known)
    for file in DataFile.objects.filter(project=plan.project_id, replaced_at=None).only("name", "columns", "file_name"):
        columns = [(f"{file.name}.{column}", "") for column in file.columns]
        yield _("Data file “%(name)s”") % {"name": file.name}, _holes(columns)
    yield _("Made anew each time"), _holes((name, "") for name in GENERATORS)


def _holes(names: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(("{{" + name + "}}", note) for name, note in names)


class _StepFields:
    def __init__(self, step: Step, at: str, notes: Notes) -> None:
        self._step = step
        self._at = at
        self._notes = notes

    def field(self, name: str, label: str, value: Any, at: str = "", **more: Any) -> Field:
        """A field of the step. `name` and `at` (its path in the API) stand below the step's own."""
        return self._notes.field(f"step.{self._step.pk}.{name}", label, value, f"{self._at}.{at or name}", **more)

    def parameters(self) -> Iterator[tuple[str, str, Field]]:
        """What the document describes, then what was given besides."""
        endpoint = self._step.endpoint
        given = {(place, name): value for place in PLACES for name, value in self._step.values.get(place, {}).items()}
        for number, parameter in enumerate(endpoint.parameters if endpoint else []):
            place, name, required = parameter["in"], parameter["name"], parameter["required"]
            example = typed_text(parameter["value"])
            value = given.pop((place, name), example if required else "")
            choices = parameter.get("schema", {}).get("enum") or ()
            more = {
                "hint": "" if required else _("optional"),
                "placeholder": "" if required else example[:80],
                "choices": tuple((plain, plain) for plain in map(typed_text, choices)),
            }
            yield (
                place,
                parameter["description"][:300],
                self._parameter(place, name, value, f"{place}-{number}", **more),
            )
        for number, ((place, name), value) in enumerate(given.items()):
            yield place, "", self._parameter(place, name, value, f"{place}-more-{number}")

    def _parameter(self, place: str, name: str, value: Any, key: str, **more: Any) -> Field:
        key = f"f-step-{self._step.pk}-{key}"
        at = f"parameters.{place}.{name}"
        return self.field(f"value.{place}.{name}", name, typed_text(value), at, id=key, fills=True, **more)

    def headers(self) -> Iterator[RowForm]:
        """Headers besides the document's."""
        for number, row in enumerate(self._step.headers):
            words, start = {"number": number + 1}, f"header.{number}"
            name, value, at = row.get("name", ""), row.get("value", ""), f"headers.{number}"
            names = _("Header %(number)s, name") % words, _("Header %(number)s, value") % words
            yield RowForm(
                number,
                (
                    self.field(f"{start}.name", names[0], name, f"{at}.name", placeholder="X-Request-Id"),
                    self.field(f"{start}.value", names[1], value, f"headers.{name}", fills=True),
                ),
            )

    def content_type(self) -> Field | None:
        """Which of the document's bodies is sent, where there are several."""
        endpoint = self._step.endpoint
        content = (endpoint.request_body or {}).get("content", []) if endpoint else []
        if len(content) < 2:
            return None
        choices = tuple((one["media_type"], one["media_type"]) for one in content)
        return self.field("content_type", _("Content type"), self._step.content_type, kind="select", choices=choices)

    def body(self) -> Field | None:
        """The body, where the request may have one."""
        endpoint, body = self._step.endpoint, self._step.body
        described = endpoint.request_body if endpoint else None
        if not body and described is None and (endpoint is None or endpoint.method in _BODILESS):
            return None
        hint = _("Sent with each request. Empty: no body.")
        if described and body and body in (one["text"] for one in described["content"]):
            hint = _("Filled in from the document.")
        rows = max(4, min(14, body.count("\n") + 2))
        return self.field("body", _("Body"), body, hint=hint, kind="area", fills=True, rows=rows)

    def statuses(self) -> Field:
        """Which statuses are no failure."""
        hint = _("Such as 200-299, 404. Empty: 200 to 399.")
        return self.field("statuses", _("Statuses that are expected"), ", ".join(self._step.statuses), hint=hint)

    def checks(self) -> Iterator[RowForm]:
        """What the answer has to be."""
        kinds = (
            ("contains", _("Body contains")),
            ("json", _("JSON value equals")),
            ("header", _("Header is there")),
            ("size", _("Size at most (bytes)")),
            ("time", _("Time at most (ms)")),
        )
        for number, check in enumerate(self._step.checks):
            words, start, at = {"number": number + 1}, f"check.{number}", f"checks.{number}"
            kind = check.get("kind", "contains")
            row = [self.field(f"{start}.kind", _("Check %(number)s, what") % words, kind, f"{at}.kind", kind="select",
                              choices=kinds)]  # fmt: skip
            if kind in ("json", "header"):
                example = "$.items[0].id" if kind == "json" else "Content-Type"
                label = _("Check %(number)s, where") % words
                row.append(
                    self.field(f"{start}.target", label, check.get("target", ""), f"{at}.target", placeholder=example)
                )
            value = {"header": _("any value"), "size": "10000", "time": "500"}.get(kind, "")
            label = _("Check %(number)s, value") % words
            row.append(
                self.field(
                    f"{start}.value", label, check.get("value", ""), f"{at}.value", placeholder=value, fills=True
                )
            )
            yield RowForm(number, tuple(row))

    def extracts(self) -> Iterator[RowForm]:
        """Values to take from the answer."""
        kinds = (
            ("json", _("JSON path")),
            ("header", _("Header")),
            ("cookie", _("Cookie")),
            ("regex", _("Regular expression")),
        )
        examples: Mapping[str, str] = {
            "json": "$.id",
            "header": "Location",
            "cookie": "session",
            "regex": '"id":(\\d+)',
        }
        for number, one in enumerate(self._step.extracts):
            words, start, at = {"number": number + 1}, f"extract.{number}", f"extracts.{number}"
            kind = one.get("kind", "json")
            label = _("Value %(number)s, variable") % words
            yield RowForm(
                number,
                (
                    self.field(f"{start}.name", label, one.get("name", ""), f"{at}.name", placeholder="order_id"),
                    self.field(f"{start}.kind", _("Value %(number)s, from") % words, kind, f"{at}.kind", kind="select",
                               choices=kinds),
                    self.field(f"{start}.expression", _("Value %(number)s, where") % words, one.get("expression", ""),
                               f"{at}.expression", placeholder=examples.get(kind, "")),
                ),
            )  # fmt: skip
