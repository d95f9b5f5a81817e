"""A document that was read becomes rows of a project: all of them or none.

The same document again updates what is there. Endpoints are matched by method and path and keep their ids,
so plans and results that name them stay right.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from projects import audit, sources, validation
from projects.changes import WRITTEN, Changes, compare, new_base_url, title_of
from projects.models import Endpoint, OpenApiSpec, Project, Tag
from projects.openapi import TagInfo, Warning
from projects.sealing import origin_of, seal, unseal
from projects.secret_headers import SecretHeaders
from projects.sources import Readable, Source

_BATCH = 200


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


def analyze(
    project: Project,
    *,
    url: str | None = None,
    text: str | None = None,
    file: Readable | None = None,
    secret: SecretHeaders | None = None,
) -> ImportReport:
    """Imports the document at `url`, or `text`, or `file` (an upload) into `project`, at once and without asking.

    Raises `Refused` (422) for what is not an OpenAPI document or may not be read, `TooLarge` (413),
    `Unreachable` (502); each names its field: openapi_url, document or file. Nothing is kept then.
    """
    payload = sources.given(url, text, file)
    if payload is None:
        assert url is not None
        secret = secret or sources.login_of(url) or kept_headers(project, url)
        source = sources.fetch_source(url, secret)
    else:
        source = sources.read_source(payload)
    with transaction.atomic():
        return keep(project, source, secret)


def kept_headers(project: Project, url: str) -> SecretHeaders | None:
    """The request headers that an earlier import of this project from the same host was given."""
    origin = origin_of(url)
    for sealed in (
        OpenApiSpec.objects.filter(project=project).exclude(sealed_headers="").defer("document").order_by("-pk")
    ):
        secret = unseal(sealed.sealed_headers)
        if secret is not None and origin and secret.origin == origin:
            return secret
    return None


def keep(project: Project, source: Source, secret: SecretHeaders | None = None) -> ImportReport:
    """Writes the rows; the caller is inside a transaction."""
    # The row lock makes a second import of the same document wait and find the first one's rows.
    project = Project.objects.select_for_update().get(pk=project.pk)
    spec = find(project, source) or OpenApiSpec(project=project)
    created = spec.pk is None
    changes = compare(spec, source)
    fill(spec, source)
    if secret is not None:
        spec.sealed_headers = seal(secret)
    spec.save()
    tags = _keep_tags(spec, source.api.tags)
    _keep_endpoints(spec, changes, tags)
    validation.ask(spec)
    project.save(update_fields=["updated_at"])
    changed = (row for row, _what in changes.changed.values())
    count = len(source.api.endpoints)
    report = ImportReport(
        spec, created, count, len(tags), _names(changes.added), _names(changed), _names(changes.removed)
    )
    _record(report, source)
    return report


def _record(report: ImportReport, source: Source) -> None:
    spec, what = report.spec, source.payload
    names = {name: getattr(report, name) for name in ("added", "changed", "removed") if getattr(report, name)}
    told = {"version": spec.version, "from": what.url or what.name or what.field, "endpoints": report.endpoint_count}
    again = "" if report.created else _("again")
    audit.record(audit.Action.IMPORTED, spec, after={**told, **({} if report.created else names)}, detail=again)


def find(project: Project, source: Source) -> OpenApiSpec | None:
    """The document that this one is a new version of: the same address, else the same title."""
    specs = OpenApiSpec.objects.filter(project=project).defer("document").order_by("id")
    url = source.payload.url
    if url:
        found = specs.filter(source_url=url).first()
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


def _title(source: Source) -> str:
    return title_of(source) or _("API without a title")


def fill(spec: OpenApiSpec, source: Source) -> None:
    """Sets (and does not save) what is kept of the document itself."""
    api = source.api
    spec.base_url = new_base_url(spec, source)
    spec.title = _title(source)
    spec.version = api.version[:100]
    spec.openapi_version = api.openapi_version[:20]
    spec.source_url = source.payload.url or spec.source_url
    spec.document = source.text
    spec.document_hash = source.text_hash
    spec.servers = [server.as_dict() for server in api.servers]
    spec.security_schemes = [dict(scheme) for scheme in getattr(api, "security_schemes", ())]
    spec.webhooks = api.webhooks
    spec.callbacks = getattr(api, "callbacks", 0)
    spec.warnings = warnings_as_json(source.warnings)


def warnings_as_json(warnings: Iterable[Warning]) -> list[dict[str, Any]]:
    """Warnings as `OpenApiSpec.warnings` keeps them: with what a later translation needs."""
    return [sources.kept(warning.where, warning.sentence) for warning in warnings]


def warnings_of(spec: OpenApiSpec) -> list[dict[str, str]]:
    """The warnings of a kept document in the reader's language: where, message."""
    return [sources.told(entry) for entry in spec.warnings]


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
    gone = [tag.pk for tag in there.values()]
    for start in range(0, len(gone), _BATCH):
        Tag.objects.filter(pk__in=gone[start : start + _BATCH]).delete()
    return kept


def _keep_endpoints(spec: OpenApiSpec, changes: Changes, tags: dict[str, Tag]) -> None:
    for row in changes.new:
        row.openapi_spec = spec  # it has its key now
    Endpoint.everything.bulk_create(changes.new, batch_size=_BATCH)
    Endpoint.everything.bulk_update(changes.rewritten, [*WRITTEN, "position", "removed_at"], batch_size=50)
    Endpoint.everything.bulk_update(changes.moved, ["position"], batch_size=_BATCH)
    _keep_pairs(spec, changes, tags)
    Endpoint.everything.filter(pk__in=[row.pk for row in changes.removed]).update(removed_at=timezone.now())
    _forget_unnamed(spec)


def _keep_pairs(spec: OpenApiSpec, changes: Changes, tags: dict[str, Tag]) -> None:
    """Brings the tags of each endpoint up to date; a removed one has none."""
    through = Endpoint.tags.through
    before = set(through.objects.filter(endpoint__openapi_spec=spec).values_list("endpoint_id", "tag_id"))
    untagged = [tag for tag in tags.values() if tag.is_untagged]
    after = {(row.pk, tag.pk) for row, own in changes.tags for tag in [tags[name] for name in own] or untagged}
    gone = before - after
    for tag_id in {tag_id for _endpoint, tag_id in gone}:
        through.objects.filter(tag_id=tag_id, endpoint_id__in=[pk for pk, tag in gone if tag == tag_id]).delete()
    wanted = [pair for row, own in changes.tags for pair in _pairs(row, own, tags, untagged) if pair not in before]
    through.objects.bulk_create(
        [through(endpoint_id=endpoint_id, tag_id=tag_id) for endpoint_id, tag_id in dict.fromkeys(wanted)],
        batch_size=_BATCH,
    )


def _pairs(row: Endpoint, own: Iterable[str], tags: dict[str, Tag], untagged: list[Tag]) -> list[tuple[int, int]]:
    return [(row.pk, tag.pk) for tag in [tags[name] for name in own] or untagged]


def _forget_unnamed(spec: OpenApiSpec) -> None:
    """Deletes the removed endpoints that no plan and no result names, whatever apps there are that may name one."""
    named = Q()
    for relation in Endpoint._meta.related_objects:
        if relation.one_to_many:
            keys = relation.related_model._base_manager.filter(**{f"{relation.field.name}__openapi_spec": spec})
            named |= Q(pk__in=keys.values(f"{relation.field.name}_id"))
    gone = Endpoint.everything.filter(openapi_spec=spec).exclude(removed_at=None)
    (gone.exclude(named) if named else gone).delete()


def _names(rows: Iterable[Endpoint]) -> tuple[str, ...]:
    return tuple(str(row) for row in rows)
