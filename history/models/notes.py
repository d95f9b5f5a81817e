"""What people add to runs: labels, notes, and which run others are held against."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from history.models.run import TestHistory
from projects.models import Project


class RunLabel(models.Model):
    """A word on a run, to find it by."""

    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="labels", verbose_name=_("run"))
    text = models.CharField(_("label"), max_length=60, db_index=True)

    class Meta:
        db_table = "run_label"
        ordering = ["text"]
        constraints = [models.UniqueConstraint(fields=["test_history", "text"], name="label_once")]
        verbose_name = _("label")
        verbose_name_plural = _("labels")

    def __str__(self) -> str:
        return self.text


class RunNote(models.Model):
    """What somebody wrote about a run."""

    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="notes", verbose_name=_("run"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    text = models.TextField(_("note"))
    created_at = models.DateTimeField(_("written"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True)

    class Meta:
        db_table = "run_note"
        ordering = ["created_at", "id"]
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return self.text[:60]


class Baseline(models.Model):
    """The run that others are held against: those of its plan, or, without one, those of the same endpoints."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="baselines", verbose_name=_("project"))
    plan = models.ForeignKey(
        "loadtests.Plan", models.CASCADE, null=True, blank=True, related_name="baselines", verbose_name=_("plan")
    )
    endpoint_set = models.CharField(_("set of endpoints"), max_length=40, blank=True)
    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="baselines", verbose_name=_("run"))
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("set by")
    )
    set_at = models.DateTimeField(_("set"), auto_now=True)

    class Meta:
        db_table = "baseline"
        constraints = [
            models.UniqueConstraint(fields=["plan"], condition=models.Q(plan__isnull=False), name="baseline_of_plan"),
            models.UniqueConstraint(
                fields=["project", "endpoint_set"], condition=models.Q(plan=None), name="baseline_of_endpoints"
            ),
        ]
        verbose_name = _("baseline")
        verbose_name_plural = _("baselines")

    def __str__(self) -> str:
        return f"{self.test_history_id}"
