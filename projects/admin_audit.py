"""The administration writes down what is done in it, whoever registers a model there.

Django says in one place what a form of the administration changed (`construct_change_message`) and in another that it
was done (`log_addition`, `log_change`, `log_deletions`); pages of one object, lists with fields to edit, inline rows,
passwords and "delete the chosen ones" all come through there. Actions of our own call functions that record themselves.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from projects import audit
from projects.audit_values import HIDDEN

_LARGE = frozenset({"document", "script", "log", "summary", "plan_snapshot", "packed", "payload", "html", "asked"})
_CHANGED = "audit_changed"
_MOST = 500  # objects of one action


class Audited(admin.ModelAdmin):
    """Records additions, changes and deletions."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Keeps for `log_addition` and `log_change` what the forms say: (before, after)."""
        setattr(request, _CHANGED, _of_forms(form, formsets))
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Something was made."""
        _before, after = getattr(request, _CHANGED, ({}, {}))
        audit.record(audit.Action.CREATED, obj, after={name: value for name, value in after.items() if value})
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Something was changed; nothing is recorded where a form was saved as it was."""
        before, after = getattr(request, _CHANGED, (None, None))
        if before is None:  # by an action
            after = _named_by(message, obj)
            audit.record(audit.Action.CHANGED, obj, after=after, detail="" if after else str(message))
        elif before or after:
            audit.record(audit.Action.CHANGED, obj, before=before, after=after)
        setattr(request, _CHANGED, (None, None))
        return super().log_change(request, obj, message)

    def get_actions(self, request: HttpRequest) -> Any:
        """As Django's; one that records nothing itself is recorded with what it was done to."""
        own: Any = super().get_actions(request)
        return {
            name: (action if name == "delete_selected" else _recorded(action, str(words)), name, words)
            for name, (action, _name, words) in own.items()
        }

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Something is about to be deleted."""
        for one in queryset:
            audit.record(audit.Action.DELETED, one, before=_columns(one))
        return super().log_deletions(request, queryset)


def _recorded(action: Any, words: str) -> Any:
    def recorded(page: Any, request: HttpRequest, chosen: Any) -> Any:
        things, before = list(chosen[:_MOST]), audit.count(request)
        answer = action(page, request, chosen)
        if audit.count(request) == before:
            audit.record_all(audit.Action.CHANGED, things, detail=words)
        return answer

    return recorded


def _named_by(message: Any, obj: Any) -> dict[str, Any]:
    """The fields that a message of Django's names, as they are now."""
    parts = message if isinstance(message, list) else []
    names = [name for part in parts for name in part.get("changed", {}).get("fields", ())]
    return {name: getattr(obj, name, None) for name in names}


def _of_forms(form: Any, formsets: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = _of_form(form, "")
    for formset in formsets or ():
        kind = str(formset.model._meta.verbose_name)
        for one in formset.deleted_objects:
            before[f"{kind} {one.pk or ''}".strip()] = str(one)
        for one in [*formset.initial_forms, *formset.extra_forms]:
            if one.has_changed() and one.instance.pk and one.instance not in formset.deleted_objects:
                was, now = _of_form(one, f"{kind} {one.instance.pk}: ")
                before |= was
                after |= now
    return before, after


def _of_form(form: Any, prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [name for name in form.changed_data if name != "DELETE"]
    was = {prefix + name: _before(form, name) for name in names}
    return was, {prefix + name: form.cleaned_data.get(name, HIDDEN) for name in names}


def _before(form: Any, name: str) -> Any:
    """The field as it was; rows that it named, by their names."""
    value = form.initial.get(name)
    rows = getattr(form.fields.get(name), "queryset", None)
    if rows is None or not value or isinstance(value, models.Model):
        return value
    many = isinstance(value, Iterable) and not isinstance(value, str)
    keys = [getattr(one, "pk", one) for one in value] if many else [value]
    found = [str(one) for one in rows.model._base_manager.filter(pk__in=keys)]
    return found if many else (found or [value])[0]


def _columns(row: models.Model) -> dict[str, Any]:
    """A row that goes, without what is large."""
    names = [one.name for one in row._meta.concrete_fields if one.name not in _LARGE]
    there = {name: getattr(row, name) for name in names if name not in row.get_deferred_fields()}
    return {name: value for name, value in there.items() if value not in (None, "", [], {})}


class AuditedSite(admin.AdminSite):
    """Whatever is registered here is `Audited`. The modules that register are imported when they are first needed."""

    def get_urls(self) -> Any:
        """As Django's."""
        admin.autodiscover()
        return super().get_urls()

    def check(self, app_configs: Any) -> Any:
        """As Django's."""
        admin.autodiscover()
        return super().check(app_configs)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """As Django's, with `Audited` before the class of the model."""
        own = admin_class or admin.ModelAdmin
        if not issubclass(own, Audited):
            own = type(own.__name__, (Audited, own), {"__module__": own.__module__, "__doc__": own.__doc__})
        super().register(model_or_iterable, own, **options)


class AuditEntryAdmin(admin.ModelAdmin):
    """Read only, for administrators; the page "Audit" finds more."""

    list_display = ["at", "actor_name", "action", "object_name", "project_title", "way", "address"]
    list_filter = ["action", "way", "kind"]
    search_fields = ["actor_name", "object_name", "project_title", "detail", "request_id"]
    list_select_related = False
    show_full_result_count = False
    ordering = ["-pk"]
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As the page."""
        return bool(getattr(request.user, "is_superuser", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As the page."""
        return self.has_view_permission(request)
