from django.apps import AppConfig


class MetricVaultConfig(AppConfig):
    name = "metricvault"
    verbose_name = "Metric Vault"

    def ready(self) -> None:
        from metricvault import checks  # noqa: F401  registers the system checks
        from metricvault.celery import app  # noqa: F401  so that every process finds the broker
