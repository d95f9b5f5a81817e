"""The parts of a run: its scenarios, their stages and steps, and the phases of the load."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from history.models.measured import Iterated, Measured, measure
from history.models.run import TestHistory
from projects.models import Endpoint


class Kind(models.TextChoices):
    """What the load does in a stretch of time."""

    RAMP_UP = "ramp-up", _("Ramp-up")
    STEADY = "steady", _("Steady")
    RAMP_DOWN = "ramp-down", _("Ramp-down")


class ScenarioHistory(Iterated):
    """One scenario of a run: what was asked of it and what it measured."""

    name = models.CharField(_("name"), max_length=200)
    scenario_tag = models.CharField(_("scenario tag"), max_length=80)
    endpoint = models.ForeignKey(
        Endpoint, models.SET_NULL, null=True, blank=True, related_name="scenario_histories", verbose_name=_("endpoint")
    )
    think_time = models.FloatField(_("think time (s)"), default=0)
    executor = models.CharField(_("executor"), max_length=40)
    response_time_target = models.FloatField(_("response time target, p95 (ms)"), null=True, blank=True)
    error_rate_target = models.FloatField(_("error rate target (%)"), null=True, blank=True)
    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="scenarios", verbose_name=_("run"))
    response_time_percentile = models.PositiveSmallIntegerField(_("percentile of that target"), default=95)
    tps_target = models.FloatField(_("throughput target (requests/s)"), null=True, blank=True)

    answers = models.JSONField(_("answers by status"), default=dict, blank=True)
    request_name = models.CharField(_("request"), max_length=2050, blank=True)  # METHOD /path/{template}, by value
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        db_table = "scenario_history"
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["test_history", "scenario_tag"], name="scenario_tag_once"),
        ]
        verbose_name = _("scenario of a run")
        verbose_name_plural = _("scenarios of runs")

    def __str__(self) -> str:
        return self.name


class StageHistory(Iterated):
    """One stage of a scenario, with what was measured while it lasted."""

    duration = models.FloatField(_("duration (s)"))
    target = models.IntegerField(_("target"))
    scenario = models.ForeignKey(ScenarioHistory, models.CASCADE, related_name="stages", verbose_name=_("scenario"))

    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices, blank=True)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        db_table = "stage_history"
        ordering = ["position", "id"]
        verbose_name = _("stage of a run")
        verbose_name_plural = _("stages of runs")

    def __str__(self) -> str:
        return f"{self.duration:g} s → {self.target}"


class PhaseHistory(Iterated):
    """All stages of one kind of a run (`scenario` NULL) or of a scenario taken together.

    The run is in ramp-up where the load that all its scenarios ask for rises, and so on.
    """

    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="phases", verbose_name=_("run"))
    scenario = models.ForeignKey(
        ScenarioHistory, models.CASCADE, null=True, blank=True, related_name="phases", verbose_name=_("scenario")
    )
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)
    min_vus = measure(_("lowest number of VUs"))
    max_vus = measure(_("highest number of VUs"))
    avg_vus = measure(_("average number of VUs"))

    class Meta:
        db_table = "phase_history"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["scenario", "kind"], name="phase_of_scenario_once"),
            models.UniqueConstraint(
                fields=["test_history", "kind"], condition=models.Q(scenario=None), name="phase_of_run_once"
            ),
        ]
        verbose_name = _("phase of a run")
        verbose_name_plural = _("phases of runs")

    def __str__(self) -> str:
        return self.get_kind_display()


class StepHistory(Measured):
    """One step of a scenario: what its requests measured, and what its checks found.

    `checks`: list of {"key", "kind", "text", "passed", "failed"}, the extractions among them.
    """

    scenario = models.ForeignKey(ScenarioHistory, models.CASCADE, related_name="steps", verbose_name=_("scenario"))
    position = models.PositiveIntegerField(_("position"), default=0)
    name = models.CharField(_("name"), max_length=200, blank=True)
    request_name = models.CharField(_("request"), max_length=2050, blank=True)
    endpoint = models.ForeignKey(
        Endpoint, models.SET_NULL, null=True, blank=True, related_name="step_histories", verbose_name=_("endpoint")
    )
    checks = models.JSONField(_("checks"), default=list, blank=True)

    class Meta:
        db_table = "step_history"
        ordering = ["position", "id"]
        verbose_name = _("step of a run")
        verbose_name_plural = _("steps of runs")

    def __str__(self) -> str:
        return self.name or self.request_name
