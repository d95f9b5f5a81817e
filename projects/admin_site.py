"""Which administration the product has: Django's, on a site that writes down what is done in it."""

from django.contrib.admin import site
from django.contrib.admin.apps import SimpleAdminConfig


class AuditedAdminConfig(SimpleAdminConfig):
    """Stands in INSTALLED_APPS in the place of Django's. Django's own would import every admin.py into every process;
    the site does when it is asked for its addresses, or is checked."""

    default_site = "projects.admin_audit.AuditedSite"

    def ready(self) -> None:
        """Makes the site, which is made when it is first looked at: Django checks those that there are."""
        super().ready()
        str(site.name)
