"""Data fixes: projects, who belongs to them, documents, tags and endpoints."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from projects.models import Endpoint, Membership, OpenApiSpec, Project, Tag


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


class SpecInline(admin.TabularInline):
    model = OpenApiSpec
    fields = ("title", "version", "base_url", "source_url", "imported_at")
    readonly_fields = ("title", "version", "base_url", "source_url", "imported_at")
    extra = 0
    show_change_link = True
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[OpenApiSpec]:
        return super().get_queryset(request).defer("document")


class TagInline(admin.TabularInline):
    model = Tag
    fields = ["position", "name", "description", "is_untagged"]
    extra = 0


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):
    list_display = ["title", "summary", "owner", "spec_count", "updated_at"]
    list_filter = ["owner", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["title", "summary", "description", "owner__username"]
    autocomplete_fields = ["owner"]
    readonly_fields = ["created_at", "updated_at"]
    inlines = [MembershipInline, SpecInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return super().get_queryset(request).annotate(spec_total=Count("openapi_specs"))

    @admin.display(description=_("API documents"), ordering="spec_total")
    def spec_count(self, project: Project) -> int:
        return int(getattr(project, "spec_total", 0))


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ["user", "project", "role"]
    list_filter = ["role"]
    list_select_related = ["user", "project"]
    search_fields = ["user__username", "user__email", "project__title"]
    autocomplete_fields = ["user", "project"]


@admin.register(OpenApiSpec)
class OpenApiSpecAdmin(admin.ModelAdmin):
    list_display = ["title", "version", "project", "base_url", "endpoint_count", "imported_at"]
    list_filter = ["openapi_version", "imported_at", ("project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["project"]
    search_fields = ["title", "base_url", "source_url", "project__title"]
    autocomplete_fields = ["project"]
    # The text is megabytes; changing it here would part it from its endpoints.
    exclude = ["document"]
    readonly_fields = ["document_hash", "warnings", "imported_at"]
    inlines = [TagInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OpenApiSpec]:
        return super().get_queryset(request).defer("document").annotate(endpoint_total=Count("endpoints"))

    @admin.display(description=_("endpoints"), ordering="endpoint_total")
    def endpoint_count(self, spec: OpenApiSpec) -> int:
        return int(getattr(spec, "endpoint_total", 0))


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    list_display = ["name", "openapi_spec", "position", "is_untagged"]
    list_filter = ["is_untagged", ("openapi_spec__project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["openapi_spec"]
    search_fields = ["name", "description", "openapi_spec__title"]
    autocomplete_fields = ["openapi_spec"]


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):
    list_display = ["method", "path", "summary", "openapi_spec", "deprecated"]
    list_display_links = ["path"]
    list_filter = ["method", "deprecated", ("openapi_spec__project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["openapi_spec"]
    search_fields = ["path", "summary", "operation_id", "openapi_spec__title"]
    autocomplete_fields = ["openapi_spec", "tags"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        return super().get_queryset(request).defer("openapi_spec__document")
