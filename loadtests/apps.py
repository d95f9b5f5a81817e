from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoadtestsConfig(AppConfig):
    name = "loadtests"
    verbose_name = _("Load tests")
