from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoadtestsConfig(AppConfig):
    name = "loadtests"
    verbose_name = _("Load tests")

    def ready(self) -> None:
        from history.signals import load_ended, target_missed
        from loadtests.launching import end_for_target
        from loadtests.tasks import watch_soon

        load_ended.connect(watch_soon, dispatch_uid="loadtests.watch_soon")
        target_missed.connect(end_for_target, dispatch_uid="loadtests.end_for_target")
