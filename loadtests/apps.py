from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoadtestsConfig(AppConfig):
    name = "loadtests"
    verbose_name = _("Load tests")

    def ready(self) -> None:
        """What launches and watches is imported where it is needed: most commands of manage.py launch nothing."""
        from history.signals import load_ended, target_missed

        load_ended.connect(_watch_soon, dispatch_uid="loadtests.watch_soon")
        target_missed.connect(_end_for_target, dispatch_uid="loadtests.end_for_target")


def _watch_soon(**kwargs: Any) -> None:
    from loadtests.tasks import watch_soon

    watch_soon(**kwargs)


def _end_for_target(**kwargs: Any) -> None:
    from loadtests.launching import end_for_target

    end_for_target(**kwargs)
