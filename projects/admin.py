"""Data fixes: projects, who belongs to them, documents, tags and endpoints."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from projects.admin_audit import AuditEntryAdmin
from projects.api_tokens import revoke
from projects.catalogue import endpoint_count
from projects.environments import sealed_names
from projects.models import (
    ApiToken,
    AuditEntry,
    DataFile,
    DocumentImport,
    Endpoint,
    Environment,
    Membership,
    OpenApiSpec,
    Project,
    Tag,
    Validation,
)
from projects.openapi.readiness import missing_values
from projects.people_admin import PersonAdmin

__all__ = ["PersonAdmin"]

admin.site.register(AuditEntry, AuditEntryAdmin)


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
    readonly_fields = ["document_hash", "warnings", "has_headers", "imported_at"]
    inlines = [TagInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OpenApiSpec]:
        return super().get_queryset(request).defer("document").annotate(endpoint_total=endpoint_count())

    @admin.display(description=_("request headers are kept"), boolean=True)
    def has_headers(self, spec: OpenApiSpec) -> bool:
        return bool(spec.sealed_headers)

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
    list_display = ["method", "path", "summary", "openapi_spec", "deprecated", "removed_at"]
    list_display_links = ["path"]
    list_filter = [
        "method",
        "deprecated",
        ("removed_at", admin.EmptyFieldListFilter),
        ("openapi_spec__project", admin.RelatedOnlyFieldListFilter),
    ]
    readonly_fields = ["missing", "removed_at"]
    list_select_related = ["openapi_spec"]
    search_fields = ["path", "summary", "operation_id", "openapi_spec__title"]
    autocomplete_fields = ["openapi_spec", "tags"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        return Endpoint.everything.order_by("position", "id").defer("openapi_spec__document")

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        try:
            obj.missing = list(missing_values(obj.parameters, obj.request_body))
        except (KeyError, TypeError, AttributeError):  # another form than ours was typed
            obj.missing = []
        super().save_model(request, obj, form, change)


@admin.register(Validation)
class ValidationAdmin(admin.ModelAdmin):
    list_display = ["openapi_spec", "state", "finding_count", "attempts", "changed_at"]
    list_filter = ["state"]
    list_select_related = ["openapi_spec"]
    search_fields = ["openapi_spec__title"]
    autocomplete_fields = ["openapi_spec"]
    readonly_fields = ["document_hash", "findings", "finding_count", "problem", "changed_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Validation]:
        return super().get_queryset(request).defer("openapi_spec__document", "findings")


@admin.register(DocumentImport)
class DocumentImportAdmin(admin.ModelAdmin):
    list_display = ["id", "project", "url", "name", "state", "created_by", "created_at"]
    list_display_links = ["id", "url", "name"]
    list_filter = ["state", "created_at", ("project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["project", "created_by"]
    search_fields = ["url", "name", "project__title"]
    autocomplete_fields = ["project", "openapi_spec", "created_by"]
    readonly_fields = ["field", "size", "document_hash", "base_hash", "changes", "message", "created_at", "changed_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DocumentImport]:
        return super().get_queryset(request).defer("payload", "changes")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Environment)
class EnvironmentAdmin(admin.ModelAdmin):
    list_display = ["name", "project", "base_url", "updated_at"]
    list_filter = [("project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["project"]
    search_fields = ["name", "base_url", "project__title"]
    autocomplete_fields = ["project"]
    # Their shapes are the form's affair; what is secret about them is never shown.
    readonly_fields = ["headers", "variables", "credentials", "secrets", "created_at", "updated_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Its secrets stay with the people of its project.
        return [*self.readonly_fields, *(["project"] if obj else [])]

    @admin.display(description=_("secrets that are kept"))
    def secrets(self, environment: Environment) -> str:
        names = sealed_names(environment)
        return str(_("cannot be read: their key is gone")) if names is None else ", ".join(sorted(names)) or "-"


@admin.register(DataFile)
class DataFileAdmin(admin.ModelAdmin):
    list_display = ["name", "project", "file_name", "row_count", "size", "created_by", "created_at", "replaced_at"]
    list_filter = [("replaced_at", admin.EmptyFieldListFilter), ("project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["project", "created_by"]
    search_fields = ["name", "file_name", "project__title"]
    autocomplete_fields = ["created_by"]
    # Its rows never change, and plans and results find it by name and key.
    readonly_fields = [
        "project", "name", "columns", "row_count", "encoding", "size", "sha256", "created_at", "replaced_at",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[DataFile]:
        return super().get_queryset(request).defer("packed")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """To see who uses what and to revoke it; tokens are made on their person's own page, which alone shows them."""

    list_display = ["name", "begins", "user", "scope", "project", "expires_at", "revoked_at", "last_used_at"]
    list_filter = ["scope", ("revoked_at", admin.EmptyFieldListFilter), ("project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["user", "project"]
    search_fields = ["name", "begins", "user__username", "project__title"]
    actions = ["revoke_tokens"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description=_("Revoke the chosen tokens"), permissions=["delete"])
    def revoke_tokens(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        for token in chosen:
            revoke(token)
