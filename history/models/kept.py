"""What is kept of a run beside its numbers: seconds, histograms, failed requests, reports, pushes."""

import zlib

from django.db import models
from django.utils.translation import gettext_lazy as _

from history.models.columns import Columns
from history.models.parts import ScenarioHistory, StepHistory
from history.models.run import TestHistory


class TimelineHistory(models.Model):
    """The seconds of a finished run by column; `scenario` is NULL for the whole run.

    `columns`: equally long lists, `history.tracks.COLUMNS`; what an older version did not count is missing.
    `overview`: the same over longer stretches where there are more seconds than a chart has pixels, else {}.
    `heatmap`: response times over time, as `history.heatmap` makes it; {} where there is none.
    """

    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="timelines", verbose_name=_("run"))
    scenario = models.OneToOneField(
        ScenarioHistory, models.CASCADE, null=True, blank=True, related_name="timeline", verbose_name=_("scenario")
    )
    columns = Columns(_("columns"), default=dict)

    overview = Columns(_("columns, in short"), default=dict, blank=True)
    heatmap = Columns(_("heatmap"), default=dict, blank=True)

    class Meta:
        db_table = "timeline_history"
        verbose_name = _("timeline of a run")
        verbose_name_plural = _("timelines of runs")

    def __str__(self) -> str:
        return f"{self.test_history_id} · {self.scenario_id or '-'}"


class BlockHistory(models.Model):
    """A minute of a finished run with its histograms, so that any span of time can be counted again.

    `sums`: the whole minute; `seconds`: each of its seconds. Both as `history.blocks` packs them.
    """

    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="blocks", verbose_name=_("run"))
    start = models.PositiveIntegerField(_("first second"))
    sums = models.BinaryField(_("sums"))
    seconds = models.BinaryField(_("seconds"))

    class Meta:
        db_table = "block_history"
        ordering = ["start"]
        constraints = [models.UniqueConstraint(fields=["test_history", "start"], name="block_once")]
        verbose_name = _("minute of a run")
        verbose_name_plural = _("minutes of runs")

    def __str__(self) -> str:
        return f"{self.test_history_id} · {self.start} s"


class FailedRequest(models.Model):
    """One of the first failing requests of a step, with what was sent and answered; secrets are masked in k6 already.

    `request`: method, url, headers, body. `response`: status, status_text, headers, body; None where there was none.
    `checks`: the texts of those that did not hold. `kind`: as in `answers` ("500", "0:1212"), or "check".
    """

    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="failures", verbose_name=_("run"))
    step = models.ForeignKey(StepHistory, models.CASCADE, related_name="failures", verbose_name=_("step"))
    kind = models.CharField(_("kind"), max_length=20)
    t = models.FloatField(_("second of the run"), null=True, blank=True)
    request = models.JSONField(_("request"), default=dict)
    response = models.JSONField(_("response"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    checks = models.JSONField(_("checks that failed"), default=list, blank=True)

    class Meta:
        db_table = "failed_request"
        ordering = ["t", "id"]
        verbose_name = _("failed request")
        verbose_name_plural = _("failed requests")

    def __str__(self) -> str:
        return f"{self.test_history_id} · {self.kind}"


class K6Report(models.Model):
    """The page that k6's own web dashboard wrote at the end of a run, one for each load generator."""

    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="k6_reports", verbose_name=_("run"))
    instance = models.CharField(_("load generator"), max_length=40)
    packed = models.BinaryField(_("page"))  # zlib

    class Meta:
        db_table = "k6_report"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["test_history", "instance"], name="k6_report_of_generator")]
        verbose_name = _("k6's own report of a run")
        verbose_name_plural = _("k6's own reports of runs")

    def __str__(self) -> str:
        return f"{self.test_history_id} · {self.instance}"

    @property
    def html(self) -> bytes:
        """The page, in UTF-8."""
        return zlib.decompress(self.packed)


class MetricSnapshot(models.Model):
    """One push of k6, decoded: the cumulative counters and histograms it touched. Only for the `database` store."""

    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="snapshots", verbose_name=_("run"))
    moment = models.FloatField(_("moment (s since the epoch)"))
    payload = models.BinaryField(_("snapshot"))

    class Meta:
        db_table = "metric_snapshot"
        ordering = ["id"]
        indexes = [models.Index(fields=["test_history", "moment"], name="snapshot_by_moment")]
        verbose_name = _("metric snapshot")
        verbose_name_plural = _("metric snapshots")

    def __str__(self) -> str:
        return f"{self.test_history_id} · {self.pk}"
