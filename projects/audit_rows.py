"""Entries of the audit as they are shown: in words, with what differs, and links to what is still there."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.functional import Promise

from projects.models import AuditEntry

# Where a kind of object has its page: the app it is of, the name of the address, and which rows have one.
_PAGES: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "project": ("projects", "projects:detail", {}),
    "openapispec": ("projects", "projects:spec", {}),
    "environment": ("projects", "projects:environment", {}),
    "datafile": ("projects", "projects:data-file", {"replaced_at": None}),
    "plan": ("loadtests", "loadtests:plan", {}),
    "testhistory": ("history", "history:run", {"deleted_at": None}),
}
_APPS = ("projects", "loadtests", "history", "auth")
HEAD = (
    "time", "person", "api_token", "by", "address", "action", "kind", "object_id", "object", "project_id", "project",
    "details", "before", "after", "request_id",
)  # fmt: skip

_COLUMNS = (
    "at", "actor_name", "token_name", "way", "address", "action", "kind", "object_id", "object_name", "project_id",
    "project_title", "detail", "before_text", "after_text", "request_id",
)  # fmt: skip
_PIECE = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """An entry, the word for its kind of object, the object's page ("" where it is gone), and what differs."""

    entry: AuditEntry
    kind: str | Promise
    link: str
    changes: list[tuple[str, str, str]]  # field, before, after


def kinds() -> dict[str, str | Promise]:
    """The kinds of objects that entries may be about, in words."""
    models = [model for app in _APPS for model in apps.get_app_config(app).get_models()]
    return {model._meta.model_name or "": model._meta.verbose_name or "" for model in models}


def rows(entries: Iterable[AuditEntry]) -> list[Row]:
    """Entries to be shown; a query for each kind of object that has a page."""
    shown, words = list(entries), kinds()
    there = _there(shown)
    return [
        Row(one, words.get(one.kind, one.kind), there.get((one.kind, one.object_id), ""), list(changes(one)))
        for one in shown
    ]


def _there(entries: Iterable[AuditEntry]) -> dict[tuple[str, str], str]:
    wanted: dict[str, set[int]] = {}
    for one in entries:
        if one.kind in _PAGES and one.object_id.isdecimal():
            wanted.setdefault(one.kind, set()).add(int(one.object_id))
    found = {}
    for kind, keys in wanted.items():
        app, name, only = _PAGES[kind]
        model: Any = apps.get_model(app, kind)
        for key in model._base_manager.filter(pk__in=keys, **only).values_list("pk", flat=True):
            found[kind, str(key)] = reverse(name, args=[key])
    return found


def changes(entry: AuditEntry) -> Iterator[tuple[str, str, str]]:
    """Field, before and after, as text; "" where there is nothing."""
    before, after = entry.before or {}, entry.after or {}
    for name in {**before, **after}:
        yield name, written(before.get(name)), written(after.get(name))


def written(value: Any) -> str:
    """A JSON value as a person reads it."""
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(written(one) for one in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {written(one)}" for name, one in value.items())
    return str(value)


def cells(entries: QuerySet[AuditEntry]) -> Iterator[tuple[Any, ...]]:
    """The rows of the CSV, as `HEAD` names them; actions and kinds as the API names them. JSON comes as the database
    has it: to read and write it again would be most of the work."""
    texts = {f"{name}_text": Cast(name, TextField()) for name in ("before", "after")}
    for row in entries.annotate(**texts).values_list(*_COLUMNS).iterator(chunk_size=_PIECE):
        *rest, before, after, request_id = row
        yield (*rest, _readable(before), _readable(after), request_id)


def _readable(text: str | None) -> str:
    """SQLite keeps Korean in JSON as escapes."""
    if not text or text == "null":
        return ""
    return json.dumps(json.loads(text), ensure_ascii=False) if "\\u" in text else text
