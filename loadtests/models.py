"""How load is made: saved plans, their scenarios and stages. What ran is kept by value in `history`."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.models import Endpoint, Project


class Executor(models.TextChoices):
    """k6's names."""

    CONSTANT_VUS = "constant-vus", _("Constant users")
    RAMPING_VUS = "ramping-vus", _("Users change by stages")


class Plan(models.Model):
    """A saved load test."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="plans", verbose_name=_("project"))
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    target_tps = models.FloatField(_("target TPS"), null=True, blank=True)
    generators = models.PositiveIntegerField(_("load generators"), null=True, blank=True)  # None: as many as it needs
    k6_dashboard = models.BooleanField(_("k6's own report"), null=True, blank=True)  # None: as the copy is set
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        db_table = "plan"
        ordering = ["-updated_at", "-id"]
        verbose_name = _("plan")
        verbose_name_plural = _("plans")

    def __str__(self) -> str:
        return self.title


class Scenario(models.Model):
    """What one group of virtual users of a plan does: one endpoint, again and again."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="scenarios", verbose_name=_("plan"))
    position = models.PositiveIntegerField(_("position"), default=0)
    name = models.CharField(_("name"), max_length=200)
    endpoint = models.ForeignKey(
        Endpoint, models.SET_NULL, null=True, blank=True, related_name="scenarios", verbose_name=_("endpoint")
    )
    executor = models.CharField(_("executor"), max_length=40, choices=Executor.choices, default=Executor.CONSTANT_VUS)
    think_time = models.FloatField(_("think time (s)"), default=0)
    response_time_target = models.FloatField(_("response time target, p95 (ms)"), null=True, blank=True)
    error_rate_target = models.FloatField(_("error rate target (%)"), null=True, blank=True)
    values = models.JSONField(_("parameter values"), default=dict, blank=True)  # {"path": {name: value}, "query": …}
    body = models.TextField(_("request body"), blank=True)
    content_type = models.CharField(_("content type"), max_length=200, blank=True)

    class Meta:
        db_table = "scenario"
        ordering = ["position", "id"]
        verbose_name = _("scenario")
        verbose_name_plural = _("scenarios")

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """A stretch of a scenario: `target` users, reached or held for `duration` seconds."""

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="stages", verbose_name=_("scenario"))
    position = models.PositiveIntegerField(_("position"), default=0)
    duration = models.FloatField(_("duration (s)"), default=30)
    target = models.PositiveIntegerField(_("users"), default=1)

    class Meta:
        db_table = "stage"
        ordering = ["position", "id"]
        verbose_name = _("stage")
        verbose_name_plural = _("stages")

    def __str__(self) -> str:
        return f"{self.duration:g} s → {self.target}"


def _quantity(label: Any) -> Any:
    """An amount as Kubernetes writes it."""
    check = RegexValidator(r"^\d+(\.\d+)?(m|[kMGT]|[KMGT]i)?\Z", _("Write an amount such as 500m, 2, 256Mi or 1Gi."))
    return models.CharField(label, max_length=20, blank=True, validators=[check])


def check_pairs(value: Any) -> None:
    """An object of texts."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ValidationError(_("Write an object of texts."))


def check_list(value: Any) -> None:
    """A list."""
    if not isinstance(value, list):
        raise ValidationError(_("Write a list."))


class GeneratorSettings(models.Model):
    """What the load generators (pods) of one project ask of the cluster; what is empty is as set for all."""

    project = models.OneToOneField(
        Project, models.CASCADE, related_name="generator_settings", verbose_name=_("project")
    )
    most = models.PositiveIntegerField(_("most load generators of a run"), null=True, blank=True)
    vus_each = models.PositiveIntegerField(_("users of one load generator"), null=True, blank=True)
    image = models.CharField(_("k6 image"), max_length=300, blank=True)
    cpu_request = _quantity(_("CPU asked for"))
    cpu_limit = _quantity(_("CPU limit"))
    memory_request = _quantity(_("memory asked for"))
    memory_limit = _quantity(_("memory limit"))
    node_selector = models.JSONField(_("node selector"), default=dict, blank=True, validators=[check_pairs])
    tolerations = models.JSONField(_("tolerations"), default=list, blank=True, validators=[check_list])
    service_account = models.CharField(_("service account"), max_length=253, blank=True)
    pull_secrets = models.JSONField(_("image pull secrets"), default=list, blank=True, validators=[check_list])
    labels = models.JSONField(_("labels"), default=dict, blank=True, validators=[check_pairs])

    class Meta:
        db_table = "generator_settings"
        verbose_name = _("load generators of a project")
        verbose_name_plural = _("load generators of projects")

    def __str__(self) -> str:
        return str(self.project)

    @classmethod
    def placement_of(cls, project_id: int) -> dict[str, Any]:
        """What the project sets otherwise than everybody, for `loadtests.runners.manifests.Placement`."""
        own = cls.objects.filter(project_id=project_id).first()
        if own is None:
            return {}
        names = ("image", "cpu_request", "cpu_limit", "memory_request", "memory_limit", "node_selector")
        more = ("tolerations", "service_account", "pull_secrets", "labels")
        found = {name: getattr(own, name) for name in (*names, *more) if getattr(own, name)}
        return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
