"""Data fixes for plans, their scenarios and stages."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from loadtests import approving
from loadtests.models import GeneratorSettings, LoadLimits, Plan, Scenario, Stage, Step, TargetRequest, Try
from metricvault.lib.errors import Conflict
from metricvault.lib.targets import INHERITED, check_rule
from projects.access import require_user

Decision = Callable[[TargetRequest, User, str, datetime], None]


class ScenarioInline(admin.TabularInline):
    model = Scenario
    fields = ("position", "name", "executor", "think_time", "response_time_target", "error_rate_target", "tps_target")
    extra = 0
    show_change_link = True


class StepInline(admin.TabularInline):
    model = Step
    fields = ("position", "name", "endpoint", "content_type", "once")
    raw_id_fields = ("endpoint",)
    extra = 0
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        """With endpoints, which the raw id shows by name."""
        return super().get_queryset(request).select_related("endpoint")


class StageInline(admin.TabularInline):
    model = Stage
    fields = ("position", "duration", "target")
    extra = 0


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    list_display = ("id", "title", "project", "scenario_count", "target_tps", "created_by", "updated_at")
    list_display_links = ("id", "title")
    list_filter = (("project", admin.RelatedOnlyFieldListFilter), "created_at", "updated_at")
    list_select_related = ("project", "created_by")
    search_fields = ("title", "description", "project__title", "scenarios__name")
    autocomplete_fields = ("project",)
    raw_id_fields = ("created_by",)
    readonly_fields = ("created_at", "updated_at")
    date_hierarchy = "updated_at"
    inlines = (ScenarioInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        """With the number of scenarios."""
        return super().get_queryset(request).annotate(scenario_total=Count("scenarios", distinct=True))

    @admin.display(description=_("scenarios"), ordering="scenario_total")
    def scenario_count(self, plan: Plan) -> int:
        """How many scenarios the plan has."""
        return int(getattr(plan, "scenario_total", 0))


@admin.register(Scenario)
class ScenarioAdmin(admin.ModelAdmin):
    list_display = ("id", "name", "plan", "executor", "think_time", "position")
    list_display_links = ("id", "name")
    list_filter = ("executor", ("plan__project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("plan",)
    search_fields = ("name", "plan__title", "steps__endpoint__path")
    autocomplete_fields = ("plan",)
    inlines = (StepInline, StageInline)


@admin.register(Step)
class StepAdmin(admin.ModelAdmin):
    list_display = ("id", "name", "scenario", "endpoint", "position", "once")
    list_filter = ("once", ("scenario__plan__project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("scenario", "endpoint")
    search_fields = ("name", "scenario__name", "scenario__plan__title", "endpoint__path")
    autocomplete_fields = ("scenario",)
    raw_id_fields = ("endpoint",)


@admin.register(Stage)
class StageAdmin(admin.ModelAdmin):
    list_display = ("id", "scenario", "position", "duration", "target")
    list_filter = ("scenario__executor", ("scenario__plan__project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("scenario",)
    search_fields = ("scenario__name", "scenario__plan__title")
    autocomplete_fields = ("scenario",)


@admin.register(GeneratorSettings)
class GeneratorSettingsAdmin(admin.ModelAdmin):
    list_display = ("project", "most", "vus_each", "image", "cpu_limit", "memory_limit")
    list_select_related = ("project",)
    search_fields = ("project__title", "image")
    autocomplete_fields = ("project",)


class LoadLimitsForm(forms.ModelForm):
    """Refuses what is no host: a typing error would allow nothing, in silence."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["allowed_targets"].help_text = _(
            'Such as ["+", "api.example.com", "*.example.org", "10.0.0.0/8"]. "+" stands for the hosts that are set '
            "for all; with anything else in the list and without it, those are not allowed here. Empty: as set for all."
        )

    def clean_allowed_targets(self) -> list[str]:
        """A list of rules of `metricvault.lib.targets`."""
        rules = self.cleaned_data["allowed_targets"] or []
        for rule in rules if isinstance(rules, list) else [rules]:
            if rule == INHERITED:
                continue
            try:
                check_rule(rule if isinstance(rules, list) and isinstance(rule, str) else "")
            except ValueError:
                message = _('“%(rule)s” is no host. Write a list such as ["api.example.com", "*.example.com"].')
                raise forms.ValidationError(message % {"rule": rule}) from None
        return list(rules)


@admin.register(LoadLimits)
class LoadLimitsAdmin(admin.ModelAdmin):
    form = LoadLimitsForm
    list_display = ("project", "max_vus", "max_rate", "max_duration", "max_runs", "allowed_targets")
    list_select_related = ("project",)
    search_fields = ("project__title",)
    autocomplete_fields = ("project",)


@admin.register(TargetRequest)
class TargetRequestAdmin(admin.ModelAdmin):
    """To look at and to decide; nobody asks here, and no answer is changed afterwards."""

    list_display = ("rule", "project", "reason", "asked_by", "asked_at", "state", "decided_by", "answer")
    list_filter = ("state", ("project", admin.RelatedOnlyFieldListFilter), "asked_at")
    list_select_related = ("project", "asked_by", "decided_by")
    search_fields = ("rule", "reason", "project__title")
    actions = ("approve", "deny")
    readonly_fields = (
        "project", "rule", "reason", "asked_by", "asked_at", "state", "decided_by", "decided_at", "answer",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Members ask on the page of their project."""
        return False

    @admin.action(description=_("Approve: the projects may load these hosts"), permissions=["change"])
    def approve(self, request: HttpRequest, rows: QuerySet[TargetRequest]) -> None:
        """Those that wait; the others are left as they are."""
        self._decide(request, rows, approving.approve, "")

    @admin.action(description=_("Deny"), permissions=["change"])
    def deny(self, request: HttpRequest, rows: QuerySet[TargetRequest]) -> None:
        """Those that wait; the others are left as they are."""
        self._decide(request, rows, approving.deny, gettext("Denied by an administrator."))

    def _decide(self, request: HttpRequest, rows: QuerySet[TargetRequest], how: Decision, answer: str) -> None:
        done = 0
        for row in rows.select_related("project").order_by("asked_at", "pk"):
            try:
                how(row, require_user(request), answer, timezone.now())
                done += 1
            except Conflict:
                continue
        said = ngettext("%(count)s request is decided.", "%(count)s requests are decided.", done)
        self.message_user(request, said % {"count": done})


@admin.register(Try)
class TryAdmin(admin.ModelAdmin):
    list_display = ("id", "plan", "project", "state", "created_by", "created_at")
    list_filter = ("state", ("project", admin.RelatedOnlyFieldListFilter), "created_at")
    list_select_related = ("plan", "project", "created_by")
    search_fields = ("plan__title", "project__title")
    raw_id_fields = ("plan", "project", "created_by")
    readonly_fields = ("plan_snapshot", "result", "message", "log", "fingerprint", "created_at")
