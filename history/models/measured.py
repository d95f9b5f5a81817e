"""The measured columns, in one place for runs, scenarios, stages and steps."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def measure(label: "StrOrPromise") -> models.FloatField:
    """A column of a measured number; NULL: not measured."""
    return models.FloatField(label, null=True, blank=True)


class Measured(models.Model):
    """The measured columns that a run, a scenario and a stage share."""

    max_tps = measure(_("highest TPS"))
    min_tps = measure(_("lowest TPS"))
    avg_tps = measure(_("average TPS"))
    max_response_time = measure(_("longest response time (ms)"))
    min_response_time = measure(_("shortest response time (ms)"))
    avg_response_time = measure(_("average response time (ms)"))
    p50_response_time = measure(_("p50 response time (ms)"))
    p90_response_time = measure(_("p90 response time (ms)"))
    p95_response_time = measure(_("p95 response time (ms)"))
    p99_response_time = measure(_("p99 response time (ms)"))
    max_error_rate = measure(_("highest error rate (%)"))
    min_error_rate = measure(_("lowest error rate (%)"))
    avg_error_rate = measure(_("error rate (%)"))
    total_requests = models.BigIntegerField(_("requests"), null=True, blank=True)
    failed_requests = models.BigIntegerField(_("failed requests"), null=True, blank=True)
    test_duration = measure(_("duration (s)"))

    class Meta:
        abstract = True


class Iterated(Measured):
    """What a run, a scenario and their parts have besides: iterations done, and those that k6 could not begin in time;
    answers that passed and failed a check (or an extraction); bytes over the wire."""

    iterations = models.BigIntegerField(_("iterations"), null=True, blank=True)
    dropped_iterations = models.BigIntegerField(_("dropped iterations"), null=True, blank=True)
    checks_passed = models.BigIntegerField(_("checks passed"), null=True, blank=True)
    checks_failed = models.BigIntegerField(_("checks failed"), null=True, blank=True)
    data_sent = models.BigIntegerField(_("bytes sent"), null=True, blank=True)
    data_received = models.BigIntegerField(_("bytes received"), null=True, blank=True)

    class Meta:
        abstract = True
