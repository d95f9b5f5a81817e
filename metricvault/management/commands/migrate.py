"""`manage.py migrate`: Django's, with the checks that look at this installation."""

from typing import Any

from django.core.checks import Tags
from django.core.checks.registry import registry
from django.core.management.commands import migrate

# They look at code, which is the same everywhere: `make test` makes them. Here they would import every page, a third of
# each start.
_OF_CODE = {Tags.admin, Tags.security, Tags.templates, Tags.urls}


class Command(migrate.Command):
    """As Django's."""

    def check(self, *args: Any, **options: Any) -> None:
        """What databases, the environment and models have wrong."""
        super().check(*args, **{"tags": registry.tags_available() - _OF_CODE, **options})
