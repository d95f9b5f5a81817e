"""What was run and measured. Columns carry the ERD's names; a run is a TestHistory row from its first second.

Units everywhere: response times in milliseconds, TPS in requests per second, error rates in percent
(0 to 100), durations in seconds. NULL means not measured, never 0.
"""

import secrets
import zlib
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from history.reasons import Explained, explain
from history.states import ACTIVE, FINISHED, Outcome, Status
from projects.models import Endpoint, Project

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def make_token() -> str:
    """The secret k6 shows when it pushes its numbers; one per run."""
    return secrets.token_urlsafe(32)


def _measure(label: "StrOrPromise") -> models.FloatField:
    return models.FloatField(label, null=True, blank=True)


class Measured(models.Model):
    """The measured columns that a run, a scenario and a stage share."""

    max_tps = _measure(_("highest TPS"))
    min_tps = _measure(_("lowest TPS"))
    avg_tps = _measure(_("average TPS"))
    max_response_time = _measure(_("longest response time (ms)"))
    min_response_time = _measure(_("shortest response time (ms)"))
    avg_response_time = _measure(_("average response time (ms)"))
    p50_response_time = _measure(_("p50 response time (ms)"))
    p95_response_time = _measure(_("p95 response time (ms)"))
    p99_response_time = _measure(_("p99 response time (ms)"))
    max_error_rate = _measure(_("highest error rate (%)"))
    min_error_rate = _measure(_("lowest error rate (%)"))
    avg_error_rate = _measure(_("error rate (%)"))
    total_requests = models.BigIntegerField(_("requests"), null=True, blank=True)
    failed_requests = models.BigIntegerField(_("failed requests"), null=True, blank=True)
    test_duration = _measure(_("duration (s)"))

    class Meta:
        abstract = True


class Iterated(Measured):
    """What a run and a scenario have besides: iterations done, and those that k6 could not begin in time."""

    iterations = models.BigIntegerField(_("iterations"), null=True, blank=True)
    dropped_iterations = models.BigIntegerField(_("dropped iterations"), null=True, blank=True)
    p90_response_time = _measure(_("p90 response time (ms)"))

    class Meta:
        abstract = True


class TestHistory(Iterated):
    """One run of a load test."""

    __test__ = False  # not a pytest class, whatever its name says

    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    target_tps = models.FloatField(_("target TPS"), null=True, blank=True)
    response_time_target = models.FloatField(_("response time target (ms)"), null=True, blank=True)
    response_time_percentile = models.PositiveSmallIntegerField(_("percentile of that target"), default=95)
    error_rate_target = models.FloatField(_("error rate target (%)"), null=True, blank=True)
    tested_at = models.DateTimeField(_("tested"), default=timezone.now, db_index=True)
    job_name = models.CharField(_("job name"), max_length=63, unique=True)
    k6_script_file_name = models.CharField(_("k6 script file"), max_length=200, blank=True)
    is_completed = models.BooleanField(_("is over"), default=False)
    completed_at = models.DateTimeField(_("ended"), null=True, blank=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="test_histories", verbose_name=_("project"))
    max_vus = _measure(_("highest number of VUs"))
    min_vus = _measure(_("lowest number of VUs"))
    avg_vus = _measure(_("average number of VUs"))

    status = models.CharField(_("state"), max_length=12, choices=Status.choices, default=Status.QUEUED, db_index=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices, blank=True, db_index=True)
    reasons = models.JSONField(_("reasons"), default=list, blank=True)
    plan = models.ForeignKey(
        "loadtests.Plan", models.SET_NULL, null=True, blank=True, related_name="test_histories", verbose_name=_("plan")
    )
    asked = models.JSONField(_("load test as it was asked for"), default=dict, blank=True)  # body of POST /load-testing
    plan_snapshot = models.JSONField(_("plan as it ran"), default=dict, blank=True)
    script = models.TextField(_("k6 script"), blank=True)
    log = models.TextField(_("k6 log"), blank=True)
    summary = models.JSONField(_("k6's own summary"), null=True, blank=True)
    exit_code = models.IntegerField(_("k6 exit code"), null=True, blank=True)
    runner = models.CharField(_("runner"), max_length=20, default="local")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("started by")
    )
    created_at = models.DateTimeField(_("asked for"), auto_now_add=True)
    stop_requested_at = models.DateTimeField(_("stop asked for"), null=True, blank=True)
    stop_reason = models.CharField(_("why it was stopped"), max_length=12, blank=True)
    warned_at = models.DateTimeField(_("said to take long"), null=True, blank=True)
    pinned = models.BooleanField(_("pinned: kept whatever the retention"), default=False)
    collecting_since = models.DateTimeField(_("collecting since"), null=True, blank=True)
    claimed_until = models.DateTimeField(_("claimed by a worker until"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts to collect"), default=0)
    live_second = models.IntegerField(_("next second to publish"), default=0)
    live_sent = models.JSONField(_("published so far"), default=dict)  # scenario tag to the counts of live.events
    generators = models.JSONField(_("load generators"), default=list, blank=True)  # one object each, by instance
    trouble = models.JSONField(_("what keeps it from going on"), null=True, blank=True)  # a reason
    ingest_token = models.CharField(_("ingest token"), max_length=64, default=make_token, editable=False)

    class Meta:
        db_table = "test_history"
        ordering = ["-tested_at", "-id"]
        verbose_name = _("run")
        verbose_name_plural = _("runs")

    def __str__(self) -> str:
        return f"{self.pk} · {self.title}"

    @property
    def explained(self) -> list[Explained]:
        """The reasons as sentences in the reader's language, the most important first."""
        return explain(self.reasons)

    @property
    def message(self) -> str:
        """The first thing that is not as it should be, as a sentence; "" where all is well."""
        return next((reason["message"] for reason in self.explained if not reason["good"]), "")

    @property
    def troubled(self) -> Explained | None:
        """What keeps an active run from going on, as a sentence; None where nothing does."""
        return next(iter(explain([self.trouble])), None) if self.trouble else None

    @property
    def reports(self) -> list[str]:
        """The load generators of which k6's own report is kept."""
        if self.is_active or not self.plan_snapshot.get("k6_dashboard"):
            return []
        return list(self.k6_reports.values_list("instance", flat=True))

    @property
    def dashboards(self) -> list[str]:
        """The load generators whose k6 shows a dashboard of its own now."""
        if self.status != Status.RUNNING or not self.plan_snapshot.get("k6_dashboard"):
            return []
        return [str(row["instance"]) for row in self.generators] or ["1"]

    @property
    def is_active(self) -> bool:
        """Whether it still waits, runs or collects."""
        return self.status in ACTIVE

    @property
    def is_finished(self) -> bool:
        """Whether it has come to an end, whichever."""
        return self.status in FINISHED


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


class StageHistory(Measured):
    """One stage of a scenario, with what was measured while it lasted."""

    duration = models.FloatField(_("duration (s)"))
    target = models.IntegerField(_("target"))
    scenario = models.ForeignKey(ScenarioHistory, models.CASCADE, related_name="stages", verbose_name=_("scenario"))

    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        db_table = "stage_history"
        ordering = ["position", "id"]
        verbose_name = _("stage of a run")
        verbose_name_plural = _("stages of runs")

    def __str__(self) -> str:
        return f"{self.duration:g} s → {self.target}"


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


class TimelineHistory(models.Model):
    """The seconds of a finished run by column; `scenario` is NULL for the whole run.

    `columns` holds equally long lists: t, requests, failures, tps, error_rate, avg, p50, p95, p99, vus,
    iterations, dropped (the last two not in runs of before they were counted).
    """

    test_history = models.ForeignKey(TestHistory, models.CASCADE, related_name="timelines", verbose_name=_("run"))
    scenario = models.OneToOneField(
        ScenarioHistory, models.CASCADE, null=True, blank=True, related_name="timeline", verbose_name=_("scenario")
    )
    columns = models.JSONField(_("columns"), default=dict)

    class Meta:
        db_table = "timeline_history"
        verbose_name = _("timeline of a run")
        verbose_name_plural = _("timelines of runs")

    def __str__(self) -> str:
        return f"{self.test_history_id} · {self.scenario_id or '-'}"


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
