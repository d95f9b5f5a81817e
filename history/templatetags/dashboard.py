"""What the first page draws of a regression."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django import template
from django.utils.safestring import SafeString, mark_safe

from history.drawing import spark
from history.regressions import Regression

register = template.Library()


@register.filter
def query(words: Mapping[str, str]) -> str:
    """The part of an address after the question mark."""
    return urlencode(words)


@register.filter
def spark_of(regression: Regression) -> SafeString:
    """How the values of the last runs went, with what they are held against as a dotted line."""
    key = {"errors": "err", "tps": "tps"}.get(regression.measure, "p95")
    return mark_safe(spark(regression.values, key=key, target=regression.baseline))  # noqa: S308  # nosec B308  # numbers alone
