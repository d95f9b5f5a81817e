"""A k6 script as HTML whose words have the colours of `.code`."""

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments.lexers.javascript import JavascriptLexer
from pygments.token import Comment, Keyword, String

MOST = 300_000  # characters; what is longer takes too long, and is shown plain
_TAGS = ((Comment, "s"), (Keyword, "b"), (String, "i"))


def highlighted(script: str) -> SafeString:
    """Keywords in <b>, texts in <i>, comments in <s>; everything escaped."""
    if len(script) > MOST:
        return escape(script)
    parts = []
    for kind, text in JavascriptLexer(stripnl=False).get_tokens(script):
        tag = next((tag for wanted, tag in _TAGS if kind in wanted), "")
        safe = escape(text)
        parts.append(f"<{tag}>{safe}</{tag}>" if tag else safe)
    return mark_safe("".join(parts))  # noqa: S308  # nosec B308  # every part was escaped
