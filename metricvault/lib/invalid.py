"""pydantic's kinds of errors in our words, in the language of who reads them."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

EMPTY = frozenset({"missing", "string_too_short", "too_short"})


def sentence(problem: Mapping[str, Any]) -> str:
    """What is wrong with one value; `problem` is an item of `ValidationError.errors()`, with or without its input."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        choices = ", ".join(re.findall("'([^']*)'", str(context["expected"])))
        words = {"text": str(problem.get("input", ""))[:40], "choices": choices}
        known = _("“%(text)s” is not known here. Write one of: %(choices)s.") if words["text"] else ""
        return (known or _("Write one of: %(choices)s.")) % words
    return _plain(kind) or _limit(kind, context) or _("This value cannot be used.")


def _plain(kind: str) -> str:
    if kind in EMPTY:
        return _("Write a value.")
    if kind in {"int_type", "int_parsing", "int_from_float"}:
        return _("Write a whole number.")
    if kind in {"float_type", "float_parsing", "finite_number"}:
        return _("Write a number.")
    if kind in {"dict_type", "model_type", "model_attributes_type"}:
        return _("Write an object with names and values.")
    return {
        "string_type": _("Write text."),
        "list_type": _("Write a list."),
        "bool_type": _("Write true or false."),
        "bool_parsing": _("Write true or false."),
    }.get(kind, "")


def _limit(kind: str, context: Mapping[str, Any]) -> str:
    sentences = {
        "string_too_long": ("max_length", _("At most %(limit)s characters.")),
        "too_long": ("max_length", _("At most %(limit)s of them.")),
        "greater_than_equal": ("ge", _("Write a number of at least %(limit)s.")),
        "greater_than": ("gt", _("Write a number above %(limit)s.")),
        "less_than_equal": ("le", _("Write a number of at most %(limit)s.")),
    }
    if kind not in sentences:
        return ""
    name, words = sentences[kind]
    limit = context[name]
    return words % {"limit": int(limit) if limit == int(limit) else limit}
