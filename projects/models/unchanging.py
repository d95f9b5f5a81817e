"""Rows that are written once and never changed."""

from datetime import datetime
from typing import Any, NoReturn

from django.db import models


class Unchangeable(Exception):
    """Something tried to change or delete what is written once. A mistake of the program, never of a person."""


class Unchanging(models.QuerySet[Any]):
    """Takes new rows and gives them; `forget_before` alone deletes. Django's own SET_NULL, when a person or a project
    goes, comes by the base manager and may."""

    def update(self, **values: Any) -> NoReturn:
        """Never."""
        raise Unchangeable

    def delete(self) -> NoReturn:
        """Never."""
        raise Unchangeable

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Never."""
        raise Unchangeable

    def forget_before(self, limit: datetime, most: int) -> int:
        """Retention: deletes up to `most` of the oldest rows from before `limit`; answers how many."""
        old = list(self.filter(at__lt=limit).order_by("at", "pk").values_list("pk", flat=True)[:most])
        return self.filter(pk__in=old)._raw_delete(self.db) if old else 0


class UnchangingRow(models.Model):
    """A row that `save` makes once, and `delete` never."""

    objects = Unchanging.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Makes the row; raises `Unchangeable` where it is there."""
        if not self._state.adding:
            raise Unchangeable
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Never."""
        raise Unchangeable
