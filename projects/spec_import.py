"""A document from an address, a file or a text becomes rows of a project: all of them or none.

The same document again updates what is there. Endpoints are matched by method and path and keep their ids,
so plans and results that name them stay right. This is the edge where the pure rooms' sentences are translated.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _

from metricvault.lib.errors import Detail, ProductError, Refused, TooLarge, Unreachable
from projects.discovery import find_document
from projects.fetching import AddressRefused, FetchError
from projects.models import Endpoint, OpenApiSpec, Project, Tag
from projects.openapi import (
    MAX_BYTES,
    ApiDocument,
    DocumentError,
    DocumentTooLarge,
    EndpointInfo,
    Sentence,
    TagInfo,
    Warning,
    extract_api,
    read_document,
)
from projects.openapi.readiness import is_absolute

Key = tuple[str, str]
_BATCH = 200
_COMPARED = ("summary", "description", "operation_id", "deprecated", "parameters", "request_body", "base_url")


class Readable(Protocol):
    """An upload, or any file opened for its bytes."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. The counts are endpoints; the names are "METHOD /path" of each."""

    spec: OpenApiSpec
    created: bool
    endpoint_count: int
    tag_count: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    field: str
    text: str
    url: str
    name: str
    warnings: tuple[Warning, ...]
    api: ApiDocument


def analyze(
    project: Project,
    *,
    url: str | None = None,
    text: str | None = None,
    file: Readable | None = None,
    user: AbstractBaseUser | None = None,
) -> ImportReport:
    """Imports the document at `url`, or `text`, or `file` (an upload) into `project`.

    Raises `Refused` (422) for what is not an OpenAPI document or may not be read, `TooLarge` (413),
    `Unreachable` (502); each names its field: openapi_url, document or file. Nothing is kept then.
    """
    given = [source for source in (url, text, file) if source]
    if len(given) != 1:
        raise Refused(
            _("Give one source of the document: its address, a file, or its text."),
            [Detail("openapi_url", _("Give the address of the document."))],
        )
    field = "openapi_url" if url else "document" if text else "file"
    try:
        source = _read(field, url, text, file)
    except AddressRefused as error:
        raise _as(Refused, error.sentence, field) from None
    except FetchError as error:
        raise _as(Unreachable, error.sentence, field) from None
    except DocumentTooLarge as error:
        raise _as(TooLarge, error.sentence, field) from None
    except DocumentError as error:
        raise _as(Refused, error.sentence, field) from None
    return _keep(project, source)


def _as(kind: type[ProductError], sentence: Sentence, field: str) -> ProductError:
    message = translated(sentence)
    return kind(message, [Detail(field, message)])


def _read(field: str, url: str | None, text: str | None, file: Readable | None) -> _Source:
    address, name = "", ""
    if url:
        answer = find_document(url, allow_private=settings.METRICVAULT_IMPORT_PRIVATE)
        found, address = answer.document, answer.url
        name = address.partition("://")[2].partition("/")[0]
    elif text:
        found = read_document(text)
    else:
        assert file is not None
        name = str(getattr(file, "name", "") or "")
        found = read_document(file.read(MAX_BYTES + 1))
    api = extract_api(found.document, address)
    return _Source(field, found.text, address, name, found.warnings + api.warnings, api)


def translated(sentence: Sentence) -> str:
    """A sentence of the pure rooms in the reader's language."""
    values = dict(sentence.values)
    if isinstance(values.get("what"), str):
        values["what"] = _(str(values["what"]))
    return _(sentence.template) % values


def warnings_as_json(warnings: Iterable[Warning]) -> list[dict[str, Any]]:
    """Warnings as `OpenApiSpec.warnings` keeps them: with what a later translation needs."""
    return [
        {
            "where": warning.where,
            "message": warning.message,
            "template": warning.sentence.template,
            "values": dict(warning.sentence.values),
        }
        for warning in warnings
    ]


def warnings_of(spec: OpenApiSpec) -> list[dict[str, str]]:
    """The warnings of a kept document in the reader's language: where, message."""
    return [{"where": str(entry.get("where", "")), "message": _warning_text(entry)} for entry in spec.warnings]


def _warning_text(entry: Mapping[str, Any]) -> str:
    template, values = entry.get("template"), entry.get("values")
    if not (isinstance(template, str) and template and isinstance(values, dict)):
        return str(entry.get("message", ""))
    return translated(Sentence(template, values))


def _keep(project: Project, source: _Source) -> ImportReport:
    with transaction.atomic():
        # The row lock makes a second import of the same document wait and find the first one's rows.
        project = Project.objects.select_for_update().get(pk=project.pk)
        spec = _find(project, source)
        created = spec is None
        spec = spec or OpenApiSpec(project=project)
        _fill(spec, source)
        spec.save()
        tags = _keep_tags(spec, source.api.tags)
        added, changed, removed = _keep_endpoints(spec, source.api.endpoints, tags)
        project.save(update_fields=["updated_at"])
    return ImportReport(spec, created, len(source.api.endpoints), len(tags), added, changed, removed)


def _find(project: Project, source: _Source) -> OpenApiSpec | None:
    """The document that this one is a new version of: the same address, else the same title."""
    specs = OpenApiSpec.objects.filter(project=project).defer("document").order_by("id")
    if source.url:
        found = specs.filter(source_url=source.url).first()
        if found is not None:
            return found
        specs = specs.filter(source_url="")
    new = {(endpoint.method, endpoint.path) for endpoint in source.api.endpoints}
    for spec in specs.filter(title=_title(source)):
        old = set(spec.endpoints.values_list("method", "path"))
        # Frameworks give every API the same title; two that share no endpoint are two documents.
        if not old or not new or old & new:
            return spec
    return None


def _title(source: _Source) -> str:
    return (source.api.title or source.name or _("API without a title"))[:500]


def _fill(spec: OpenApiSpec, source: _Source) -> None:
    api = source.api
    before = next((entry["url"] for entry in spec.servers if is_absolute(entry["url"])), None)
    if before is None and spec.servers:
        before = spec.servers[0]["url"]
    # A base URL that a person set stays; one that came from the document follows the document.
    if spec.pk is None or spec.base_url in ("", before):
        spec.base_url = api.base_url
    spec.title = _title(source)
    spec.version = api.version[:100]
    spec.openapi_version = api.openapi_version[:20]
    spec.source_url = source.url or spec.source_url
    spec.document = source.text
    spec.document_hash = hashlib.sha256(source.text.encode("utf-8", "replace")).hexdigest()
    spec.servers = [server.as_dict() for server in api.servers]
    spec.warnings = warnings_as_json(source.warnings)


def _keep_tags(spec: OpenApiSpec, wanted: Iterable[TagInfo]) -> dict[str, Tag]:
    """The tags of `spec` by name after making, changing and deleting what differs."""
    there = {tag.name: tag for tag in spec.tags.all()}
    kept: dict[str, Tag] = {}
    new: list[Tag] = []
    for position, info in enumerate(wanted):
        tag = there.pop(info.name, None)
        values = (info.description, info.untagged, position)
        if tag is None:
            tag = Tag(openapi_spec=spec, name=info.name)
            new.append(tag)
        elif (tag.description, tag.is_untagged, tag.position) != values:
            tag.description, tag.is_untagged, tag.position = values
            tag.save()
        tag.description, tag.is_untagged, tag.position = values
        kept[info.name] = tag
    Tag.objects.bulk_create(new, batch_size=_BATCH)
    _delete(Tag, [tag.pk for tag in there.values()])
    return kept


def _keep_endpoints(
    spec: OpenApiSpec, wanted: Iterable[EndpointInfo], tags: dict[str, Tag]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Makes, changes and deletes endpoints; answers the names of the added, changed and removed ones."""
    there: dict[Key, Endpoint] = {(row.method, row.path): row for row in spec.endpoints.all()}
    pairs_before = set(
        Endpoint.tags.through.objects.filter(endpoint__openapi_spec=spec).values_list("endpoint_id", "tag_id")
    )
    new: list[Endpoint] = []
    rewritten: list[Endpoint] = []
    moved: list[Endpoint] = []
    names: list[tuple[Endpoint, tuple[str, ...]]] = []
    for position, info in enumerate(wanted):
        row = there.pop((info.method, info.path), None)
        if row is None:
            row = Endpoint(openapi_spec=spec, method=info.method, path=info.path)
            new.append(row)
        values = _columns(info)
        if row.pk and any(getattr(row, name) != value for name, value in values.items()):
            rewritten.append(row)
        elif row.pk and row.position != position:
            moved.append(row)
        for name, value in values.items():
            setattr(row, name, value)
        row.position = position
        names.append((row, info.tags))
    Endpoint.objects.bulk_create(new, batch_size=_BATCH)
    Endpoint.objects.bulk_update(rewritten, [*_COMPARED, "position"], batch_size=50)
    Endpoint.objects.bulk_update(moved, ["position"], batch_size=_BATCH)
    retagged = _keep_pairs(names, tags, pairs_before)
    _delete(Endpoint, [row.pk for row in there.values()])
    fresh = {row.pk for row in new}
    changed = {row.pk: row for row in [*rewritten, *retagged] if row.pk not in fresh}
    return _names(new), _names(changed.values()), _names(there.values())


def _columns(info: EndpointInfo) -> dict[str, Any]:
    return {
        "summary": info.summary[:1000],
        "description": info.description,
        "operation_id": info.operation_id[:500],
        "deprecated": info.deprecated,
        "parameters": list(info.parameters),
        "request_body": info.request_body,
        "base_url": info.base_url,
    }


def _keep_pairs(
    names: Iterable[tuple[Endpoint, tuple[str, ...]]], tags: dict[str, Tag], before: set[tuple[int, int]]
) -> list[Endpoint]:
    """Brings the tags of each endpoint up to date; answers the endpoints whose tags differ now."""
    through = Endpoint.tags.through
    untagged = [tag for tag in tags.values() if tag.is_untagged]
    after: dict[tuple[int, int], Endpoint] = {}
    for row, own in names:
        for tag in [tags[name] for name in own] or untagged:
            after[row.pk, tag.pk] = row
    rows = {row.pk: row for row, _own in names}
    gone = {pair for pair in before - after.keys() if pair[0] in rows}
    for tag_id in {tag_id for _endpoint, tag_id in gone}:
        through.objects.filter(tag_id=tag_id, endpoint_id__in=[pk for pk, tag in gone if tag == tag_id]).delete()
    fresh = [pair for pair in after if pair not in before]
    through.objects.bulk_create(
        [through(endpoint_id=endpoint_id, tag_id=tag_id) for endpoint_id, tag_id in fresh], batch_size=_BATCH
    )
    return [rows[pk] for pk, _tag in [*gone, *fresh]]


def _names(rows: Iterable[Endpoint]) -> tuple[str, ...]:
    return tuple(str(row) for row in rows)


def _delete(model: type[Tag] | type[Endpoint], keys: list[int]) -> None:
    for start in range(0, len(keys), _BATCH):
        model.objects.filter(pk__in=keys[start : start + _BATCH]).delete()
