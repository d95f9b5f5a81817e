"""Which administration the product has: Django's, on a site that writes down what is done in it."""

from django.contrib.admin.apps import AdminConfig


class AuditedAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS in the place of Django's."""

    default_site = "projects.admin_audit.AuditedSite"
