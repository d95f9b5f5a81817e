"""pydantic's kinds of errors in our words, in the language of who reads them."""

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
        words = {"text": str(problem.get("input", ""))[:40], "choices": str(context["expected"]).replace("'", "")}
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
    return {
        "string_too_long": _("At most %(limit)s characters.") % {"limit": context.get("max_length")},
        "too_long": _("At most %(limit)s of them.") % {"limit": context.get("max_length")},
        "greater_than_equal": _("Write a number of at least %(limit)s.") % {"limit": context.get("ge")},
        "greater_than": _("Write a number above %(limit)s.") % {"limit": context.get("gt")},
        "less_than_equal": _("Write a number of at most %(limit)s.") % {"limit": context.get("le")},
    }.get(kind, "")
