"""How a project and its documents are kept, changed and deleted, for page and API alike. Callers checked who asks."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from projects import audit
from projects.models import OpenApiSpec, Project

_TOLD = ("title", "summary", "description")


def keep_project(project: Project, changed: Iterable[str] = _TOLD) -> Project:
    """Keeps a new project, or the fields `changed` of one that is there."""
    with transaction.atomic():
        if project.pk is None:
            project.save()
            audit.record(audit.Action.CREATED, project, after={name: getattr(project, name) for name in _TOLD})
            return project
        before = Project.objects.filter(pk=project.pk).values(*_TOLD).first() or {}
        project.save(update_fields=[*changed, "updated_at"])
        audit.record_change(project, before, {name: getattr(project, name) for name in _TOLD})
    return project


def keep_base_url(spec: OpenApiSpec, base_url: str) -> None:
    """From now on the requests of this document go to `base_url`."""
    rows = OpenApiSpec.objects.filter(pk=spec.pk)
    with transaction.atomic():
        before: dict[str, Any] = dict(rows.values("base_url").first() or {})
        rows.update(base_url=base_url)
        audit.record_change(spec, before, {"base_url": base_url})


def delete_spec(spec: OpenApiSpec) -> None:
    """Deletes a document with its endpoints; results stay."""
    with transaction.atomic():
        before = {"version": spec.version, "base_url": spec.base_url, "endpoints": spec.endpoints.count()}
        audit.record(audit.Action.DELETED, spec, before=before)
        spec.delete()
