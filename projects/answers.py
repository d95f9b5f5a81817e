"""What the REST API answers about projects, documents and endpoints (REST.md), with its description."""

from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from ninja import Field, Schema

from projects import validation
from projects.catalogue import tags_with_counts
from projects.models import Endpoint, OpenApiSpec, Project, Tag
from projects.spec_import import ImportReport, warnings_of


class SpecSummary(Schema):
    """An imported document, in short."""

    id: int
    project_id: int
    title: str = Field(examples=["Storefront API"])
    version: str = Field(examples=["4.18.0"])
    openapi_version: str = Field(examples=["3.1.0"])
    base_url: str = Field(description="Where requests go", examples=["https://api.example.com/v1"])
    source_url: str = Field(description="The address it was imported from, or empty")
    endpoint_count: int
    imported_at: datetime


class SpecList(Schema):
    items: list[SpecSummary]
    count: int = Field(description="How many there are in all")


class ProjectAnswer(Schema):
    """A project."""

    id: int
    title: str = Field(examples=["Storefront"])
    summary: str
    description: str
    created_at: datetime
    updated_at: datetime


class ProjectDetail(ProjectAnswer):
    """A project with its documents and counts."""

    openapi_specs: list[SpecSummary]
    endpoint_count: int
    plan_count: int
    test_history_count: int


class ProjectList(Schema):
    items: list[ProjectAnswer]
    count: int = Field(description="How many there are in all")


class TagAnswer(Schema):
    id: int
    name: str = Field(description="“untagged” gathers the operations without a tag", examples=["orders"])
    description: str
    endpoint_count: int


class WarningAnswer(Schema):
    where: str = Field(description="The operation, path or part of the document", examples=["GET /orders/{id}"])
    message: str


class ValidationAnswer(Schema):
    """What openapi-spec-validator found. It looks after the endpoints are there."""

    state: str = Field(description="waiting, running, done, failed, or empty where it never looked", examples=["done"])
    message: str = Field(description="Why it did not end, where it failed")
    finding_count: int = Field(description="How many findings there are in all; at most 200 are listed")
    findings: list[WarningAnswer]


class SpecDetail(Schema):
    """An imported document with its tags and what was found wrong with it."""

    id: int
    project_id: int
    title: str
    version: str
    base_url: str
    openapi_version: str
    source_url: str
    servers: list[dict[str, Any]] = Field(description="Every server of the document: url, declared, description")
    endpoint_count: int
    tag_count: int
    tags: list[TagAnswer]
    warnings: list[WarningAnswer] = Field(description="What was found while reading it")
    validation: ValidationAnswer
    security_schemes: list[dict[str, Any]] = Field(description="What a login to the API looks like")
    webhooks: int = Field(description="How many there are; they are no endpoints")
    callbacks: int = Field(description="How many there are; they are no endpoints")
    imported_at: datetime


class ImportAnswer(SpecDetail):
    """What an import did."""

    added: int = Field(description="Endpoints that are new")
    changed: int = Field(description="Endpoints that differ from the last import")
    removed: int = Field(description="Endpoints that are gone")


class EndpointAnswer(Schema):
    """One operation; `parameters` and `request_body` carry the example values that a load test sends."""

    id: int
    openapi_spec_id: int
    path: str = Field(examples=["/orders/{orderId}"])
    method: str = Field(examples=["GET"])
    summary: str
    description: str
    deprecated: bool
    tags: list[str]
    parameters: list[dict[str, Any]]
    request_body: dict[str, Any] | None


class EndpointList(Schema):
    items: list[EndpointAnswer]
    count: int = Field(description="How many there are in all")


def spec_summary(spec: OpenApiSpec) -> dict[str, Any]:
    """`spec` carries `endpoint_count`."""
    return {name: getattr(spec, name) for name in SpecSummary.model_fields}


def project(row: Project) -> dict[str, Any]:
    """The columns of a project."""
    return {name: getattr(row, name) for name in ProjectAnswer.model_fields}


def project_detail(row: Project, specs: list[OpenApiSpec]) -> dict[str, Any]:
    """`row` carries the counts of `catalogue.with_counts`, each of `specs` its `endpoint_count`."""
    return {
        **project(row),
        "openapi_specs": [spec_summary(spec) for spec in specs],
        "endpoint_count": row.endpoint_count,  # type: ignore[attr-defined]
        "plan_count": row.plan_count,  # type: ignore[attr-defined]
        "test_history_count": row.run_count,  # type: ignore[attr-defined]
    }


def spec_detail(spec: OpenApiSpec) -> dict[str, Any]:
    """A document with its tags and warnings."""
    tags = list(tags_with_counts([spec]))
    return {
        "id": spec.pk,
        "project_id": spec.project_id,
        "title": spec.title,
        "version": spec.version,
        "base_url": spec.base_url,
        "openapi_version": spec.openapi_version,
        "source_url": spec.source_url,
        "servers": spec.servers,
        "endpoint_count": spec.endpoints.count(),
        "tag_count": len(tags),
        "tags": [_tag(tag) for tag in tags],
        "warnings": warnings_of(spec),
        "validation": _validation(spec),
        "security_schemes": spec.security_schemes,
        "webhooks": spec.webhooks,
        "callbacks": spec.callbacks,
        "imported_at": spec.imported_at,
    }


def _validation(spec: OpenApiSpec) -> dict[str, Any]:
    found = validation.shown(spec)
    return {
        "state": found["state"],
        "message": found["message"],
        "finding_count": found["count"],
        "findings": found["findings"],
    }


def _tag(tag: Tag) -> dict[str, Any]:
    return {name: getattr(tag, name) for name in TagAnswer.model_fields}


def import_report(report: ImportReport) -> dict[str, Any]:
    """The document and what changed."""
    changes = {"added": len(report.added), "changed": len(report.changed), "removed": len(report.removed)}
    return {**spec_detail(report.spec), **changes}


def with_tags() -> Prefetch:
    """What `endpoint` needs, for a whole list in one query."""
    return Prefetch("tags", Tag.objects.order_by("position", "id").only("id", "name"))


def endpoint(row: Endpoint) -> dict[str, Any]:
    """`row` comes with its tags prefetched."""
    columns = {name: getattr(row, name) for name in EndpointAnswer.model_fields if name != "tags"}
    return {**columns, "tags": [tag.name for tag in row.tags.all()]}
