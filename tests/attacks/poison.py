"""Every text that people, documents or targets can put into the database, with an attack of its own in it."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.apps import apps
from django.db import models

ROOMS = ("projects", "history", "loadtests")
# What the product writes by itself, or what can only be one of a few words: keys, sums, states, encrypted texts.
_OURS = {
    "begins", "charset", "digest", "document", "document_hash", "base_hash", "encoding", "endpoint_set", "executor",
    "field", "fingerprint", "ingest_token", "instance", "job_name", "k6_script_file_name", "language", "live_sent",
    "method", "openapi_version", "profile", "reasons", "request_id", "runner", "scenario_tag", "sealed",
    "sealed_headers", "session_key", "sha256", "statuses", "stop_reason", "trouble", "message", "overview", "heatmap",
    "generators", "asked", "options", "allowed_targets", "node_selector", "tolerations", "pull_secrets",
}  # fmt: skip
_MESSAGES = {"DocumentImport.message"}  # sentences that may quote what was sent
# Inside of JSON.
_WORDS_OF_OURS = {
    "answers", "content_type", "executor", "flow", "grant", "in", "key", "kind", "method", "open_id_url", "parameter",
    "percentile", "place", "scheme", "source", "state", "status", "style", "tag", "template", "type", "run", "proto",
    "explode", "text_kind", "generators", "name_kind", "environment", "reuse", "cookies", "order",
}  # fmt: skip


def mark(number: int) -> str:
    """Leaves an attribute, a text and a script, and begins an element of its own."""
    return f"\"'></script><xss-{number}>"


def fields() -> Iterator[tuple[type[models.Model], Any]]:
    """Each field that holds words of others."""
    for model in (one for room in ROOMS for one in apps.get_app_config(room).get_models()):
        for field in model._meta.concrete_fields:
            name = f"{model.__name__}.{field.name}"
            is_text = isinstance(field, models.CharField | models.TextField | models.JSONField)
            if is_text and not field.choices and (field.name not in _OURS or name in _MESSAGES):
                yield model, field


def poison(attack: Any = mark, *, first: bool = False) -> dict[int, str]:
    """Puts `attack(number)` into every text of every row, behind or before (`first`) what is there; answers the fields
    by their numbers."""
    known: dict[int, str] = {}
    numbered = list(enumerate(fields(), 1))
    for model, some in groupby(numbered, key=lambda one: one[1][0]):
        of_model = [(number, field) for number, (_model, field) in some]
        known |= {number: f"{model.__name__}.{field.name}" for number, field in of_model}
        for row in model._base_manager.all():
            changed = {field.name: _poisoned(row, field, attack(number), first) for number, field in of_model}
            model._base_manager.filter(pk=row.pk).update(**changed)
    return known


def _poisoned(row: models.Model, field: Any, text: str, first: bool) -> Any:
    value = getattr(row, field.name)
    if isinstance(field, models.JSONField):
        return _inside(value, text, first)
    together = (one for one in row._meta.constraints if isinstance(one, models.UniqueConstraint))
    if field.unique or any(field.name in one.fields for one in together):
        value = str(row.pk)
    value = value[: (field.max_length or 10**6) - len(text)]
    return text + value if first else value + text


def _inside(value: Any, text: str, first: bool, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _inside(one, text, first, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_inside(one, text, first, key) for one in value]
    if not isinstance(value, str) or key in _WORDS_OF_OURS:
        return value
    return text + value if first else value + text
