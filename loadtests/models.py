"""How load is made: saved plans, their scenarios and stages. What ran is kept by value in `history`."""

from django.conf import settings
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
