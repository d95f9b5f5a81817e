"""What the audit keeps of values: short, as JSON, and never a secret.

Names decide first (a field called `password`, a header called `Authorization`), then what looks like a login inside of
a text. Whoever records something leaves secrets out to begin with; this is the second lock.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import models

HIDDEN = "•••"
LONGEST, MOST_FIELDS, MOST_ITEMS, DEEPEST = 300, 60, 40, 4
_SECRET = re.compile(
    r"passw|secret|token|sealed|digest|credential|api[-_ ]?key|authori[sz]ation|cookie|session_?key|private[-_ ]?key",
    re.IGNORECASE,
)
_NOT_SECRET = frozenset({"token_name", "token_url", "sealed variables"})
_LOGINS = (
    (
        re.compile(r"\b(bearer|basic)\s+(?:[A-Za-z0-9._~+/-]{16,}=*|[A-Za-z0-9+/]{4,}={1,2})", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    (re.compile(r"\bmv_[A-Za-z0-9_-]{16,}"), f"mv_{HIDDEN}"),  # projects.api_tokens
    (re.compile(r"://[^/\s@]*@"), f"://{HIDDEN}@"),
    (re.compile(r"([?&;][^=&;\s]*(?:passw|secret|token|key|sig)[^=&;\s]*=)[^&;\s]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)


def is_secret(name: str) -> bool:
    """Whether what has this name is not to be written down."""
    return name not in _NOT_SECRET and _SECRET.search(name) is not None


def fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """An object of JSON values by field, at most `MOST_FIELDS` of them; the last one says how many are left out."""
    names = list(values)
    kept = {
        text(name, 100): HIDDEN if is_secret(name) and values[name] else plain(values[name])
        for name in names[:MOST_FIELDS]
    }
    if len(names) > MOST_FIELDS:
        kept["…"] = len(names) - MOST_FIELDS
    return kept


def plain(value: Any, depth: int = 0) -> Any:
    """A JSON value: rows by name, moments in ISO 8601, texts and lists cut."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, models.Model):
        return text(value)
    if isinstance(value, bytes | memoryview):
        return f"{len(value)} B"
    if depth >= DEEPEST:
        return text(value)
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, models.QuerySet | models.Manager):
        value = list(value.all()[: MOST_ITEMS + 1])
    if isinstance(value, Iterable) and not isinstance(value, str):
        items = list(value)
        kept = [plain(one, depth + 1) for one in items[:MOST_ITEMS]]
        return [*kept, f"… {len(items) - MOST_ITEMS}"] if len(items) > MOST_ITEMS else kept
    return text(value)


def _object(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    """A dict; `{"name": "Authorization", "value": …}` and `{"secret": true, "value": …}` lose their value."""
    hides = value.get("secret") is True or is_secret(str(value.get("name", "")))
    kept: dict[str, Any] = {}
    for name, one in list(value.items())[:MOST_ITEMS]:
        hidden = one not in (None, "", True, False) and (is_secret(str(name)) or (hides and name == "value"))
        kept[text(name, 100)] = HIDDEN if hidden else plain(one, depth + 1)
    return kept


def text(value: Any, most: int = LONGEST) -> str:
    """A text without logins, and without what no database keeps; a long one is cut and says how long it was."""
    words = str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    for pattern, instead in _LOGINS:
        words = pattern.sub(instead, words)
    return words if len(words) <= most else f"{words[: most - 20].rstrip()}… ({len(words):,})"
