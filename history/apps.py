from functools import partial

from django.apps import AppConfig
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete
from django.utils.translation import gettext_lazy as _


class HistoryConfig(AppConfig):
    name = "history"
    verbose_name = _("History")

    def ready(self) -> None:
        """A store outside the product's database does not see rows go."""
        post_delete.connect(_forget, sender="history.TestHistory")


def _forget(instance: object, **kwargs: object) -> None:
    if settings.METRICVAULT_METRICS_STORE != "database":
        from history.publishing import forget

        transaction.on_commit(partial(forget, getattr(instance, "pk", 0)))
