"""Data fixes for runs. Measured columns are read-only until the administrator unlocks them for one visit."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from history.answers import HEAVY
from history.models import (
    Baseline,
    BlockHistory,
    FailedRequest,
    Iterated,
    K6Report,
    Measured,
    MetricSnapshot,
    PhaseHistory,
    RunLabel,
    RunNote,
    ScenarioHistory,
    StageHistory,
    StepHistory,
    TestHistory,
    TimelineHistory,
)

UNLOCK = "unlock"
MEASURED = tuple(column.name for column in Measured._meta.fields)
ITERATED = tuple(column.name for column in Iterated._meta.fields)
USERS = ("max_vus", "min_vus", "avg_vus")


class UnlockMixin:
    """`?unlock=1` opens the measured columns; without it they are shown only."""

    measured: tuple[str, ...] = MEASURED
    change_form_template: Any = "history/admin_change_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Adds the measured columns unless this visit unlocked them."""
        fixed = tuple(super().get_readonly_fields(request, obj))  # type: ignore[misc]
        return fixed if UNLOCK in request.GET else (*fixed, *self.measured)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Says aloud that measured numbers can be changed now."""
        if UNLOCK in request.GET and request.method == "GET":
            messages.warning(
                request, _("Measured numbers can be changed now. What you save replaces what was measured.")
            )
        context = {**(extra_context or {}), "unlocked": UNLOCK in request.GET}
        return super().changeform_view(request, object_id, form_url, context)  # type: ignore[misc]


class ScenarioInline(admin.TabularInline):
    model = ScenarioHistory
    fields = ("name", "scenario_tag", "endpoint", "executor", "total_requests", "failed_requests", "p95_response_time")
    readonly_fields = ("total_requests", "failed_requests", "p95_response_time")
    raw_id_fields = ("endpoint",)
    extra = 0
    show_change_link = True


class StageInline(admin.TabularInline):
    model = StageHistory
    fields = ("position", "duration", "target", "total_requests", "avg_tps", "p95_response_time", "avg_error_rate")
    readonly_fields = ("total_requests", "avg_tps", "p95_response_time", "avg_error_rate")
    extra = 0
    show_change_link = True


class StepInline(admin.TabularInline):
    model = StepHistory
    fields = ("position", "name", "request_name", "total_requests", "failed_requests", "p95_response_time")
    readonly_fields = ("total_requests", "failed_requests", "p95_response_time")
    extra = 0
    show_change_link = True


class PhaseInline(admin.TabularInline):
    model = PhaseHistory
    fields = ("scenario", "kind", "total_requests", "failed_requests", "avg_tps", "p95_response_time", "test_duration")
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Phases are measured."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[PhaseHistory]:
        """With the names of their scenarios."""
        return super().get_queryset(request).select_related("scenario")


class LabelInline(admin.TabularInline):
    model = RunLabel
    extra = 0


class NoteInline(admin.TabularInline):
    model = RunNote
    fields = ("author", "text", "created_at", "changed_at")
    readonly_fields = ("created_at",)
    raw_id_fields = ("author",)
    extra = 0


class Deleted(admin.SimpleListFilter):
    """What lies in the trash, or what does not."""

    title = _("deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Both kinds; without a choice all are shown."""
        return [("1", _("Deleted")), ("0", _("Not deleted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TestHistory]) -> QuerySet[TestHistory]:
        """As chosen."""
        chosen = {"1": False, "0": True}.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(deleted_at__isnull=chosen)


@admin.register(TestHistory)
class TestHistoryAdmin(UnlockMixin, admin.ModelAdmin):
    measured = (*ITERATED, *USERS)
    list_display = (
        "id", "title", "project", "status", "outcome", "tested_at", "release", "pinned", "deleted_at", "total_requests",
        "p95_response_time",
    )  # fmt: skip
    list_filter = ("status", "outcome", "pinned", Deleted, "runner", "project")
    list_select_related = ("project",)
    search_fields = ("title", "description", "job_name", "project__title", "release", "labels__text", "notes__text")
    date_hierarchy = "tested_at"
    readonly_fields = (
        "job_name", "plan_snapshot", "asked", "script", "log", "summary", "exit_code", "live_second", "reasons",
        "answers", "endpoint_set",
    )  # fmt: skip
    raw_id_fields = ("project", "plan", "started_by")
    inlines = (ScenarioInline, PhaseInline, LabelInline, NoteInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TestHistory]:
        """The list needs neither scripts nor logs."""
        rows: QuerySet[TestHistory] = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer(*HEAVY) if match and str(match.url_name).endswith("_changelist") else rows


@admin.register(ScenarioHistory)
class ScenarioHistoryAdmin(UnlockMixin, admin.ModelAdmin):
    list_display = ("id", "name", "scenario_tag", "test_history", "executor", "total_requests", "p95_response_time")
    list_filter = ("executor", "test_history__project")
    list_select_related = ("test_history",)
    search_fields = ("name", "scenario_tag", "request_name", "test_history__title")
    raw_id_fields = ("test_history", "endpoint")
    measured = ITERATED
    inlines = (StageInline, StepInline)


@admin.register(StageHistory)
class StageHistoryAdmin(UnlockMixin, admin.ModelAdmin):
    list_display = ("id", "scenario", "position", "duration", "target", "total_requests", "p95_response_time")
    list_filter = ("scenario__test_history__project",)
    list_select_related = ("scenario",)
    search_fields = ("scenario__name", "scenario__test_history__title")
    raw_id_fields = ("scenario",)
    measured = ITERATED


@admin.register(PhaseHistory)
class PhaseHistoryAdmin(UnlockMixin, admin.ModelAdmin):
    list_display = ("id", "test_history", "scenario", "kind", "total_requests", "p95_response_time", "avg_error_rate")
    list_filter = ("kind", "test_history__project")
    list_select_related = ("test_history", "scenario")
    search_fields = ("test_history__title", "scenario__name")
    raw_id_fields = ("test_history", "scenario")
    measured = (*ITERATED, *USERS)


@admin.register(StepHistory)
class StepHistoryAdmin(UnlockMixin, admin.ModelAdmin):
    list_display = ("id", "scenario", "position", "name", "request_name", "total_requests", "p95_response_time")
    list_filter = ("scenario__test_history__project",)
    list_select_related = ("scenario",)
    search_fields = ("name", "request_name", "scenario__name", "scenario__test_history__title")
    raw_id_fields = ("scenario", "endpoint")


class Unchangeable:
    """Measurements as they came: they can be looked at and deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody makes a measurement by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor changes one."""
        return False


@admin.register(TimelineHistory)
class TimelineHistoryAdmin(Unchangeable, admin.ModelAdmin):
    list_display = ("id", "test_history", "scenario")
    list_select_related = ("test_history", "scenario")
    search_fields = ("test_history__title", "scenario__name")
    list_filter = ("test_history__project",)


@admin.register(K6Report)
class K6ReportAdmin(Unchangeable, admin.ModelAdmin):
    list_display = ("id", "test_history", "instance")
    list_select_related = ("test_history",)
    search_fields = ("test_history__title",)
    list_filter = ("test_history__project",)
    exclude = ("packed",)


@admin.register(MetricSnapshot)
class MetricSnapshotAdmin(Unchangeable, admin.ModelAdmin):
    list_display = ("id", "test_history", "moment")
    list_select_related = ("test_history",)
    search_fields = ("test_history__title",)
    list_filter = ("test_history__project",)
    exclude = ("payload",)


@admin.register(BlockHistory)
class BlockHistoryAdmin(Unchangeable, admin.ModelAdmin):
    list_display = ("id", "test_history", "start")
    list_select_related = ("test_history",)
    search_fields = ("test_history__title",)
    list_filter = ("test_history__project",)
    exclude = ("sums", "seconds")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockHistory]:
        """Without the histograms, which nobody reads."""
        return super().get_queryset(request).defer("sums", "seconds")


@admin.register(FailedRequest)
class FailedRequestAdmin(Unchangeable, admin.ModelAdmin):
    list_display = ("id", "test_history", "step", "kind", "t", "error")
    list_select_related = ("test_history", "step")
    search_fields = ("test_history__title", "step__name", "step__request_name", "error")
    list_filter = ("kind", "test_history__project")


@admin.register(RunLabel)
class RunLabelAdmin(admin.ModelAdmin):
    list_display = ("id", "text", "test_history")
    list_select_related = ("test_history",)
    search_fields = ("text", "test_history__title")
    list_filter = ("test_history__project",)
    raw_id_fields = ("test_history",)


@admin.register(RunNote)
class RunNoteAdmin(admin.ModelAdmin):
    list_display = ("id", "test_history", "author", "text", "created_at")
    list_select_related = ("test_history", "author")
    search_fields = ("text", "test_history__title", "author__username")
    list_filter = ("test_history__project",)
    raw_id_fields = ("test_history", "author")
    readonly_fields = ("created_at",)


@admin.register(Baseline)
class BaselineAdmin(admin.ModelAdmin):
    list_display = ("id", "project", "plan", "endpoint_set", "test_history", "set_by", "set_at")
    list_select_related = ("project", "plan", "test_history", "set_by")
    search_fields = ("project__title", "plan__title", "test_history__title")
    list_filter = ("project",)
    raw_id_fields = ("project", "plan", "test_history", "set_by")
    readonly_fields = ("set_at",)
