"""How load is made: saved plans, their scenarios and stages. What ran is kept by value in `history`."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.models import Endpoint, Environment, Project


class Executor(models.TextChoices):
    """k6's names."""

    CONSTANT_VUS = "constant-vus", _("Constant users")
    RAMPING_VUS = "ramping-vus", _("Users change by stages")
    CONSTANT_ARRIVAL_RATE = "constant-arrival-rate", _("Constant rate")
    RAMPING_ARRIVAL_RATE = "ramping-arrival-rate", _("Rate changes by stages")
    SHARED_ITERATIONS = "shared-iterations", _("A number of iterations, shared by the users")
    PER_VU_ITERATIONS = "per-vu-iterations", _("A number of iterations for each user")


class Percentile(models.IntegerChoices):
    """Of the response times of which a target speaks."""

    P50 = 50, "p50"
    P90 = 90, "p90"
    P95 = 95, "p95"
    P99 = 99, "p99"


class Plan(models.Model):
    """A saved load test."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="plans", verbose_name=_("project"))
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    target_tps = models.FloatField(_("target TPS"), null=True, blank=True)
    generators = models.PositiveIntegerField(_("load generators"), null=True, blank=True)  # None: as many as it needs
    k6_dashboard = models.BooleanField(_("k6's own report"), null=True, blank=True)  # None: as the copy is set
    environment = models.ForeignKey(
        Environment, models.SET_NULL, null=True, blank=True, related_name="plans", verbose_name=_("environment")
    )
    response_time_target = models.FloatField(_("response time target (ms)"), null=True, blank=True)
    response_time_percentile = models.PositiveSmallIntegerField(
        _("percentile of the response time target"), choices=Percentile.choices, default=Percentile.P95
    )
    error_rate_target = models.FloatField(_("error rate target (%)"), null=True, blank=True)
    abort_after = models.FloatField(_("stop after a target is missed for (s)"), null=True, blank=True)
    profile = models.CharField(_("profile"), max_length=20, blank=True)
    options = models.JSONField(_("options"), default=dict, blank=True)  # {"http": …, "data": …} of the payload
    drafts = models.JSONField(_("typed, and not understood"), default=dict, blank=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
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


class PlanEdit(models.Model):
    """What somebody changes of a plan in the builder and the audit has not written down yet (`loadtests.plan_audit`):
    how the plan was before, and who it is. The row goes when the difference is recorded."""

    plan = models.OneToOneField(Plan, models.CASCADE, related_name="edit", verbose_name=_("plan"))
    before = models.JSONField(_("before"))
    who = models.JSONField(_("person"))  # projects.audit.Who
    begun_at = models.DateTimeField(_("begun"))

    class Meta:
        db_table = "plan_edit"
        verbose_name = _("changes of a plan under way")
        verbose_name_plural = _("changes of plans under way")

    def __str__(self) -> str:
        return str(self.plan)


class Scenario(models.Model):
    """What one group of virtual users of a plan does: its steps in their order, again and again.

    `load` holds what the executor takes besides the stages, in the words of `loadtests.payload`; `drafts` what
    was typed and cannot be read as meant, by the name of its field.
    """

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="scenarios", verbose_name=_("plan"))
    position = models.PositiveIntegerField(_("position"), default=0)
    name = models.CharField(_("name"), max_length=200)
    executor = models.CharField(_("executor"), max_length=40, choices=Executor.choices, default=Executor.CONSTANT_VUS)
    think_time = models.FloatField(_("think time (s)"), default=0)
    response_time_target = models.FloatField(_("response time target (ms)"), null=True, blank=True)
    response_time_percentile = models.PositiveSmallIntegerField(
        _("percentile of the response time target"), choices=Percentile.choices, default=Percentile.P95
    )
    error_rate_target = models.FloatField(_("error rate target (%)"), null=True, blank=True)
    tps_target = models.FloatField(_("throughput target (requests/s)"), null=True, blank=True)
    load = models.JSONField(_("more of the load"), default=dict, blank=True)
    drafts = models.JSONField(_("typed, and not understood"), default=dict, blank=True)

    class Meta:
        db_table = "scenario"
        ordering = ["position", "id"]
        verbose_name = _("scenario")
        verbose_name_plural = _("scenarios")

    def __str__(self) -> str:
        return self.name


class Step(models.Model):
    """One request of a scenario. Texts (values, body, headers) may hold placeholders, `{{name}}`.

    `checks` and `extracts` are lists in the words of `loadtests.payload`; `statuses` such as
    `["200-299", "404"]`, [] for k6's own (200 to 399).
    """

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="steps", verbose_name=_("scenario"))
    position = models.PositiveIntegerField(_("position"), default=0)
    name = models.CharField(_("name"), max_length=200, blank=True)
    endpoint = models.ForeignKey(
        Endpoint, models.SET_NULL, null=True, blank=True, related_name="steps", verbose_name=_("endpoint")
    )
    values = models.JSONField(_("parameter values"), default=dict, blank=True)  # {"path": {name: value}, "query": …}
    body = models.TextField(_("request body"), blank=True)
    content_type = models.CharField(_("content type"), max_length=200, blank=True)
    headers = models.JSONField(_("more headers"), default=list, blank=True)  # rows of {"name", "value"}
    statuses = models.JSONField(_("expected statuses"), default=list, blank=True)
    checks = models.JSONField(_("checks"), default=list, blank=True)
    extracts = models.JSONField(_("values to take"), default=list, blank=True)
    once = models.BooleanField(_("once for each user"), default=False)

    class Meta:
        db_table = "step"
        ordering = ["position", "id"]
        verbose_name = _("step")
        verbose_name_plural = _("steps")

    def __str__(self) -> str:
        return self.name or str(self.endpoint or "")


class Stage(models.Model):
    """A stretch of a scenario: `target` users, or iterations per time unit, reached or held for `duration` seconds."""

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="stages", verbose_name=_("scenario"))
    position = models.PositiveIntegerField(_("position"), default=0)
    duration = models.FloatField(_("duration (s)"), default=30)
    target = models.PositiveIntegerField(_("target"), default=1)

    class Meta:
        db_table = "stage"
        ordering = ["position", "id"]
        verbose_name = _("stage")
        verbose_name_plural = _("stages")

    def __str__(self) -> str:
        return f"{self.duration:g} s → {self.target}"


class Try(models.Model):
    """One iteration of a plan, to see whether its requests and answers are what is meant.

    `plan_snapshot` is what was tried, as in a run; `fingerprint` its hash, so that a plan knows whether it has been
    tried as it stands. `result` is the list of `loadtests.trying`: a step each, secrets masked.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        PASSED = "passed", _("passed")
        FAILED = "failed", _("failed")

    project = models.ForeignKey(Project, models.CASCADE, related_name="tries", verbose_name=_("project"))
    plan = models.ForeignKey(Plan, models.CASCADE, null=True, blank=True, related_name="tries", verbose_name=_("plan"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("started"), auto_now_add=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    fingerprint = models.CharField(_("hash of the plan (SHA-256)"), max_length=64, blank=True)
    plan_snapshot = models.JSONField(_("plan as it was tried"), default=dict, blank=True)
    result = models.JSONField(_("result"), default=list, blank=True)
    message = models.JSONField(_("why it did not end well"), null=True, blank=True)  # a reason
    log = models.TextField(_("k6 log"), blank=True)

    class Meta:
        db_table = "try"
        ordering = ["-id"]
        verbose_name = _("try")
        verbose_name_plural = _("tries")

    def __str__(self) -> str:
        return f"{self.plan or self.project} · {self.get_state_display()}"


class LoadLimits(models.Model):
    """The most that load tests of one project may ask for; what is empty is as set for all. (`GeneratorSettings.most`:
    load generators.)"""

    project = models.OneToOneField(Project, models.CASCADE, related_name="load_limits", verbose_name=_("project"))
    max_vus = models.PositiveIntegerField(_("most users at once"), null=True, blank=True)
    max_rate = models.PositiveIntegerField(_("most iterations per second"), null=True, blank=True)
    max_duration = models.FloatField(_("longest run (s)"), null=True, blank=True)
    max_runs = models.PositiveIntegerField(_("most runs at the same time"), null=True, blank=True)
    allowed_targets = models.JSONField(_("hosts that may be loaded"), default=list, blank=True)  # [] as set for all

    class Meta:
        db_table = "load_limits"
        verbose_name = _("limits of a project")
        verbose_name_plural = _("limits of projects")

    def __str__(self) -> str:
        return str(self.project)


class TargetRequest(models.Model):
    """A wish to load a host that is not allowed yet, and an administrator's answer (`loadtests.approving`)."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPROVED = "approved", _("approved")
        DENIED = "denied", _("denied")

    project = models.ForeignKey(Project, models.CASCADE, related_name="target_requests", verbose_name=_("project"))
    rule = models.CharField(_("host"), max_length=300)  # as in `metricvault.lib.targets`
    reason = models.CharField(_("what for"), max_length=500, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked"), auto_now_add=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True)

    class Meta:
        db_table = "target_request"
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "rule"], condition=models.Q(state="waiting"), name="target_request_once"
            )
        ]
        verbose_name = _("request for a host")
        verbose_name_plural = _("requests for hosts")

    def __str__(self) -> str:
        return f"{self.rule} · {self.project}"


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
