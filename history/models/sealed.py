"""A column whose text is encrypted in the database and plain in Python."""

import secrets
from typing import Any

from django.db import models

from projects.sealing import PUSHES, seal_short, unseal_short


class SealedToken(models.CharField):
    """A short token (`MOST_BYTES` at most) that a copy of the database does not give away. It cannot be searched for,
    because each row is sealed by a nonce of its own. What was kept before there was a seal is read as it is; where the
    key is gone there is another token, which nobody has (`projects.sealing`)."""

    MOST_BYTES = 19  # of which 63 characters become

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """For migrations it is the column it always was."""
        name, _path, args, more = super().deconstruct()
        return name, "django.db.models.CharField", args, more

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """Out of the database."""
        return value if value is None else unseal_short(value, PUSHES) or secrets.token_urlsafe()

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Into the database. Raises ValueError for a text that would not fit."""
        if not isinstance(value, str):
            return super().get_db_prep_save(value, connection)
        if len(value.encode()) > self.MOST_BYTES:
            raise ValueError(f"{self.name}: {self.MOST_BYTES} bytes at most.")
        return seal_short(value, PUSHES)
