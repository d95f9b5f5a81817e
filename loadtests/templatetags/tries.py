"""What a plan's last try said, wherever a page asks before it runs; and bodies whose values can be taken."""

from collections.abc import Iterator
from dataclasses import dataclass

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from history.reasons import explain
from loadtests import trying
from loadtests.k6.pretty import Line, Shown
from loadtests.models import Plan, Try

register = template.Library()


@dataclass(frozen=True, slots=True)
class LastTry:
    """`failed` with the sentence why; `changed`: the plan is another one since then."""

    failed: bool
    message: str
    changed: bool


@register.simple_tag
def last_try(plan: Plan) -> LastTry | None:
    """None where the plan was never tried to the end."""
    row = trying.last(plan)
    if row is None:
        return None
    said = explain([row.message] if row.message else [])
    failed = row.state == Try.State.FAILED
    return LastTry(failed, said[0]["message"] if said else "", plan.updated_at > row.created_at)


@register.simple_tag
def body_text(shown: Shown, pick: bool) -> SafeString:
    """A body as markup; with `pick` its values are buttons. Thousands of lines: a template takes a second for them."""
    any_of_them = escape(_("any of them"))
    lines = (piece for line in shown.lines for piece in _line(line, pick, any_of_them))
    return SafeString("".join((*lines, escape(shown.text))))


def _line(line: Line, pick: bool, any_of_them: str) -> Iterator[str]:
    text, path = escape(line.text), escape(line.path)
    yield f"{line.indent}{escape(line.key)}"
    if pick and path:
        yield f'<button class="try-value {line.kind}" name="pick" value="json:{path}" title="{path}">{text}</button>'
    else:
        yield text if line.kind == "mark" else f'<span class="{line.kind}">{text}</span>'
    yield line.comma
    if pick and line.one_of:
        path = escape(line.one_of)
        yield f' <button class="try-any" name="pick" value="json:{path}" title="{path}">{any_of_them}</button>'
    yield "\n"
