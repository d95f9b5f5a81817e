"""A run: a TestHistory row from its first second."""

import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from history.models.measured import Iterated, measure
from history.models.sealed import SealedToken
from history.reasons import Explained, explain
from history.states import ACTIVE, FINISHED, Outcome, Status
from projects.models import Project


def make_token() -> str:
    """The secret k6 shows when it pushes its numbers; one per run, of 112 random bits."""
    return secrets.token_urlsafe(14)


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
    max_vus = measure(_("highest number of VUs"))
    min_vus = measure(_("lowest number of VUs"))
    avg_vus = measure(_("average number of VUs"))

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
    answers = models.JSONField(_("answers by status"), default=dict, blank=True)  # by "200", or "0:1212"
    release = models.CharField(_("release that was tested"), max_length=60, blank=True)
    endpoint_set = models.CharField(_("set of endpoints"), max_length=40, blank=True, db_index=True)  # a sum, not names
    deleted_at = models.DateTimeField(_("deleted, to be undone for a while"), null=True, blank=True, db_index=True)
    ingest_token = SealedToken(_("ingest token"), max_length=64, default=make_token, editable=False)

    class Meta:
        db_table = "test_history"
        ordering = ["-tested_at", "-id"]
        indexes = [
            models.Index(fields=["project", "-tested_at"], name="run_by_project_and_time"),
            # The list's order, with all that its count needs: a row itself lies behind its script and log.
            models.Index(fields=["deleted_at", "-pinned", "-tested_at", "-id", "project"], name="run_by_list"),
            models.Index(fields=["release"], name="run_by_release"),
            models.Index(fields=["plan", "deleted_at", "-tested_at", "-id"], name="run_by_plan"),
        ]
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
