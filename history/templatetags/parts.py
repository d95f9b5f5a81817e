"""Small pieces of markup for the shared components."""

from django import template
from django.forms import BoundField
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def breakable(path: str) -> SafeString:
    """`/orders/{id}` as markup that may break after a slash, with its parameters set apart."""
    parts = str(path).split("/")
    return format_html_join(
        format_html("/<wbr>"),
        "{}",
        ((format_html("<i>{}</i>", part) if part.startswith("{") else part,) for part in parts),
    )


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's widget as the design system's control; its own classes are kept."""
    kept = field.field.widget.attrs.get("class", "")
    plain = getattr(field.field.widget, "input_type", "") in ("checkbox", "radio")
    return field.as_widget(attrs={"class": kept if plain else f"input {kept}".strip()})


@register.filter
def before_space(text: str) -> str:
    """The method of a request's name, `GET /orders/{id}`."""
    return str(text).partition(" ")[0]


@register.filter
def after_space(text: str) -> str:
    """The path of a request's name."""
    return str(text).partition(" ")[2]
