"""What an import would change, worked out before anything is written: shown to people first, then applied as it is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from projects.models import Endpoint, OpenApiSpec
from projects.openapi import EndpointInfo, TagInfo
from projects.openapi.readiness import is_absolute, missing_values
from projects.sources import Source

COMPARED = (
    "summary", "description", "operation_id", "deprecated", "parameters", "request_body", "base_url", "servers",
    "security",
)  # fmt: skip
WRITTEN = (*COMPARED, "missing")

Values = dict[str, Any]


@dataclass(slots=True)
class Changes:
    """Rows and the values they are to have, not saved. `changed` says by name what differs ("tags" among them)."""

    new: list[Endpoint] = field(default_factory=list)
    rewritten: list[Endpoint] = field(default_factory=list)
    moved: list[Endpoint] = field(default_factory=list)
    back: list[Endpoint] = field(default_factory=list)  # was removed once, is described again
    removed: list[Endpoint] = field(default_factory=list)
    changed: dict[int, tuple[Endpoint, list[str]]] = field(default_factory=dict)
    tags: list[tuple[Endpoint, tuple[str, ...]]] = field(default_factory=list)
    about: list[tuple[str, str, str]] = field(default_factory=list)  # what of the document, before, after

    def __bool__(self) -> bool:
        return bool(self.new or self.back or self.changed or self.removed or self.about)

    @property
    def added(self) -> list[Endpoint]:
        """New ones, and those that are back."""
        return [*self.new, *self.back]

    def as_json(self) -> dict[str, Any]:
        """What people are shown, for `DocumentImport.changes`."""
        return {
            "added": [[row.method, row.path] for row in self.added],
            "changed": [[row.method, row.path, what] for row, what in self.changed.values()],
            "removed": [[row.method, row.path] for row in self.removed],
            "about": [list(one) for one in self.about],
        }


def compare(spec: OpenApiSpec, source: Source) -> Changes:
    """What `source` changes in `spec`, which may be new. Endpoints are matched by method and path."""
    found = Changes(about=_about(spec, source))
    rows = Endpoint.everything.filter(openapi_spec=spec) if spec.pk else Endpoint.everything.none()
    there = {(row.method, row.path): row for row in rows}
    tags_before = _tags_before(spec)
    for position, info in enumerate(source.api.endpoints):
        row = there.pop((info.method, info.path), None)
        if row is None:
            row = Endpoint(openapi_spec=spec, method=info.method, path=info.path)
            found.new.append(row)
        _compare_row(found, row, info, position, tags_before.get(row.pk, set()), source.api.tags)
        found.tags.append((row, info.tags))
    found.removed = [row for row in there.values() if row.removed_at is None]
    return found


def _compare_row(
    found: Changes, row: Endpoint, info: EndpointInfo, position: int, tags: set[str], known: Iterable[TagInfo]
) -> None:
    values = columns(info)
    differs = [name for name in COMPARED if getattr(row, name) != values[name]]
    if row.pk:
        wanted = set(info.tags) or {tag.name for tag in known if tag.untagged}
        if row.removed_at is not None:
            found.back.append(row)
        elif differs or tags != wanted:
            found.changed[row.pk] = (row, [*differs, *(["tags"] if tags != wanted else [])])
        if differs or row.removed_at is not None or row.missing != values["missing"]:
            found.rewritten.append(row)
        elif row.position != position:
            found.moved.append(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.position, row.removed_at = position, None


def columns(info: EndpointInfo) -> Values:
    """The columns of an endpoint."""
    return {
        "summary": info.summary[:1000],
        "description": info.description,
        "operation_id": info.operation_id[:500],
        "deprecated": info.deprecated,
        "parameters": list(info.parameters),
        "request_body": info.request_body,
        "base_url": info.base_url,
        "servers": [server.as_dict() for server in getattr(info, "servers", ())],
        "security": [[dict(scheme) for scheme in one] for one in getattr(info, "security", ())],
        "missing": list(missing_values(info.parameters, info.request_body)),
    }


def _tags_before(spec: OpenApiSpec) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    if spec.pk:
        pairs = Endpoint.tags.through.objects.filter(endpoint__openapi_spec=spec)
        for key, name in pairs.values_list("endpoint_id", "tag__name"):
            found.setdefault(key, set()).add(name)
    return found


def _about(spec: OpenApiSpec, source: Source) -> list[tuple[str, str, str]]:
    """What else of the document differs so that a person should know: where requests go, and its name."""
    if not spec.pk:
        return []
    pairs = [
        ("title", spec.title, title_of(source) or spec.title),
        ("version", spec.version, source.api.version[:100]),
        ("base_url", spec.base_url, new_base_url(spec, source)),
    ]
    return [(name, before, after) for name, before, after in pairs if before != after]


def title_of(source: Source) -> str:
    """The title that the document gives itself, else the name of the file or host; may be ""."""
    return (source.api.title or source.payload.name)[:500]


def new_base_url(spec: OpenApiSpec, source: Source) -> str:
    """A base URL that a person set stays; one that came from the document follows the document."""
    before = next((entry["url"] for entry in spec.servers if is_absolute(entry["url"])), None)
    if before is None and spec.servers:
        before = spec.servers[0]["url"]
    return source.api.base_url if spec.pk is None or spec.base_url in ("", before) else spec.base_url
