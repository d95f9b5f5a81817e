"""Which administration the product has: Django's, on a site that writes down what is done in it."""

from django.contrib.admin.apps import SimpleAdminConfig


class AuditedAdminConfig(SimpleAdminConfig):
    """Stands in INSTALLED_APPS in the place of Django's. Django's own would import every admin.py into every process;
    the site does when it is asked for its addresses, or is checked."""

    default_site = "projects.admin_audit.AuditedSite"
