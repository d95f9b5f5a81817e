from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoadtestsConfig(AppConfig):
    name = "loadtests"
    verbose_name = _("Load tests")

    def ready(self) -> None:
        from history.signals import load_ended
        from loadtests.tasks import watch_soon

        load_ended.connect(watch_soon, dispatch_uid="loadtests.watch_soon")
