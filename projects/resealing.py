"""Secrets that an older key sealed -> sealed by the newest one, so that the older one can go."""

from dataclasses import dataclass

from projects import audit
from projects.models import DocumentImport, Environment, OpenApiSpec
from projects.sealing import ENVIRONMENTS, HEADERS, resealed

# What stays sealed in the database: model, column, purpose. Not the ingest tokens of runs (history.models.sealed): they
# are worth nothing once their run is over, and until then the older key is there.
_SEALED = (
    (Environment, "sealed", ENVIRONMENTS),
    (OpenApiSpec, "sealed_headers", HEADERS),
    (DocumentImport, "sealed_headers", HEADERS),
)


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many were sealed again, and what could not be read, as people know it."""

    count: int
    unreadable: tuple[str, ...]


def reseal() -> Resealed:
    """Seals everything again. What somebody changes meanwhile is left as they made it: by the newest key."""
    count, unreadable = 0, []
    for model, column, purpose in _SEALED:
        rows = model._default_manager.exclude(**{column: ""}).only(column)
        for key, sealed in rows.values_list("pk", column).iterator():
            fresh = resealed(sealed, purpose)
            if fresh is None:
                unreadable.append(f"{model._meta.verbose_name} {key}")
            else:
                count += model._default_manager.filter(pk=key, **{column: sealed}).update(**{column: fresh})
    audit.record(audit.Action.CHANGED, detail=f"reseal: {count}")
    return Resealed(count, tuple(unreadable))
