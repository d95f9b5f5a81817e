"""Small pieces of markup for the shared components; every template has these tags and filters (settings)."""

from datetime import datetime
from functools import cache
from typing import Any

from django import template
from django.forms import BoundField
from django.template.base import TextNode
from django.template.loader import get_template, render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

register = template.Library()


@register.tag
def icon(_parser: Any, token: template.base.Token) -> TextNode:
    """`{% icon "home" %}`: one 16 px icon, by its name in components/sprite.html. It is text by the time the template
    is read: most pages have dozens."""
    _tag, name = token.split_contents()
    return TextNode(f'<svg class="icon" aria-hidden="true"><use href="#i-{name[1:-1]}"></use></svg>\n')


@register.simple_tag
def badge(status: str | None, outcome: str | None) -> SafeString:
    """State or verdict of a run (components/badge.html)."""
    return _badge(status, outcome, get_language())


@cache  # of two dozen states and verdicts, in two languages
def _badge(status: str | None, outcome: str | None, _language: str | None) -> SafeString:
    return render_to_string("components/badge.html", {"status": status, "outcome": outcome})


@register.simple_tag(takes_context=True)
def account(context: template.Context) -> SafeString:
    """Who is here (components/account.html): twice on a page, for wide windows and for narrow ones, and made once."""
    kept: Any = context.render_context.dicts[0]  # of this page, not of one of its parts
    if "account" not in kept:
        template: Any = get_template("components/account.html")
        kept["account"] = template.template.render(context)
    markup: SafeString = kept["account"]
    return markup


@register.filter
def breakable(path: str) -> SafeString:
    """`/orders/{id}` as markup that may break after a slash, with its parameters set apart."""
    parts = str(path).split("/")
    return format_html_join(
        mark_safe("/<wbr>"),  # nosec B308  # a constant
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


@register.filter
def when(moment: datetime | None) -> str:
    """A moment for lists: `Today 14:02`, `Yesterday 18:05`, `16 Nov 14:02`, with the year where it is another."""
    if moment is None:
        return "–"
    local, now = timezone.localtime(moment), timezone.localtime()
    time = date_format(local, "H:i")
    days = (now.date() - local.date()).days
    if days == 0:
        return _("Today %(time)s") % {"time": time}
    if days == 1:
        return _("Yesterday %(time)s") % {"time": time}
    day = pgettext("date format, day and month", "j M") if local.year == now.year else "SHORT_DATE_FORMAT"
    return f"{date_format(local, day)} {time}"
