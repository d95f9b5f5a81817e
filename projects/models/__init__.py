"""What is tested, and who may do it. Columns carry the ERD's names."""

from projects.models.people import ApiToken, AuditEntry, Identity, LoginSession, Membership
from projects.models.tested import (
    DataFile,
    DocumentImport,
    Endpoint,
    Environment,
    OpenApiSpec,
    Project,
    Tag,
    Validation,
)

__all__ = [
    "ApiToken",
    "AuditEntry",
    "DataFile",
    "DocumentImport",
    "Endpoint",
    "Environment",
    "Identity",
    "LoginSession",
    "Membership",
    "OpenApiSpec",
    "Project",
    "Tag",
    "Validation",
]
